"""Automations as the requester sees them."""

from __future__ import annotations

DAY = 86400


def is_silent(told):
    return (told["automated"], told["pending"]) == (True, False)


def is_asked(told):
    return (told["automated"], told["pending"]) == (False, True)
