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
from django.db import connections, router, transaction
from django.http import HttpRequest

from ..models import Attempt

_ATTRIBUTE = "_non_atomic_requests"  # what transaction.non_atomic_requests sets


def without_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    """Have Django open no transaction around ``view``, whichever database has ``ATOMIC_REQUESTS``."""
    setattr(view, _ATTRIBUTE, set(connections))
    return view


def atomic_inside(view: Callable[..., Any], like: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """``view`` in the transactions that Django would have opened around it, or around ``like``."""
    excepted = set(getattr(like or view, _ATTRIBUTE, ()))

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        atomic: Callable[..., Any] = view
        # as BaseHandler.make_view_atomic does it
        for alias, configured in connections.settings.items():
            if configured["ATOMIC_REQUESTS"] and alias not in excepted:
                atomic = transaction.atomic(using=alias)(atomic)
        return atomic(*args, **kwargs)

    return run


def require_durable(request: HttpRequest) -> None:
    """``ImproperlyConfigured`` where Django has a transaction around this view after all, with the attempts' database.

    So it is when only a method of a class is decorated, or the view has a decorator around it that hides the attribute.
    """
    alias, match = router.db_for_write(Attempt), request.resolver_match
    excepted = getattr(match.func, _ATTRIBUTE, ()) if match else ()
    if connections.settings[alias]["ATOMIC_REQUESTS"] and alias not in excepted:
        raise ImproperlyConfigured(
            "With ATOMIC_REQUESTS, a view that needs an approval must spend it outside of Django's transaction: put "
            '@transaction.non_atomic_requests outermost (on a class: @method_decorator(..., name="dispatch")).'
        )
