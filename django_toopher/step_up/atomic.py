"""``ATOMIC_REQUESTS`` and what must outlive a view that fails: that an approval was spent.

Django opens its transaction around the whole view, decorators included. Rolled back, it would give a spent approval
back, and what the view had done outside of the database could be done a second time. So views that need an approval
open their transaction themselves, when the approval is spent and written down.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.http import HttpRequest

_MARK = "_non_atomic_requests"  # what transaction.non_atomic_requests sets


def without_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    """Have Django open no transaction around ``view``, whichever database has ``ATOMIC_REQUESTS``."""
    setattr(view, _MARK, set(connections))
    return view


def atomic_inside(view: Callable[..., Any], marked: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """``view`` in the transactions that Django would have opened around it, or around ``marked``."""
    excepted = set(getattr(marked or view, _MARK, ()))

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        atomic: Callable[..., Any] = view
        for alias, configured in connections.settings.items():
            if configured["ATOMIC_REQUESTS"] and alias not in excepted:
                atomic = transaction.atomic(using=alias)(atomic)
        return atomic(*args, **kwargs)

    return run


def require_durable(request: HttpRequest, alias: str) -> None:
    """``ImproperlyConfigured`` where Django has a transaction around this view after all, with database ``alias``.

    So it is when only a method of a class is decorated, or the view has a decorator around it that hides the mark.
    """
    match = request.resolver_match
    excepted = getattr(match.func, _MARK, ()) if match else ()
    if connections.settings[alias]["ATOMIC_REQUESTS"] and alias not in excepted:
        raise ImproperlyConfigured(
            "With ATOMIC_REQUESTS, a view that needs an approval must spend it outside of Django's transaction: put "
            '@transaction.non_atomic_requests outermost (on a class: @method_decorator(..., name="dispatch")).'
        )
