"""Closed to strangers: every page needs a login."""
