"""Phones come and go on the account page: other sessions have to confirm again; the new one is known by name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import ServiceUnavailableError, ToopherApi
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session.state import LET_IN, VERIFIED
from tests.drivers import Frame, attribute

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, AUTHENTICATE, pair, pairing, remove
from .page import an_hour_passes, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


def test_another_session_has_to_confirm_again_after_a_change_of_phones(verified, another, make_phone):
    assert verified.post(ACCOUNT_POSTBACK, pairing(verified, make_phone("new"))).status_code == 302
    an_hour_passes(another)
    assert another.get("/members/")["Location"] == AUTHENTICATE
    assert VERIFIED not in another.client.session
    an_hour_passes(verified)
    assert verified.is_logged_in()


def test_a_removed_phone_ends_what_other_sessions_earned_too(verified, another, make_phone):
    verified.post(ACCOUNT_POSTBACK, pairing(verified, make_phone("new")))
    verified.post(ACCOUNT_POSTBACK, remove(verified))
    an_hour_passes(another)
    assert not another.is_logged_in()
    assert verified.is_logged_in()


def test_the_first_phone_ends_sessions_that_had_the_password_only(alice, make_computer, phone):
    thief, owner = make_computer(), make_computer()
    for computer in (thief, owner):
        computer.password()
        assert computer.is_logged_in()
    assert LET_IN in thief.client.session
    owner.post(ACCOUNT_POSTBACK, pairing(owner, phone))
    an_hour_passes(thief)
    assert thief.get("/members/")["Location"] == AUTHENTICATE


def test_S08_a_page_that_the_password_alone_has_opened_manages_no_phone_that_comes_meanwhile(
    alice, make_computer, phone, make_phone
):
    thief, owner = make_computer(), make_computer()
    thief.password()
    frame = thief.open_iframe(ACCOUNT)
    link = frame.call("pair")["link"]
    pair(owner, phone)
    here = phone.account().id
    with pytest.raises(Exception, match="answered already"):
        make_phone("thief").pair_link(link)
    for call, fields in {"remove": {}, "rename": {"name": "x"}, "reset": {}, "switch": {"enabled": "true"}}.items():
        assert frame.call(call, pairing=here, **fields)["reason"] == "gone"
    assert phone.account().id == here


def test_S08_a_page_that_the_password_alone_has_opened_tells_of_no_phone(alice, computer, phone, embedded_api):
    computer.password()
    address = attribute(page_of(computer), "src")
    embedded_api.pair("alice", phone.phrase().phrase)
    phone.pair(phone.pending().pairings[0])  # of which the site has not heard
    assert "phones" not in Frame.at(computer, address).state
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE


def changes_of_phones():
    return Attempt.objects.filter(kind="pairing")


def test_loading_the_page_again_begins_no_other_change_of_phones(alice, computer, phone):
    computer.password()
    for _ in range(5):
        page_of(computer)
    assert changes_of_phones().count() == 1
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, phone)).status_code == 302
    assert changes_of_phones().count() == 1
    page_of(computer)
    assert changes_of_phones().count() == 2  # what was handed in is spent


@pytest.mark.parametrize(("left", "begun"), [(310, 1), (290, 2)])
def test_a_change_of_phones_that_has_less_than_half_of_its_time_left_is_begun_anew(left, begun, alice, computer):
    computer.password()
    page_of(computer)
    changes_of_phones().update(expires=timezone.now() + timedelta(seconds=left))
    page_of(computer)
    assert changes_of_phones().count() == begun


@pytest.fixture
def asked(monkeypatch):
    """The API's paths that were asked for, without those of the phone."""
    paths = []
    get = ToopherApi.get

    def record(self, path, **parameters):
        paths.append(path)
        return get(self, path, **parameters)

    monkeypatch.setattr(ToopherApi, "get", record)
    return paths


def test_a_phone_that_is_paired_on_the_account_page_is_known_by_name(alice, computer, phone, asked):
    pair(computer, phone)
    account = ToopherAccount.objects.get()
    assert account.device == "Pixel"
    assert [path for path in asked if path.startswith("pairings/")] == [f"pairings/{account.pairing_id}"]


def test_a_phone_that_is_paired_at_the_login_is_known_by_name_and_asked_for_once(
    alice, computer, phone, asked, settings
):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    account = ToopherAccount.objects.get()
    assert account.device == "Pixel"
    assert asked == [f"pairings/{account.pairing_id}"]
    computer.client.logout()
    computer.log_in(phone)
    assert len(asked) == 1


@pytest.mark.parametrize("where", ["account", "login"])
def test_a_service_that_does_not_tell_the_name_changes_nothing(where, alice, computer, phone, monkeypatch, settings):
    def fail(self, pairing_id):
        raise ServiceUnavailableError("down")

    monkeypatch.setattr(ToopherApi, "get_pairing_by_id", fail)
    if where == "account":
        pair(computer, phone)
    else:
        settings.TOOPHER_POLICY = "required"
        computer.log_in(phone)
    account = ToopherAccount.objects.get()
    assert account.paired
    assert account.device == ""
    assert "does not answer" not in page_of(computer)
