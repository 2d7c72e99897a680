"""How phones subscribe."""

from __future__ import annotations

from django_toopher.service.phones.push import keys


def subscribe(phone, browser, **changes):
    return phone.call("push", **{**browser.claims(keys.public_key()), **changes})
