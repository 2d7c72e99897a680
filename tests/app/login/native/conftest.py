"""Alice's computer at our own page, which asks her phone (``TOOPHER_EMBED = "native"``)."""

from __future__ import annotations

import pytest

from tests.app.acts import AUTHENTICATE

from .page import approve


@pytest.fixture(autouse=True)
def native(settings):
    settings.TOOPHER_EMBED = "native"


@pytest.fixture
def asked(account, computer):
    """Alice's computer after the password, at the page that waits for her phone."""
    computer.password(next_url="/members/")
    computer.page = computer.get(AUTHENTICATE)
    return computer


@pytest.fixture
def approved(asked, phone):
    """The same after the phone's yes, of which the site has not heard yet."""
    approve(asked, phone)
    return asked
