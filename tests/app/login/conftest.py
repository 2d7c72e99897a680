"""A login up to its last step: Alice's approval, which is not handed in yet; and Bob, who has a phone of his own."""

from __future__ import annotations

import pytest

from tests.app.acts import approval
from tests.factories import account_with


@pytest.fixture
def approved(account, computer, phone):
    """Alice's approval, which is not handed in yet."""
    return approval(computer, phone, next_url="/members/")


@pytest.fixture
def bob(make_user, make_phone):
    """Somebody else with a phone."""
    user = make_user("bob")
    user.phone = make_phone("Bob's")
    account_with(user.phone, user)
    user.refresh_from_db()
    return user
