"""Phones: registered, paired, notified, removed."""
