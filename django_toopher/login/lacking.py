"""Who is known but lacks the second factor, where the middleware does not look: an API, a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from ..errors import SecondFactorError
from ..session import generation, sitting
from . import due


def lacks_second_factor(request: Any, user: Any) -> bool:
    """Whether ``user`` has to have a second factor, and the request's session has none of theirs.

    A session that stands for somebody else, or for nobody, says nothing: ``user`` was found in another way. Where
    somebody acts as ``user``, it is their second factor.
    """
    person = sitting.person(request) if user == request.user else user
    if person is None:  # whoever acted as the user was deleted
        return True
    if sitting.key_of(request.session) != _key(person):
        return is_due(request, person)
    return not generation.is_verified_or_let_in(request) and _or_true(due.is_due_in_session, request)


def is_session_of(user: Any, session: SessionBase) -> bool:
    """Whether it is this user who is logged in there."""
    return bool(session.get(SESSION_KEY) == _key(user))


def _key(user: Any) -> str:
    """The primary key as sessions have it."""
    return str(user._meta.pk.value_to_string(user))


def is_due(request: HttpRequest, user: Any) -> bool:
    """Whether this user gets in only with a second factor, now; also where nobody can say."""
    return _or_true(due.is_due, request, user)


def _or_true(asked: Callable[..., bool], *args: Any) -> bool:
    try:
        return asked(*args)
    except SecondFactorError:  # the service is down, say
        return True
