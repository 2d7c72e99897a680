"""Cookies that no other site's link brings along."""
