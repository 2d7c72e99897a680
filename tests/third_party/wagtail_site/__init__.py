"""Wagtail, as ``wagtail start`` makes it."""
