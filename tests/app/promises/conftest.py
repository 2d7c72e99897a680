"""The promises of the requester's side, S01 to S18, each for every way in that it concerns, under WSGI and ASGI.

Beside these stand the tests of each part, which know more of how it could be attacked.
"""

from __future__ import annotations

import pytest

from tests.app.rest_urls import DONE
from tests.app.step_up_urls import SEEN

from .means import logged_in_as_alice


@pytest.fixture(autouse=True)
def carried_out():
    """What confirmed views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return lambda: len(SEEN) + len(DONE)


@pytest.fixture
def alices(account, browser):
    """Alice's browser, logged in and verified."""
    return logged_in_as_alice(browser)


@pytest.fixture(autouse=True)
def polls_without_end(settings):
    """One question is looked at in many ways. Its polls are counted in the cache, where nothing is ``undone``."""
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 100_000}
