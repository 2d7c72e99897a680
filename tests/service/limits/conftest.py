"""A phone that is asked."""

from __future__ import annotations

import pytest

from tests.drivers import Computer, Frame

TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


@pytest.fixture
def paired(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone


@pytest.fixture
def ask(api, paired):
    """Asks alice's phone, or another user's."""

    def make(user="alice"):
        return api.authenticate(user, "secret-1", "Log In", terminal_name="PC")

    return make


@pytest.fixture
def open_page(iframe):
    """Opens a login page of alice's."""

    def make(address="127.0.0.1", token="token", user="alice"):
        computer = Computer()
        computer.client.defaults["REMOTE_ADDR"] = address
        return Frame.at(computer, iframe.get_auth_iframe_url(user, "", token, **TERMINAL))

    return make
