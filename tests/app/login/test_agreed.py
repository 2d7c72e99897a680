"""A phone that is paired on the way of a login counts once the login is granted, and not before (SECURITY.md S39)."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_toopher.client import ServiceUnavailableError, ToopherApi
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import Pairing, User
from django_toopher.session import state
from tests.factories import account_with

from ..acts import AUTHENTICATE, POSTBACK, outcomes, reason_of
from .computers import asked_with, plant
from .native.page import link, number_in, state_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture(params=["iframe", "native"])
def embed(request, settings):
    settings.TOOPHER_POLICY, settings.TOOPHER_EMBED = "required", request.param
    return request.param


@pytest.fixture
def answered(embed, alice, computer, phone):
    """Alice's password, a new phone that has agreed, and its yes; what is left to send is the last request."""
    computer.password(next_url="/members/")
    if embed == "iframe":
        frame = computer.open_iframe()
        phone.pair_link(frame.state["link"])
        frame.call("ask")
        frame.approve(phone)
        return POSTBACK, frame.poll()["postback"]
    computer.get(AUTHENTICATE)
    phone.pair_link(link())
    number = number_in(computer.post(AUTHENTICATE))
    phone.approve(phone.pending().requests[0], number)
    return AUTHENTICATE, {}


def change_password():
    alice = get_user_model().objects.get(username="alice")
    alice.set_password("another")
    alice.save()


def deactivate():
    get_user_model().objects.update(is_active=False)


def move_generation():
    ToopherAccount.objects.get().change()


CHANGES = {"password": change_password, "deactivated": deactivate, "generation": move_generation}


def test_S39_the_phone_is_enabled_by_the_login(answered, computer, phone):
    assert phone.pairings() == ()
    assert computer.post(*answered)["Location"] == "/members/"
    assert computer.is_logged_in()
    assert len(phone.pairings()) == 1
    assert [each.id for each, is_paired in phone.settle() if is_paired] == [ToopherAccount.objects.get().pairing_id]


@pytest.mark.parametrize("change", CHANGES)
def test_S39_a_login_that_is_refused_leaves_no_phone(change, answered, computer, phone):
    CHANGES[change]()
    assert reason_of(computer.post(*answered)) == "user_changed"
    assert phone.pairings() == ()
    assert not computer.is_logged_in()


def test_S46_a_computer_that_an_unconfirmed_phone_has_approved_is_a_strangers(
    answered, make_computer, make_phone, settings
):
    planted = asked_with()
    account = ToopherAccount.objects.get()  # had another phone once, so the site knows her id at the service
    ToopherAccount.objects.update(toopher_user_id=str(User.objects.get(name=account.name).pk))
    Pairing.objects.update(expires=timezone.now())
    settings.TOOPHER_EMBED = "iframe"
    computer, phone = make_computer(), make_phone()
    plant(computer, planted)
    computer.log_in(phone)
    assert computer.is_logged_in()
    assert asked_with() != planted


@pytest.mark.parametrize("change", CHANGES)
def test_S07_S39_who_changes_during_the_confirmation_has_no_phone_and_no_login(
    change, answered, computer, phone, monkeypatch
):
    post = ToopherApi.post

    def meanwhile(self, path, **parameters):
        reply = post(self, path, **parameters)
        if "confirmed" in parameters:
            CHANGES[change]()
        return reply

    monkeypatch.setattr(ToopherApi, "post", meanwhile)
    assert reason_of(computer.post(*answered)) == "user_changed"
    assert phone.pairings() == ()
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "user_changed")]


@pytest.mark.parametrize("change", CHANGES)
def test_S07_who_changes_while_the_service_is_asked_is_not_logged_in(
    change, account, computer, phone, settings, monkeypatch
):
    settings.TOOPHER_EMBED = "native"
    computer.password()
    number = number_in(computer.get(AUTHENTICATE))
    phone.approve(phone.pending().requests[0], number)
    get = ToopherApi.get

    def meanwhile(self, path, **parameters):
        reply = get(self, path, **parameters)
        CHANGES[change]()
        return reply

    monkeypatch.setattr(ToopherApi, "get", meanwhile)
    assert reason_of(computer.post(AUTHENTICATE)) == "user_changed"
    assert not computer.is_logged_in()


@pytest.mark.parametrize("change", CHANGES)
def test_S07_who_changes_while_the_service_is_asked_has_no_phone(change, alice, computer, phone, settings, monkeypatch):
    settings.TOOPHER_EMBED = "native"
    computer.password()
    computer.post("/accounts/phones/change/", {"step": "pair"})
    phone.pair_link(link())
    get = ToopherApi.get

    def meanwhile(self, path, **parameters):
        reply = get(self, path, **parameters)
        if path.startswith("pairings/"):
            CHANGES[change]()
        return reply

    monkeypatch.setattr(ToopherApi, "get", meanwhile)
    assert reason_of(computer.post("/accounts/phones/change/")) == "user_changed"
    assert phone.pairings() == ()
    assert Pairing.objects.get().state == Pairing.State.AGREED  # it was never enabled


def test_S36_S39_killed_after_the_confirmation_the_next_login_works_out(
    answered, alice, computer, phone, make_computer, monkeypatch
):
    def killed(*args, **told):
        raise SystemExit

    monkeypatch.setattr(Attempt, "finish", killed)
    with pytest.raises(SystemExit):
        computer.post(*answered)
    monkeypatch.undo()
    assert len(phone.pairings()) == 1
    other = make_computer()
    other.password()
    if answered[0] == POSTBACK:
        assert other.open_iframe().state["state"] == "waiting"
    else:
        assert state_of(other.get(AUTHENTICATE)) == "waiting"


def test_S39_a_service_that_does_not_answer_enables_nothing_and_logs_nobody_in(answered, computer, phone, monkeypatch):
    post = ToopherApi.post

    def down(self, path, **parameters):
        if "confirmed" in parameters:
            raise ServiceUnavailableError("down")
        return post(self, path, **parameters)

    monkeypatch.setattr(ToopherApi, "post", down)
    assert reason_of(computer.post(*answered)) == "service_down"
    assert not computer.is_logged_in()
    monkeypatch.undo()
    assert computer.post(*answered).status_code == 302  # the attempt still waits
    assert phone.pairings()


def test_S39_who_has_got_another_phone_meanwhile_has_that_one_alone(answered, alice, computer, phone, make_phone):
    account_with(make_phone("Owner's"), alice)
    assert reason_of(computer.post(*answered)) == "user_changed"
    assert phone.pairings() == ()
    assert Pairing.objects.enabled().count() == 1


def test_S38_an_old_session_pairs_no_first_phone_on_the_way(embed, alice, computer, settings):
    settings.TOOPHER_POLICY = "optional"
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    kept = computer.client.session
    kept[state.LOGGED_IN_AT] -= 700
    kept[state.LET_IN_UNTIL] = 0
    kept.save()
    settings.TOOPHER_POLICY = "required"
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    page = computer.get(AUTHENTICATE)
    if embed == "native":
        assert reason_of(page) == "phone_removed"
    else:
        frame = computer.open_iframe()
        assert reason_of(computer.post(POSTBACK, frame.state["postback"])) == "phone_removed"
    assert not Pairing.objects.exists()


@pytest.mark.parametrize("was_here", ["alice", "bob"])
def test_S38_who_then_signs_in_again_pairs_it(was_here, embed, alice, make_user, computer, phone, settings):
    settings.TOOPHER_POLICY = "optional"
    computer.client.force_login({"alice": alice, "bob": make_user("bob")}[was_here])
    assert computer.is_logged_in()
    kept = computer.client.session
    kept[state.LOGGED_IN_AT] -= 700
    kept.save()
    settings.TOOPHER_POLICY = "required"
    computer.password()
    if embed == "iframe":
        assert computer.open_iframe().state["state"] == "pairing"
    else:
        assert state_of(computer.get(AUTHENTICATE)) == "pairing"
