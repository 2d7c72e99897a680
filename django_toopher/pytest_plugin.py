"""The fixtures that pytest finds by itself where this package is installed; see ``testing``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from .service.testing import Phone


@pytest.fixture
def verified_client(db: None) -> Callable[[Any], Client]:
    """``verified_client(user)``: a client whose user has passed the second factor."""
    from django.test import Client

    from .testing import verified_login  # models: not before Django is set up

    def make(user: Any) -> Client:
        client = Client()
        verified_login(client, user)
        return client

    return make


@pytest.fixture
def toopher_phone(db: None) -> Phone:
    """A phone that answers: ``pair(client)``, ``approve(client)``, ``deny(client)``."""
    from .testing import make_phone

    return make_phone()
