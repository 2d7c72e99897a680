"""What a view demands: which action is to be confirmed, for which requests, and how long a yes lasts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.functional import Promise

from ..errors import UnusableActionError
from ..models import digest
from ..session import state

_ACTION_LENGTH = 255  # PROTOCOL.md §2.3, and the service's own limit


@dataclass(frozen=True)
class Requirement:
    """The action in words, or how to make them from a request, and whom it stops.

    ``max_age=None``: every request is asked for. With ``max_age`` seconds, a fixed action is let through when the
    person has passed a second factor in this session within that time: at the login, where no automation did it, or for
    any fixed action. An action made from the request is let through only when these very words were confirmed.
    ``safe_methods=False``: GET, HEAD, OPTIONS and TRACE pass, so that a view can show the form that is to be confirmed.
    ``unless`` gets what the view gets and says which further requests pass: forms that the view will find to be wrong,
    say.
    """

    action: Any
    max_age: int | None = None
    safe_methods: bool = True
    unless: Callable[..., bool] | None = None

    def __post_init__(self) -> None:
        if self.max_age is not None and (type(self.max_age) is not int or self.max_age <= 0):  # True is an int, too
            raise ImproperlyConfigured(f"max_age must be whole seconds, or None, not {self.max_age!r}.")

    def is_for(self, request: HttpRequest) -> bool:
        """Whether requests of this method are stopped."""
        return self.safe_methods or request.method not in {"GET", "HEAD", "OPTIONS", "TRACE"}

    def passes(self, *args: Any, **kwargs: Any) -> bool:
        """Whether ``unless`` lets this request through; only ``True`` does, not what merely counts as true."""
        return self.unless is not None and self.unless(*args, **kwargs) is True

    def words(self, *args: Any, **kwargs: Any) -> str:
        """The action for this request, as the phone shows it. Raises ``UnusableActionError``."""
        action = self.action(*args, **kwargs) if callable(self.action) else self.action
        if not isinstance(action, str | Promise):
            raise ImproperlyConfigured(f"The action of a step-up must be a text, not {action!r}.")
        shown = " ".join(str(action).split())
        hidden = any(unicodedata.category(character)[0] == "C" for character in shown)  # control, format, surrogate ...
        if not shown or len(shown) > _ACTION_LENGTH or hidden:
            raise UnusableActionError
        return shown

    def is_met(self, session: Any, words: str) -> bool:
        """Whether the person has confirmed this in ``session`` within ``max_age``, by more than a password."""
        return self.max_age is not None and state.was_confirmed(session, self._key(words), self.max_age)

    def is_met_by_password(self, session: Any, words: str) -> bool:
        """The same by the password, which counts for nobody who has a phone (SECURITY.md S38)."""
        key = self._key(words)
        return self.max_age is not None and state.was_confirmed(session, key, self.max_age, by_password=True)

    def remember(self, session: Any, words: str, *, by_password: bool) -> None:
        """The person has confirmed this just now."""
        state.set_confirmed(session, self._key(words), by_password=by_password)

    def _key(self, words: str) -> str:
        """All fixed actions share one; no other action is met by words that were made from a request."""
        return digest(words) if callable(self.action) else ""
