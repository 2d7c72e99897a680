"""The account page says how things stand, to whoever may see it."""

from __future__ import annotations

import pytest

from django_toopher.models import ToopherAccount
from tests.factories import account_with, verified
from tests.tables import table

from ..acts import ACCOUNT, AUTHENTICATE, LOGIN, POSTBACK, approve, logged_in

pytestmark = pytest.mark.urls("tests.app.urls")


def test_the_account_page_needs_the_second_factor_once_a_phone_is_paired(alice, phone, computer):
    computer.password()  # let in before there was a phone
    computer.get("/members/")
    account_with(phone, alice)
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == ACCOUNT
    assert computer.get(ACCOUNT).status_code == 200


@table(
    ("policy", "state", "text"),
    [
        ("optional", {}, "your password alone signs you in"),
        ("required", {}, "You will be asked to pair one at your next sign-in"),
        ("optional", {"paired": True}, "A phone is paired"),
        ("optional", {"enabled": False}, "is switched off for your account"),
    ],
)
def test_the_account_page_says_how_things_stand(policy, state, text, alice, make_computer, settings):
    ToopherAccount.objects.create(user=alice, name="alice", **state)
    settings.TOOPHER_POLICY = policy
    assert text in verified(make_computer(), alice).get(ACCOUNT).content.decode()


def test_the_account_page_is_for_people_who_are_logged_in(db, computer):
    assert computer.get(ACCOUNT)["Location"] == f"{LOGIN}?next={ACCOUNT}"
    assert not logged_in()
