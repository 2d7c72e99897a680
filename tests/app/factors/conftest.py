"""Alice's recovery codes."""

from __future__ import annotations

import pytest

from django_toopher.factors import recovery_codes


@pytest.fixture
def codes(account, monkeypatch):
    """Alice's codes, with as few rounds as the passwords of these tests have."""
    monkeypatch.setattr(recovery_codes, "ROUNDS", 1)
    return recovery_codes.make(account.user)
