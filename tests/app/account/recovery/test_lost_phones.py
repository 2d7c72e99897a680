"""A phone that is gone is removed, and another takes its place."""

from __future__ import annotations

import pytest

from django_toopher.factors import recovery_codes
from django_toopher.models import ToopherAccount
from tests.app.acts import ACCOUNT

from ..page import LOST
from .page import recover

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


def test_who_lost_the_phone_removes_it_and_pairs_another(half, codes, account, phone, make_phone, make_computer):
    recover(half, codes[0])
    assert half.post(LOST)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.pairing_id) == (False, "")
    new = make_phone("new")
    pairing = half.open_iframe(ACCOUNT)
    new.pair_link(pairing.call("pair")["link"])
    assert half.post("/accounts/phones/postback/", pairing.poll()["postback"]).status_code == 302
    assert half.is_logged_in()
    other = make_computer()
    other.password()
    frame = other.open_iframe()
    assert not phone.pending().requests
    frame.approve(new)
    assert other.post("/accounts/postback/", frame.poll()["postback"]).status_code == 302


def test_removing_the_phones_needs_the_service(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    codes = recovery_codes.make(alice)
    computer.password()
    recover(computer, codes[0])
    elsewhere.will_answer(b"", 500)
    assert computer.post(LOST)["Location"] == LOST
    assert ToopherAccount.objects.get().paired
    assert "no phone was removed" in computer.get(LOST).content.decode()


def test_a_phone_that_is_paired_after_a_reset_is_not_asked_what_was_asked_before(half, codes, make_phone):
    half.open_iframe()  # asks the phone that is gone
    recover(half, codes[0])
    half.post(LOST)
    new, pairing = make_phone("new"), half.open_iframe(ACCOUNT)
    new.pair_link(pairing.call("pair")["link"])
    assert not new.pending().requests
