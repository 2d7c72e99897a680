"""Django 6's content security policy at its strictest."""
