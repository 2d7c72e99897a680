"""Who is known but lacks the second factor, where the middleware does not look: an API, a socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from .. import policy
from ..session import generation


def lacks_second_factor(request: HttpRequest, user: Any) -> bool:
    """Whether ``user`` has to have a second factor, and the request's session has none of theirs.

    A session that stands for somebody else, or for nobody, says nothing: ``user`` was found in another way.
    """
    if is_session_of(user, request.session) and generation.is_verified_or_let_in(request):
        return False
    return is_due(request, user)


def is_session_of(user: Any, session: SessionBase) -> bool:
    """Whether it is this user who is logged in there."""
    return bool(session.get(SESSION_KEY) == user._meta.pk.value_to_string(user))


def is_due(request: HttpRequest, user: Any) -> bool:
    """Whether this user gets in only with a second factor, now."""
    return policy.is_due(user, request)
