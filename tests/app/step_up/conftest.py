"""Alice, who has a phone and has shown it; Bob, who needs none; and what the views were given."""

from __future__ import annotations

import pytest

from tests.app.rest_urls import DONE
from tests.app.step_up_urls import SEEN
from tests.factories import verified


@pytest.fixture(autouse=True)
def seen():
    """What the views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return SEEN


@pytest.fixture
def alices(account, computer):
    """Alice's browser, logged in, her second factor passed."""
    return verified(computer, account.user)


@pytest.fixture
def bobs(make_user, make_computer):
    """The browser of somebody who has no phone, and needs none."""
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    return computer
