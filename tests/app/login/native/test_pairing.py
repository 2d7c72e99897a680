"""Who has no phone pairs one on the way, by the picture or by its words."""

from __future__ import annotations

import pytest

from django_toopher.models import ToopherAccount
from django_toopher.service.models import Pairing
from tests.app.acts import AUTHENTICATE, reason_of

from .page import QR, approve, link, poll, state_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture
def pairing(alice, computer, settings):
    """Alice's computer after the password, at the page that wants a phone."""
    settings.TOOPHER_POLICY = "required"
    computer.password(next_url="/members/")
    computer.page = computer.get(AUTHENTICATE)
    return computer


def test_a_phone_is_paired_by_the_picture_and_then_asked(pairing, phone):
    assert state_of(pairing.page) == "pairing"
    image = pairing.get(QR)
    assert (image["Content-Type"], image.content[:4]) == ("image/png", b"\x89PNG")
    phone.pair_link(link())
    assert poll(pairing)["state"] == "paired"
    pairing.page = pairing.post(AUTHENTICATE)
    assert state_of(pairing.page) == "waiting"
    approve(pairing, phone)
    assert pairing.post(AUTHENTICATE).status_code == 302
    account = ToopherAccount.objects.get()
    assert (account.paired, account.pairing_id) == (True, str(Pairing.objects.get().pk))
    assert pairing.get(QR).status_code == 404


def test_a_phone_is_paired_by_its_words(pairing, phone):
    words = phone.phrase().phrase
    response = pairing.post(AUTHENTICATE, {"step": "phrase", "phrase": words.upper()})
    assert state_of(response) == "pairing"
    assert "Now say yes on the phone that showed the words." in response.content.decode()
    phone.pair(phone.pending().pairings[0])
    assert state_of(pairing.post(AUTHENTICATE)) == "waiting"


def test_words_that_no_phone_shows_are_told(pairing):
    response = pairing.post(AUTHENTICATE, {"step": "phrase", "phrase": "walnut canyon brave rocket"})
    assert "No phone shows these words now." in response.content.decode()
    assert state_of(response) == "pairing"


def test_a_reload_shows_the_same_pairing(pairing):
    for _ in range(3):
        assert state_of(pairing.get(AUTHENTICATE)) == "pairing"
    assert Pairing.objects.count() == 1


def test_a_pairing_that_ran_out_is_begun_again_on_demand(pairing):
    Pairing.objects.update(state=Pairing.State.DENIED)
    assert state_of(pairing.get(AUTHENTICATE)) == "unpaired"
    assert state_of(pairing.post(AUTHENTICATE, {"step": "pair"})) == "pairing"


def test_a_pairing_begun_with_the_password_alone_adds_no_second_phone(pairing, phone, make_phone, make_computer):
    stale = link()
    other = make_computer()
    other.password()
    other.get(AUTHENTICATE)
    attacker = make_phone("attacker")
    attacker.pair_link(stale)
    phone.pair_link(link())
    other.page = other.post(AUTHENTICATE)
    approve(other, phone)
    assert other.post(AUTHENTICATE).status_code == 302
    pairing.post(AUTHENTICATE)  # the attacker's phone, which has said yes, is not even asked
    assert attacker.pending().requests == ()
    assert [is_paired for _account, is_paired in phone.settle()] == [True]
    assert Pairing.objects.filter(state=Pairing.State.ENABLED).count() == 1


def test_where_a_phone_is_optional_a_removed_one_is_told(account, computer):
    Pairing.objects.update(state=Pairing.State.DEACTIVATED)
    computer.password()
    response = computer.get(AUTHENTICATE)
    assert reason_of(response) == "phone_removed"
    assert not ToopherAccount.objects.get().paired
