"""New recovery codes: made by whoever has passed the second factor, and shown this once."""

from __future__ import annotations

import re

import pytest
from django.db import connection

from django_toopher.factors import recovery_codes
from django_toopher.models import RecoveryCode, ToopherAccount
from tests.app.acts import ACCOUNT

from ..page import CODES, LOST
from .page import made, recover

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


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
