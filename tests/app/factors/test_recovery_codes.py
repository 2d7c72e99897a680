"""Recovery codes: made, kept, spent once, throttled."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial

import pytest

from django_toopher.errors import TooManyCodesError
from django_toopher.factors import recovery_codes
from django_toopher.models import RecoveryCode, ToopherAccount
from tests.service.callers import at_once

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


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


def test_letters_that_look_like_digits_are_read_as_these():
    assert recovery_codes.normalized("OIL0-oil1-abcd") == "01100111abcd"


@pytest.mark.django_db(transaction=True)
def test_S04_one_code_at_the_same_moment_is_one_login(threaded_db, restless, make_user):
    user = make_user("alice")
    code = recovery_codes.make(user)[0]
    row = recovery_codes.match(ToopherAccount.objects.for_user(user), code)
    assert sum(at_once(*[lambda: recovery_codes.spend(row, user)] * 8)) == 1


def test_S23_of_tries_at_the_same_moment_as_many_are_compared_as_one_after_the_other(threaded_db, make_user):
    account = ToopherAccount.objects.for_user(make_user("alice"))
    codes = recovery_codes.make(account.user)

    def tried(code):
        with suppress(TooManyCodesError):
            return recovery_codes.match(ToopherAccount.objects.get(), code) or "wrong"

    assert sorted(map(str, at_once(*[partial(tried, "0000-0000-0000")] * 12))) == ["None"] * 7 + ["wrong"] * 5
    assert tried(codes[0]) is None


def test_a_removed_users_codes_are_gone(codes, account):
    account.user.delete()
    assert not RecoveryCode.objects.exists()
