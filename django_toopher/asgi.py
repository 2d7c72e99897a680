"""Sockets and what else stands beside Django in an ASGI application, as with Channels (SECURITY.md S41)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from io import BytesIO
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.utils.crypto import constant_time_compare

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

_SCHEMES = {"ws": "http", "wss": "https"}


class ScopeMiddleware:
    """Inside of Channels' ``AuthMiddlewareStack``: who lacks the second factor is nobody there, ``AnonymousUser``.

    ::

        ProtocolTypeRouter({"websocket": AuthMiddlewareStack(ScopeMiddleware(URLRouter(...)))})

    Whoever is verified, let in, or has to have no second factor stays who they are; so does who was found by something
    else than the session, if none is due for them. That is decided when the connection begins, and nothing is written
    into the session. A socket that stays open asks ``still_counts`` again.
    """

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        # apps may not be loaded yet where this module is imported, at the top of asgi.py
        from django.contrib.auth.models import AnonymousUser

        if "user" in scope and not await still_counts(scope):
            scope = {**scope, "user": AnonymousUser()}
        await self.inner(scope, receive, send)


async def still_counts(scope: Scope) -> bool:
    """Whether ``scope["user"]`` is logged in, and nothing is missing: looked up now, in session and account.

    False also after a logout, a change of the password, or when the user was deactivated. At most four queries.
    """
    return await sync_to_async(_counts)(scope)


def _counts(scope: Scope) -> bool:
    close_old_connections()  # as Channels does: no request begins or ends here, which would close them
    try:
        user = scope["user"]
        return bool(user.is_authenticated) and _lacks_nothing(scope, user)
    finally:
        close_old_connections()


def _lacks_nothing(scope: Scope, known: Any) -> bool:
    from .impersonation import is_hijacked
    from .login.lacking import is_due, is_session_of, lacks_second_factor
    from .session import sitting

    user = get_user_model()._default_manager.filter(pk=known.pk).first()  # what was known of the account is old
    if user is None or not user.is_active:
        return False
    request = _request_of(scope, user)
    if not is_session_of(user, scope.get("session", {})):
        return not is_due(request, user)  # found in another way, such as by a token
    if not _is_logged_in(user, request.session):
        return False
    if is_hijacked(request) and not sitting.may_go_on(request):
        return False
    return not lacks_second_factor(request, user)


def _is_logged_in(user: Any, session: SessionBase) -> bool:
    """Whether the session is still this user's, and of the password that the user has now."""
    from .login.lacking import is_session_of
    from .session import sitting

    kept = session.get(HASH_SESSION_KEY, "")
    return is_session_of(user, session) and any(constant_time_compare(kept, each) for each in sitting.hashes_of(user))


def _request_of(scope: Scope, user: Any) -> Any:
    """What policies get: the request that opened the connection, with the session as it is kept now."""
    scheme = scope.get("scheme", "http")
    told = {"method": "GET", "path": "", "headers": [], **scope, "scheme": _SCHEMES.get(scheme, scheme)}
    request: Any = ASGIRequest(told, BytesIO())
    store = import_module(settings.SESSION_ENGINE).SessionStore
    # another object than the scope's: what is compared on the way is written into it, and is not to be saved
    request.session = store(getattr(scope.get("session"), "session_key", None))
    request.user = user
    return request
