"""Users whose name is their membership number, an integer."""
