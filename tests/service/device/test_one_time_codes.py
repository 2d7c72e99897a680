"""The phone's one-time codes (SECURITY.md S28)."""

from __future__ import annotations

import base64
from datetime import timedelta

import pyotp
import pytest
from django.utils import timezone

from django_toopher.service.codes import totp
from django_toopher.service.models import Pairing, User
from tests.service.callers import at_once
from tests.tables import table


@pytest.fixture
def seeded(paired):
    """The pairing of alice's phone, a point in time, and the code of any step around it."""
    pairing, now = Pairing.objects.get(), timezone.now()

    def code(steps=0):
        return pyotp.TOTP(pairing.otp_seed).at(now, counter_offset=steps)

    return pairing, now, code


def test_S28_the_seed_has_160_bits(seeded):
    pairing, _, _ = seeded
    assert len(base64.b32decode(pairing.otp_seed)) * 8 == 160


@table("steps", [-1, 0, 1])
def test_S28_the_code_of_the_step_and_its_neighbours_is_right(seeded, steps):
    pairing, now, code = seeded
    assert totp.spend(pairing.user.pairings.enabled(), code(steps), now) == pairing


@table("steps", [-20, -2, 2, 20])
def test_S28_the_code_of_another_step_is_wrong(seeded, steps):
    pairing, now, code = seeded
    assert code(steps) not in {code(-1), code(0), code(1)}
    assert totp.spend(pairing.user.pairings.enabled(), code(steps), now) is None


def test_S28_a_code_is_used_once(seeded):
    pairing, now, code = seeded
    assert totp.spend(pairing.user.pairings.enabled(), code(), now) == pairing
    assert totp.spend(pairing.user.pairings.enabled(), code(), now) is None
    assert totp.spend(pairing.user.pairings.enabled(), code(), now + timedelta(seconds=30)) is None


def test_S28_an_earlier_step_than_the_last_one_used_is_wrong(seeded):
    pairing, now, code = seeded
    assert totp.spend(pairing.user.pairings.enabled(), code(1), now) == pairing
    assert totp.spend(pairing.user.pairings.enabled(), code(0), now) is None
    assert totp.spend(pairing.user.pairings.enabled(), code(-1), now) is None


def test_S28_of_two_threads_with_one_code_one_succeeds(threaded_db, paired):
    pairing, now = Pairing.objects.get(), timezone.now()
    code = pyotp.TOTP(pairing.otp_seed).at(now)
    outcomes = at_once(*[lambda: totp.spend(User.objects.get().pairings.enabled(), code, now) is not None] * 2)
    assert sorted(outcomes) == [False, True]


def test_S28_spaces_in_a_code_do_not_matter(seeded):
    pairing, now, code = seeded
    assert totp.spend(pairing.user.pairings.enabled(), f" {code()[:3]} {code()[3:]} ", now) == pairing


@table(
    "change",
    [
        lambda c: c[:5],
        lambda c: c + "0",
        lambda c: f"+{c}",
        lambda c: c.translate({48 + n: 0x661 + n - 1 for n in range(10)}),
        lambda c: "",
    ],
)
def test_S28_what_is_not_six_digits_is_no_code(seeded, change):
    pairing, now, code = seeded
    assert totp.spend(pairing.user.pairings.enabled(), change(code()), now) is None


def test_S28_the_code_of_a_removed_pairing_is_wrong(api, seeded):
    pairing, now, code = seeded
    api.reset_user("alice")
    assert totp.spend(pairing.user.pairings.enabled(), code(), now) is None


def test_S28_the_code_of_another_user_is_wrong(pair, seeded, make_raw_phone):
    _, now, code = seeded
    pair(make_raw_phone("Bob's"), "bob")
    assert totp.spend(User.objects.get(name="bob").pairings.enabled(), code(), now) is None
