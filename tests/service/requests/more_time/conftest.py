"""A page that waits for a phone."""

from __future__ import annotations

import pytest

from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.requests import answering
from tests.drivers import Computer, Frame

from .acts import let_pass

TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


@pytest.fixture
def open_page(iframe):
    """Opens a login page."""

    def make(user="alice", token="token"):
        return Frame.at(Computer(), iframe.get_auth_iframe_url(user, "", token, **TERMINAL))

    return make


@pytest.fixture
def paired(pair, raw_phone):
    """Alice's phone (by hand)."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def page(open_page, paired):
    """A login page that waits for alice's phone."""
    page = open_page()
    assert page.state["state"] == "waiting"
    return page


@pytest.fixture
def ended(api, page, paired):
    """Ends the question."""

    def make(how):
        asked = AuthenticationRequest.objects.get()
        if how == "expired":
            let_pass(121)
        elif how == "cancelled":
            answering.cancel(asked)
        elif how == "disabled":
            api.disable_user("alice")
        elif how == "reset":
            api.reset_user("alice")
        else:
            paired.answer(paired.question(), asked.number, how)

    return make
