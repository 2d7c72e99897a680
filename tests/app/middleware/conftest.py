"""Alice's computer, logged in by other code than the login page."""

from __future__ import annotations

import pytest


@pytest.fixture
def unmarked(account, computer):
    """Alice's computer, logged in by other code; her phone was not asked."""
    computer.client.force_login(account.user)
    return computer
