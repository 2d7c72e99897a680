"""How it stands with the second factor of who is logged in, for the site's own code and templates."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from ..models import ToopherAccount
from . import generation, state


class SecondFactor:
    """Read when it is used: a page that does not use it costs nothing, not even the session."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def verified(self) -> bool:
        """Whether this session's user has passed a second factor in it."""
        request = self._request
        return hasattr(request, "session") and state.is_verified(request) and generation.is_current(request)

    @property
    def paired(self) -> bool:
        """Whether this user has a phone that is asked. At most two queries."""
        user: Any = getattr(self._request, "user", None)
        account: ToopherAccount | None = getattr(user, "toopher_account", None)
        return bool(account and account.paired and account.enabled)

    @property
    def account_url(self) -> str:
        """The page where people look after their phone."""
        return reverse("django_toopher:account")
