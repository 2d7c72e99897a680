"""Drop-in two-factor login for Django: a person says yes on the phone, and no vendor is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["__version__", "ais_verified", "is_verified"]

__version__ = "0.1.0"


def is_verified(request: HttpRequest) -> bool:
    """Whether this session's user has passed a second factor in it; who was let in without one has not.

    Costs no query beyond the session's own, but one each ``TOOPHER_SESSION_CHECK`` seconds.
    """
    from .session.status import SecondFactor  # not before the apps are loaded

    return SecondFactor(request).verified


async def ais_verified(request: HttpRequest) -> bool:
    """``is_verified`` for asynchronous views."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(is_verified)(request)
