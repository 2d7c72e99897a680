"""A phone that is asked, and what it answers from then on."""

from __future__ import annotations

import pytest

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Authenticator, Automation, User
from django_toopher.service.requests import answering, asking, automations
from tests.drivers import Computer, Frame

from .acts import DAY

INITIATE = "authentication_requests/initiate"


@pytest.fixture
def ask(caller):
    """Asks alice's phone as a requester does; the reply's JSON."""

    def make(**changes):
        usual = {
            "user_name": "alice",
            "terminal_name": "PC",
            "terminal_name_extra": "secret-1",
            "action_name": "Log In",
        }
        return caller.post(INITIATE, **{**usual, **changes}).json()

    return make


@pytest.fixture
def wish(ask, paired):
    """Answers alice's next question on the phone and wishes the same from now on; the automation."""

    def make(decision="allow", **asked):
        number = ask(**asked)["number"]
        question = paired.pending().requests[0]
        paired.approve(question, number, Automate(DAY)) if decision == "allow" else paired.deny(question, Automate(DAY))
        return Automation.objects.get()

    return make


@pytest.fixture
def automate(requester, paired):
    """The same below the web."""

    def make(decision="allow"):
        user = User.objects.get(requester=requester, name="alice")
        asked = asking.initiate(user, "Log In", terminal_name="PC", terminal_extra="secret-1")
        allow = decision == "allow"
        said = answering.Answer(
            shown=asked.texts,
            allow=allow,
            number=asked.number if allow else "",
            evidence="",
            automate=automations.Terms(DAY, network=False),
        )
        answering.answer(asked.pk, Authenticator.objects.get(pk=paired.id), said)
        return Automation.objects.get()

    return make


@pytest.fixture
def asked(ask, pair, raw_phone):
    """A question on alice's phone, and its number."""
    pair(raw_phone)
    number = ask()["number"]
    return raw_phone.question(), number


@pytest.fixture
def open_page(iframe):
    """Opens alice's page at an address."""

    def make(address="203.0.113.5", **more):
        computer = Computer()
        computer.client.defaults["REMOTE_ADDR"] = address
        terminal = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1", **more}
        return Frame.at(computer, iframe.get_auth_iframe_url("alice", "", "token", **terminal))

    return make
