"""Keeps what a session earned true to who is logged in."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from . import sitting, state


@receiver(user_logged_in, dispatch_uid="django_toopher.forget_earned")
def forget_earned(request: HttpRequest | None, **kwargs: Any) -> None:
    """A login, by whatever way, voids what an earlier one left in the session (SECURITY.md S08)."""
    if request is not None and hasattr(request, "session"):
        state.forget(request.session)
        state.set_now(request.session, state.LOGGED_IN_AT)


def arrive(request: HttpRequest, **kwargs: Any) -> None:
    """django-hijack has logged somebody in; who sits there is the same as before."""
    sitting.arrive(request)


def connect() -> None:
    """To django-hijack, where it is installed."""
    if apps.is_installed("hijack"):
        from hijack.signals import hijack_ended, hijack_started

        for signal in (hijack_started, hijack_ended):
            signal.connect(arrive, dispatch_uid="django_toopher.arrive")
