"""What the service signed before the second factor changed, kept back and handed in afterwards."""

from __future__ import annotations

import pytest

from django_toopher.connection import api
from django_toopher.factors import recovery_codes
from django_toopher.models import ToopherAccount
from django_toopher.support import verbs

from ..acts import ACCOUNT_POSTBACK, POSTBACK, pair, pairing
from ..ways import RECOVER

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture
def thief(account, make_computer):
    """Somebody who knows the password alone, and has begun a login."""
    thief = make_computer()
    thief.password()
    return thief


def is_let_in_by_the_password(computer) -> bool:
    computer.password()
    return computer.is_logged_in()


def test_S07_an_old_707_does_not_forget_a_phone_that_was_paired_since(thief, phone, make_phone, make_computer):
    phone.remove(phone.account().id)
    kept = thief.open_iframe().state["postback"]
    assert kept["error_code"] == "707"
    owner = make_computer()
    owner.password()
    owner.post(POSTBACK, owner.open_iframe().state["postback"])  # and hears that the phone is gone
    pair(owner, make_phone("new"))
    assert thief.post(POSTBACK, kept).status_code == 403
    assert ToopherAccount.objects.get().paired
    assert not is_let_in_by_the_password(make_computer())


def test_S07_an_old_707_does_not_forget_a_phone_that_took_the_lost_ones_place(
    thief, account, make_phone, make_computer
):
    codes, frame, owner = recovery_codes.make(account.user), thief.open_iframe(), make_computer()
    owner.password()
    owner.post(RECOVER, {"code": codes[0]})
    owner.post("/accounts/phones/lost/")
    kept = frame.call("ask")["postback"]
    assert kept["error_code"] == "707"
    owner.post(ACCOUNT_POSTBACK, pairing(owner, make_phone("new")))
    assert thief.post(POSTBACK, kept).status_code == 403
    assert ToopherAccount.objects.get().paired
    assert not is_let_in_by_the_password(make_computer())


def test_S07_an_old_704_does_not_undo_supports_enable(thief, account, phone, staff, make_computer):
    verbs.carry_out(verbs.VERBS["disable"], account, api(), staff)
    kept = thief.open_iframe().state["postback"]
    assert kept["error_code"] == "704"
    verbs.carry_out(verbs.VERBS["enable"], ToopherAccount.objects.get(), api(), staff)
    assert thief.post(POSTBACK, kept).status_code == 403
    assert ToopherAccount.objects.get().enabled
    assert not is_let_in_by_the_password(make_computer())
