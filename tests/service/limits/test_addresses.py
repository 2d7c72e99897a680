"""What one address may do."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from django_toopher.service.models import Authenticator, Tally
from tests.tables import table

from ..callers import RawPhone
from .acts import PUBLIC


def register_from(address):
    phone = RawPhone()
    phone.client = Client(REMOTE_ADDR=address)
    return refused_registration(phone)


def refused_registration(phone):
    before = Authenticator.objects.count()
    try:
        phone.register()
    except KeyError:
        assert Authenticator.objects.count() == before
        return True
    return False


def test_phones_of_one_address_are_registered_up_to_the_limit(db, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"registrations": 2}
    assert [register_from(PUBLIC) for _ in range(3)] == [False, False, True]
    assert register_from("8.8.4.4") is False
    Tally.objects.update(expires=timezone.now())
    assert register_from(PUBLIC) is False


def test_a_whole_64_counts_as_one_address(db, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"registrations": 1}
    assert register_from("2606:4700::1") is False
    assert register_from("2606:4700::2") is True
    assert register_from("2606:4700:0:1::1") is False


@table("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1", ""])
def test_an_address_that_is_a_proxys_counts_for_nobody(db, settings, address):
    settings.TOOPHER_SERVICE_LIMITS = {"registrations": 1}
    assert [register_from(address) for _ in range(3)] == [False] * 3


def test_pages_of_one_address_are_opened_up_to_the_limit(settings, open_page, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"frames": 1}
    assert open_page(PUBLIC, "one").state["state"] == "waiting"
    refused = open_page(PUBLIC, "two").state
    assert (refused["error_code"], refused["reason"]) == (429, "too_many")
    assert "token" not in refused
    assert open_page("8.8.4.4", "three").state["state"] == "waiting"
