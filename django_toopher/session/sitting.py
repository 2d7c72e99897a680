"""Who sits at the computer: who is logged in, or whoever acts as them (django-hijack, django-impersonate).

What a session earned belongs to who sits there. django-impersonate leaves the session to the impersonator, and the
request tells who that is. django-hijack logs the other person in: the session names who came before, and what they had
earned is carried across by ``carry`` and ``arrive``.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from ..impersonation import HIJACK, IMPERSONATE, is_hijacked

HASH = "_toopher_sitting_hash"
"""Of who sits there, what Django keeps of whoever is logged in: it ends with the password."""

_CARRIED = "_toopher_carried"


def key_of(session: SessionBase) -> Any:
    """The primary key of who sits there, as the session has it; ``None`` where nobody is logged in."""
    history = session.get(HIJACK)
    return history[0] if history else session.get(SESSION_KEY)


def roles(session: SessionBase) -> str | None:
    """Who sits there and whom they act as; ``None`` where nobody is logged in."""
    who, whom = key_of(session), _acts_as(session)
    return who if whom is None or who is None else f"{who} as {whom}"


def _acts_as(session: SessionBase) -> Any:
    return session.get(SESSION_KEY) if session.get(HIJACK) else session.get(IMPERSONATE)


def acted(session: SessionBase) -> Any:
    """The person whom somebody acts as; ``None`` where nobody does. One query where somebody does."""
    whom = _acts_as(session)
    return None if whom is None else get_user_model()._default_manager.filter(pk=whom).first()


def person(request: Any) -> Any:
    """Who sits there. While django-hijack is at work, one query for each request."""
    impersonator = getattr(request, "impersonator", None)
    if impersonator is not None or not is_hijacked(request):
        return impersonator or request.user
    if not hasattr(request, "_toopher_person"):
        request._toopher_person = get_user_model()._default_manager.filter(pk=key_of(request.session)).first()
    return request._toopher_person


def may_go_on(request: HttpRequest) -> bool:
    """Whether who has hijacked may still do that: active, the password as it was, and by django-hijack's own rule."""
    from hijack.conf import settings as hijack_settings  # it is installed: the session has its history

    who = person(request)
    kept = request.session.get(HASH, "")
    return (
        who is not None
        and who.is_active
        and any(constant_time_compare(kept, each) for each in hashes_of(who))
        and bool(import_string(hijack_settings.HIJACK_PERMISSION_CHECK)(hijacker=who, hijacked=request.user))
    )


def hashes_of(user: Any) -> list[str]:
    """What changes with the password, as ``SECRET_KEY`` gives it and as each of ``SECRET_KEY_FALLBACKS`` does.

    A user model without passwords has nothing to compare.
    """
    if not hasattr(user, "get_session_auth_hash"):
        return [""]
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def carry(request: Any, names: tuple[str, ...]) -> None:
    """Before django-hijack logs somebody in, which empties the session: keep what it has under these names."""
    session = request.session
    kept = {name: session.get(name) for name in names}
    kept[HASH] = session[HASH] if HASH in session else session.get(HASH_SESSION_KEY, "")
    request.__dict__[_CARRIED] = kept


def arrive(request: Any) -> None:
    """After it: the same person sits there, and has not signed in anew."""
    for name, value in request.__dict__.pop(_CARRIED, {}).items():
        request.session.pop(name, None)
        if value is not None:
            request.session[name] = value
    if not is_hijacked(request):  # back to themselves
        request.session.pop(HASH, None)
