"""Keeps what a session earned true to who is logged in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from . import state


@receiver(user_logged_in, dispatch_uid="django_toopher.forget_earned")
def forget_earned(request: HttpRequest | None, **kwargs: Any) -> None:
    """A login, by whatever way, voids what an earlier one left in the session (SECURITY.md S08)."""
    if request is not None and hasattr(request, "session"):
        state.forget(request.session)
        state.set_now(request.session, state.LOGGED_IN_AT)
