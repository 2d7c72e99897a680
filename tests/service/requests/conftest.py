"""A phone that is asked."""

from __future__ import annotations

import pytest


@pytest.fixture
def paired(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone
