"""For the tests of a site: people who have passed their second factor, and a phone that answers.

It runs in tests only, and is the one module that knows the app and, where a phone is wanted, the embedded service.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client, SimpleTestCase

from .models import ToopherAccount
from .session import state

if TYPE_CHECKING:
    from .service.testing import Phone

    _TestCase = SimpleTestCase
else:
    _TestCase = object


def verified_login(client: Client, user: Any) -> None:
    """``client.force_login(user)``, and the second factor counts as passed. No page and no service is asked."""
    client.force_login(user)
    kept: Any = client.session
    generations = ToopherAccount.objects.filter(user=user.pk).values_list("generation", flat=True)
    state.set_verified(kept, generations.first() or 0)
    kept.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = kept.session_key  # signed_cookies keeps the session in it


def make_phone(name: str = "Test phone") -> Phone:
    """A phone that answers: ``pair(client)``, ``approve(client)``, ``deny(client)``. Needs the embedded service."""
    from .service.testing import Phone

    return Phone(name, before_pairing=_signed_in_now)


def _signed_in_now(client: Client) -> None:
    """Whoever is logged in has typed the password just now, without which nobody pairs a phone (SECURITY.md S38)."""
    kept: Any = client.session
    if SESSION_KEY not in kept:
        return
    state.set_now(kept, state.LOGGED_IN_AT)
    state.set_now(kept, state.PASSWORD_AT)
    kept.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = kept.session_key  # signed_cookies keeps the session in it


class SecondFactorMixin(_TestCase):
    """For test cases with a database: ``self.verified_login(user)``, and ``self.phone``, which answers."""

    def verified_login(self, user: Any) -> None:
        """Log ``user`` in to ``self.client``, the second factor passed."""
        verified_login(self.client, user)

    @cached_property
    def phone(self) -> Phone:
        """A phone that is not paired yet."""
        return make_phone()
