"""A phone came or went on the account page, or the second factor was switched: what the postback changes, once."""

from __future__ import annotations

import pytest

from django_toopher.models import ToopherAccount
from django_toopher.service.models import Requester
from django_toopher.session.state import PENDING_PAIRING, VERIFIED
from tests.factories import verified
from tests.tables import table

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, pairing, reason_of, remove, signed

pytestmark = pytest.mark.urls("tests.app.urls")


def test_the_account_page_pairs(alice, phone, computer):
    computer.password()
    response = computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))
    assert response["Location"] == ACCOUNT
    assert ToopherAccount.objects.get(user=alice).paired
    assert computer.client.session[VERIFIED] == str(alice.pk)
    assert PENDING_PAIRING not in computer.client.session
    assert b"The phone is paired." in computer.get(ACCOUNT).content


def test_the_account_page_removes_all_phones_at_once(account, reset, computer):
    assert computer.post(ACCOUNT_POSTBACK, reset)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.pairing_id, account.enabled) == (False, "", True)
    assert b"The change was made." in computer.get(ACCOUNT).content


def test_who_may_opt_out_on_the_account_page_gets_in_with_the_password(account, computer, make_computer):
    verified(computer, account.user)
    Requester.objects.update(permitted_opt_out=True)
    postback = computer.open_iframe(ACCOUNT).call("switch", enabled="false")["postback"]
    assert computer.post(ACCOUNT_POSTBACK, postback)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.enabled) == (True, False)
    other = make_computer()
    other.password()
    assert other.is_logged_in()


@pytest.fixture
def reset(account, computer):
    """What says that Alice has removed all phones; it is not handed in yet."""
    return verified(computer, account.user).open_iframe(ACCOUNT).call("reset")["postback"]


@table("changes", [{"user_name": "bob"}, {"pairing_user_id": "another"}, {"toopher_sig": "x"}])
def test_S06_a_change_of_another_user_changes_nothing(account, reset, computer, changes):
    changed = {**reset, **changes}
    if "toopher_sig" not in changes:
        changed = signed(changed)
    assert computer.post(ACCOUNT_POSTBACK, changed).status_code == 403
    account.refresh_from_db()
    assert account.paired


def test_the_account_page_removes_the_last_phone_and_the_password_is_enough_again(account, computer, make_computer):
    verified(computer, account.user)
    assert computer.post(ACCOUNT_POSTBACK, remove(computer))["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.pairing_id) == (False, "")
    assert b"The phone was removed." in computer.get(ACCOUNT).content
    other = make_computer()
    other.password()
    assert other.is_logged_in()


def test_another_phone_that_is_left_stays_due(account, phone, make_phone, computer, make_computer):
    verified(computer, account.user)
    another = make_phone("another")
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, another)).status_code == 302
    account.refresh_from_db()
    newest = account.pairing_id
    assert computer.post(ACCOUNT_POSTBACK, remove(computer, newest)).status_code == 302
    account.refresh_from_db()
    assert account.paired
    assert account.pairing_id not in {"", newest}
    other = make_computer()
    assert other.log_in(phone).status_code == 302
    assert other.is_logged_in()


def test_a_change_of_phones_is_taken_once(account, computer):
    fields = remove(verified(computer, account.user))
    assert computer.post(ACCOUNT_POSTBACK, fields).status_code == 302
    response = computer.post(ACCOUNT_POSTBACK, fields)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
