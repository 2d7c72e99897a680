"""Alice's computers: logged in with the phone, verified by rows, let in by an automation."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from django_toopher.service.device.cli_phone import Automate
from tests import factories

from ..acts import POSTBACK
from .page import MAC, WINDOWS


@pytest.fixture
def windows(account, make_computer, phone):
    """Alice's Windows computer, logged in with the phone."""
    computer = make_computer(**WINDOWS)
    computer.log_in(phone)
    return computer


@pytest.fixture
def mac(windows, make_computer, phone):
    """Her Mac, too."""
    computer = make_computer(**MAC)
    computer.log_in(phone)
    return computer


@pytest.fixture
def verified(account, make_computer):
    """A computer of Alice's, the second factor passed; the service knows nothing of it."""
    return factories.verified(make_computer(), account.user)


@pytest.fixture
def another(verified, account, make_computer):
    """Another one, too."""
    return factories.verified(make_computer(), account.user)


@pytest.fixture
def let_in_silently(account, computer, phone):
    """Alice's computer, which an automation lets in; whoever sits there has typed her password."""
    computer.password()
    frame = computer.open_iframe()
    phone.approve(phone.pending().requests[0], frame.state["number"], automate=Automate(3600))
    computer.post(POSTBACK, frame.poll()["postback"])
    del computer.client.cookies["sessionid"]
    computer.password()
    computer.post(POSTBACK, computer.open_iframe().poll()["postback"])
    assert Attempt.objects.latest("created").method == "automation"
    return computer
