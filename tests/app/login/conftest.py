"""A login up to its last step: Alice's approval, which is not handed in yet."""

from __future__ import annotations

import pytest

from tests.app.acts import approval


@pytest.fixture
def approved(account, computer, phone):
    """Alice's approval, which is not handed in yet."""
    return approval(computer, phone, next_url="/members/")
