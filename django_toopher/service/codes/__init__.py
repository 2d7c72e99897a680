"""Codes that a person types: a phone's one-time codes, and those of a printed list."""
