"""Automations that hold in one network only."""

from __future__ import annotations

import pytest

from django_toopher.addresses import network_of
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Automation
from django_toopher.service.requests import automations
from tests.tables import table

from .acts import DAY, is_asked


@pytest.fixture
def bound(open_page, paired):
    """A standing yes for alice's PC in its network."""
    frame = open_page()
    paired.approve(frame.question(paired), frame.state["number"], Automate(DAY, network=True))
    return Automation.objects.get()


def test_the_page_is_finished_at_once(open_page, paired, iframe):
    frame = open_page()
    paired.approve(frame.question(paired), frame.state["number"], Automate(DAY))
    state = open_page().state
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], "token")
    assert (postback["automated"], postback["granted"], postback["pending"]) == ("true", "true", "false")


def test_it_knows_the_network(bound):
    assert bound.network == "203.0.113.0/24"


def test_in_the_same_network_it_is_given(bound, open_page):
    assert open_page("203.0.113.77").state["state"] == "finished"


@table("address", ["203.0.114.5", "198.51.100.5", "2001:db8::5"])
def test_S27_in_another_network_the_phone_is_asked(bound, open_page, address):
    assert open_page(address).state["state"] == "waiting"


def test_S27_where_the_address_is_not_known_the_phone_is_asked(bound, ask):
    assert is_asked(ask())


def test_S27_in_another_network_one_that_is_bound_to_none_is_given(bound, open_page, paired):
    elsewhere = open_page("198.51.100.5")
    paired.deny(elsewhere.question(paired), Automate(DAY))
    assert open_page("198.51.100.5").state["granted"] is False
    assert open_page().state["granted"] is True


@table(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_a_network_is_24_or_64_bits(address, network):
    assert network_of(address, automations.NETWORK) == network
