"""Recovery codes: made, kept, spent once, throttled; what a person without the phone can do."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from django_toopher.errors import TooManyCodesError
from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.session.state import PENDING_LOGIN, VERIFIED
from django_toopher.support import verbs
from tests.factories import verified as verified_computer
from tests.service.callers import at_once
from tests.tables import table

from ..acts import ACCOUNT, AUTHENTICATE, LOGIN, outcomes, reason_of

RECOVER = "/accounts/recover/"
LOST = "/accounts/phones/lost/"
CODES = "/accounts/phones/codes/"

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


@pytest.fixture
def codes(account, monkeypatch):
    """Alice's codes, with as few rounds as the passwords of these tests have."""
    monkeypatch.setattr(recovery_codes, "ROUNDS", 1)
    return recovery_codes.make(account.user)


@pytest.fixture
def half(codes, computer):
    """Alice's computer after the password, with recovery codes at hand."""
    computer.password(next_url="/members/")
    return computer


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def recover(computer, code):
    return computer.post(RECOVER, {"code": code})


# What a code is


def test_ten_codes_of_sixty_bits_that_people_can_read(codes):
    assert len(set(codes)) == 10
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){2}", code) for code in codes)
    assert len(recovery_codes.ALPHABET) ** recovery_codes.LENGTH == 2**60


def test_S34_a_code_is_kept_as_a_slow_salted_hash_only(account):
    codes = recovery_codes.make(account.user)
    rows = RecoveryCode.objects.values_list("encoded", flat=True)
    assert len({row.split("$")[2] for row in rows}) == 10
    for row in rows:
        assert row.startswith(f"pbkdf2_sha256${recovery_codes.ROUNDS}$")
        assert not [code for code in codes if code in row or code.replace("-", "") in row]


@table("change", [str.upper, str.strip, lambda code: f"  {code.replace('-', ' ')} \n"])
def test_a_code_may_be_typed_as_people_type(change, half, codes):
    half = half.twin()
    assert recover(half, change(codes[3])).status_code == 302
    assert half.is_logged_in()


def test_letters_that_look_like_digits_are_read_as_these():
    assert recovery_codes.normalized("OIL0-oil1-abcd") == "01100111abcd"


@table("typed", ["", "abcd", "abcd-efgh-jkmnp", "abcd-efgh-jkmu", "ábcd-efgh-jkmn", "\0" * 12, "x" * 10_000])
def test_what_can_not_be_a_code_is_wrong(typed, half):
    response = recover(half, typed)
    assert response.status_code == 200
    assert b"That code is not right" in response.content
    assert not half.is_logged_in()


# A login by one


def test_a_code_logs_in_and_leads_to_the_question_whether_the_phone_is_gone(half, codes, alice):
    response = recover(half, codes[0])
    assert response["Location"] == f"{LOST}?next=%2Fmembers%2F"
    assert half.client.session[VERIFIED] == str(alice.pk)
    page = half.get(response["Location"]).content.decode()
    assert "Is your phone gone?" in page
    assert "You have 9 recovery codes left." in page
    assert 'href="/members/"' in page


def test_S18_the_attempt_says_that_it_was_a_recovery_code(half, codes):
    recover(half, codes[0])
    attempt = Attempt.objects.get(kind="login")
    assert (attempt.outcome, attempt.method) == ("granted", "recovery")
    assert not [value for value in Attempt.objects.filter(pk=attempt.pk).values_list()[0] if str(value) in codes]


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
    assert ToopherAccount.objects.get().recovery_failures == 0


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


@pytest.mark.django_db(transaction=True)
def test_S04_one_code_at_the_same_moment_is_one_login(threaded_db, restless, make_user):
    user = make_user("alice")
    code = recovery_codes.make(user)[0]
    row = recovery_codes.match(ToopherAccount.objects.for_user(user), code)
    assert sum(at_once(*[lambda: recovery_codes.spend(row, user)] * 8)) == 1


# The limits (as S23)


def test_S23_after_five_wrong_codes_even_the_right_one_has_to_wait(half, codes, account):
    for _ in range(5):
        assert recover(half, "0000-0000-0000").status_code == 200
    response = recover(half, codes[0])
    assert response.status_code == 429
    assert b"Wait 1 min" in response.content
    ToopherAccount.objects.update(recovery_blocked_until=timezone.now() - timedelta(seconds=1))
    assert recover(half, codes[0]).status_code == 302
    account.refresh_from_db()
    assert (account.recovery_failures, account.recovery_blocked_until) == (0, None)


def test_S23_the_wait_doubles_and_a_new_login_does_not_reset_it(half, account, make_computer, settings):
    settings.TOOPHER_RECOVERY_LIMIT, settings.TOOPHER_RECOVERY_WAIT = 2, 100
    waits = []
    for _ in range(4):
        computer = make_computer()
        computer.password()
        assert recover(computer, "0000-0000-0000").status_code == 200
        account.refresh_from_db()
        until = account.recovery_blocked_until
        waits.append(until and round((until - timezone.now()).total_seconds(), -1))
        ToopherAccount.objects.update(recovery_blocked_until=timezone.now())
    assert waits == [None, 100, 200, 400]


def test_S23_after_a_hundred_in_a_row_no_code_is_taken_until_new_ones_are_made(half, codes, account):
    ToopherAccount.objects.update(recovery_failures=recovery_codes.MOST_FAILURES)
    assert recover(half, codes[0]).status_code == 429
    fresh = recovery_codes.make(account.user)
    assert recover(half, fresh[0]).status_code == 302


def test_S23_of_tries_at_the_same_moment_one_is_compared(account, codes):
    stale = ToopherAccount.objects.get()
    assert recovery_codes.match(account, "0000-0000-0000") is None
    with pytest.raises(TooManyCodesError):
        recovery_codes.match(stale, codes[0])


# Making them


@pytest.fixture
def verified(account, computer):
    return verified_computer(computer, account.user)


def made(response) -> list[str]:
    return re.findall("<code>([^<]+)</code>", response.content.decode())


def test_codes_are_shown_once_and_kept_by_no_cache_and_no_session(verified):
    response = verified.post(CODES)
    codes = made(response)
    assert len(codes) == 10
    assert "no-store" in response["Cache-Control"]
    kept = str(dict(verified.client.session.items())) + str(verified.client.cookies)
    for page in (verified.get(ACCOUNT).content.decode(), kept, connection.vendor):
        assert not [code for code in codes if code in page]
    assert verified.get(CODES)["Location"] == ACCOUNT


def test_the_file_to_download_is_in_the_page_itself(verified):
    page = verified.post(CODES).content.decode()
    link = re.search(r'download="[^"]+" href="(data:text/plain[^"]+)"', page)
    assert link
    assert all(code in link[1] for code in re.findall("<code>([^<]+)</code>", page))


def test_new_codes_make_the_ones_from_before_worthless(verified, make_computer):
    old, new = made(verified.post(CODES)), made(verified.post(CODES))
    other = make_computer()
    other.password()
    assert b"not right" in recover(other, old[0]).content
    assert recover(other, new[0]).status_code == 302
    assert RecoveryCode.objects.count() == 10


def test_who_has_not_passed_the_second_factor_makes_none(account, half, make_computer):
    before = [*RecoveryCode.objects.values_list("encoded", flat=True)]
    other = make_computer()
    other.client.force_login(account.user)
    for computer in (half, other, make_computer()):
        assert computer.post(CODES).status_code in {302, 303, 403}
        assert computer.post(LOST).status_code in {302, 303, 403}
    assert [*RecoveryCode.objects.values_list("encoded", flat=True)] == before
    assert ToopherAccount.objects.get().paired


def test_a_let_in_session_makes_none(alice, computer):
    computer.password()
    computer.get("/members/")
    assert computer.post(CODES)["Location"] == ACCOUNT
    assert not RecoveryCode.objects.exists()


def test_the_account_page_offers_them_and_says_how_many_are_left(verified, account):
    assert "Save your recovery codes now." in verified.get(ACCOUNT).content.decode()
    verified.post(CODES)
    assert "10 codes are left." in verified.get(ACCOUNT).content.decode()
    for code in RecoveryCode.objects.all()[:7]:
        recovery_codes.spend(code, account.user)
    assert "Only 3 codes are left." in verified.get(ACCOUNT).content.decode()


def test_zero_offers_none(verified, settings):
    settings.TOOPHER_RECOVERY_CODES = 0
    assert "ecovery codes" not in verified.get(ACCOUNT).content.decode()
    assert verified.post(CODES)["Location"] == ACCOUNT
    assert not RecoveryCode.objects.exists()


def test_after_the_first_phone_a_message_tells_of_them(alice, computer, phone, settings):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    assert "Make recovery codes on your account" in computer.get(ACCOUNT).content.decode()


# Mail


def test_a_mail_tells_when_a_code_is_used(half, codes, committed):
    with committed():
        recover(half, codes[0])
    (message,) = mail.outbox
    assert message.to == ["alice@example.com"]
    assert "with one of your recovery codes" in message.body
    assert "9 codes are left" in message.body
    assert not [code for code in codes if code in message.body]


def test_a_mail_tells_when_new_ones_are_made(verified, committed):
    with committed():
        verified.post(CODES)
    (message,) = mail.outbox
    assert "New recovery codes were made" in message.body


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "no"), smtplib.SMTPServerDisconnected("no")])
def test_a_mail_that_can_not_be_sent_is_one_line_in_the_log(error, verified, account, committed, caplog, monkeypatch):
    monkeypatch.setattr(mail.EmailMessage, "send", Mock(side_effect=error))
    with caplog.at_level("WARNING"), committed():
        assert verified.post(CODES).status_code == 200
    [line] = [record for record in caplog.records if "mail" in record.getMessage()]
    assert line.getMessage() == f"mail recovery_made to user {account.user_id} was not sent: {type(error).__name__}"
    assert line.exc_info is None
    assert RecoveryCode.objects.count() == 10


def test_a_user_without_address_gets_no_mail(half, codes, account, committed):
    type(account.user).objects.update(email="")
    with committed():
        assert recover(half, codes[0]).status_code == 302
    assert mail.outbox == []


# Where they are offered


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


# The phone is gone


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


def test_a_removed_users_codes_are_gone(codes, account):
    account.user.delete()
    assert not RecoveryCode.objects.exists()


def test_two_who_pair_and_recover_are_told_apart_in_the_records(half, codes, phone, make_computer):
    recover(half, codes[0])
    other = make_computer()
    other.log_in(phone)
    methods = Attempt.objects.filter(kind="login").order_by("created").values_list("method", flat=True)
    assert [*methods] == ["recovery", "phone"]
    assert outcomes() == [("granted", ""), ("granted", "")]


def test_a_phone_that_is_paired_after_a_reset_is_not_asked_what_was_asked_before(half, codes, make_phone):
    half.open_iframe()  # asks the phone that is gone
    recover(half, codes[0])
    half.post(LOST)
    new, pairing = make_phone("new"), half.open_iframe(ACCOUNT)
    new.pair_link(pairing.call("pair")["link"])
    assert not new.pending().requests
