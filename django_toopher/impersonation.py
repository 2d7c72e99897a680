"""Whether somebody acts as somebody else, as django-hijack and django-impersonate tell of it."""

from __future__ import annotations

from django.http import HttpRequest

HIJACK = "hijack_history"
"""django-hijack's key in the session: primary keys of who sits there and of whom they have acted as on the way."""

IMPERSONATE = "_impersonate"
"""django-impersonate's: the primary key of whom they act as."""


def is_hijacked(request: HttpRequest) -> bool:
    """Whether django-hijack has logged in another person than who sits there."""
    return hasattr(request, "session") and bool(request.session.get(HIJACK))


def is_impersonating(request: HttpRequest) -> bool:
    """Whether somebody acts as whoever is logged in."""
    return getattr(request, "impersonator", None) is not None or is_hijacked(request)
