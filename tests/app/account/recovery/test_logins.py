"""A login by a recovery code in place of the phone: where it is offered, whom it lets in, and that it does so once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.session.state import PENDING_LOGIN, VERIFIED
from django_toopher.support import verbs
from tests.app.acts import AUTHENTICATE, LOGIN, outcomes, reason_of
from tests.tables import table

from ..page import LOST, RECOVER
from .page import recover

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


def test_a_code_logs_in_and_leads_to_the_question_whether_the_phone_is_gone(half, codes, alice):
    response = recover(half, codes[0])
    assert response["Location"] == f"{LOST}?next=%2Fmembers%2F"
    assert half.client.session[VERIFIED] == str(alice.pk)
    page = half.get(response["Location"]).content.decode()
    assert "Is your phone gone?" in page
    assert "You have 9 recovery codes left." in page
    assert 'href="/members/"' in page


@table("change", [str.upper, str.strip, lambda code: f"  {code.replace('-', ' ')} \n"])
def test_a_code_may_be_typed_as_people_type(change, half, codes):
    half = half.twin()
    assert recover(half, change(codes[3])).status_code == 302
    assert half.is_logged_in()


@table("typed", ["", "abcd", "abcd-efgh-jkmnp", "abcd-efgh-jkmu", "ábcd-efgh-jkmn", "\0" * 12, "x" * 10_000])
def test_what_can_not_be_a_code_is_wrong(typed, half):
    response = recover(half, typed)
    assert response.status_code == 200
    assert b"That code is not right" in response.content
    assert not half.is_logged_in()


def test_S18_the_attempt_says_that_it_was_a_recovery_code(half, codes):
    recover(half, codes[0])
    attempt = Attempt.objects.get(kind="login")
    assert (attempt.outcome, attempt.method) == ("granted", "recovery")
    assert not [value for value in Attempt.objects.filter(pk=attempt.pk).values_list()[0] if str(value) in codes]


def test_two_who_pair_and_recover_are_told_apart_in_the_records(half, codes, phone, make_computer):
    recover(half, codes[0])
    other = make_computer()
    other.log_in(phone)
    methods = Attempt.objects.filter(kind="login").order_by("created").values_list("method", flat=True)
    assert [*methods] == ["recovery", "phone"]
    assert outcomes() == [("granted", ""), ("granted", "")]


def test_S04_a_code_is_taken_once(half, codes, make_computer):
    recover(half, codes[0])
    other = make_computer()
    other.password()
    assert b"used already" in recover(other, codes[0]).content
    assert not other.is_logged_in()
    assert recover(other, codes[1]).status_code == 302


def test_S03_without_a_password_no_code_is_looked_at(codes, computer):
    assert computer.get(RECOVER)["Location"] == LOGIN
    assert reason_of(recover(computer, codes[0])) == "nothing_pending"
    assert recovery_codes.remaining(ToopherAccount.objects.get().user) == 10
    assert ToopherAccount.objects.get().failures == 0


def test_S06_the_codes_of_another_are_wrong(half, make_user, codes):
    theirs = recovery_codes.make(make_user("mallory"))
    assert b"not right" in recover(half, theirs[0]).content
    assert not half.is_logged_in()


@table("change", [{"is_active": False}, {"password": "x"}, {"username": "alicia"}], ids=str)
def test_S07_a_user_who_was_changed_meanwhile_is_refused(change, half, codes, account):
    half = half.twin()
    type(account.user).objects.filter(pk=account.user_id).update(**change)
    assert reason_of(recover(half, codes[0])) == "user_changed"
    assert recovery_codes.remaining(account.user) == 10
    assert not half.is_logged_in()


def test_S07_a_reset_meanwhile_is_refused(half, codes, account, embedded_api):
    verbs.reset(account, embedded_api)
    assert reason_of(recover(half, codes[0])) == "user_changed"


def test_an_attempt_that_is_over_takes_no_code(half, codes, account):
    Attempt.objects.update(expires="2020-01-01T00:00Z")
    assert reason_of(recover(half, codes[0])) == "expired"
    assert recovery_codes.remaining(account.user) == 10


def test_S09_the_key_changes_with_the_login(half, codes):
    before = half.client.cookies["sessionid"].value
    recover(half, codes[0])
    assert half.client.cookies["sessionid"].value != before


@table("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_S10_neither_page_leads_away(target, codes, make_computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], make_computer()
    computer.client.post(
        LOGIN, {"username": "alice", "password": "password"}, secure=True, query_params={"next": target}
    )
    assert recover(computer, codes[0])["Location"] == f"{LOST}?next=%2F"
    page = computer.client.get(LOST, secure=True, query_params={"next": target}).content.decode()
    assert "evil" not in page
    assert "javascript" not in page


# Where it is offered


def test_the_page_that_asks_offers_codes_to_those_who_have_some(account, computer):
    computer.password()
    assert RECOVER not in computer.get(AUTHENTICATE).content.decode()
    recovery_codes.make(account.user)
    assert RECOVER in computer.get(AUTHENTICATE).content.decode()
    RecoveryCode.objects.update(used=timezone.now())
    assert RECOVER not in computer.get(AUTHENTICATE).content.decode()


def test_the_page_for_codes_says_where_support_is(half, settings):
    assert "support can remove the phone" in half.get(RECOVER).content.decode()
    settings.TOOPHER_SUPPORT_URL = "https://help.example/"
    for page in (RECOVER, AUTHENTICATE):
        assert 'href="https://help.example/"' in half.get(page).content.decode()


def test_S15_a_code_works_while_the_service_is_down_and_the_page_says_so(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    codes = recovery_codes.make(alice)
    computer.password(next_url="/members/")
    elsewhere.will_answer(b"<h1>Server Error</h1>", 500)
    response = computer.get(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert RECOVER in response.content.decode()
    assert PENDING_LOGIN in computer.client.session
    assert recover(computer, codes[0]).status_code == 302
    assert computer.is_logged_in()
