"""Alice at ``requester``: known to it, or paired with ``phone``."""

from __future__ import annotations

import pytest

from django_toopher.service.people import users


@pytest.fixture
def user(requester):
    """alice."""
    return users.get_or_create(requester, "alice")


@pytest.fixture
def pairing(pair, phone):
    """The id of alice's pairing with ``phone``."""
    return pair(phone)
