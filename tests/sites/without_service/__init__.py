"""Asks a service elsewhere."""
