"""Accounts and attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_toopher.login import attempts
from django_toopher.models import Attempt, ToopherAccount, digest
from tests.service.callers import at_once
from tests.tables import table

from .acts import AUTHENTICATE, pair

Outcome = Attempt.Outcome


@pytest.fixture
def attempt(alice):
    """Makes attempts of alice."""

    def make(**fields):
        usual = {"user": alice, "username": "alice", "toopher_name": "alice", "generation": 0, "action": "Log In"}
        count = Attempt.objects.count()
        usual |= {"token_digest": digest(str(count)), "expires": timezone.now() + timedelta(seconds=60)}
        return Attempt.objects.create(**{**usual, **fields})

    return make


def test_a_user_has_one_account(alice):
    account = ToopherAccount.objects.for_user(alice)
    assert (account.name, account.paired, account.enabled, account.generation) == ("alice", False, True, 0)
    assert ToopherAccount.objects.for_user(alice) == account
    assert str(account) == "alice"


def test_the_name_stays_when_the_user_is_renamed(alice):
    account = ToopherAccount.objects.for_user(alice)
    alice.username = "alicia"
    alice.save()
    assert ToopherAccount.objects.for_user(alice) == account
    assert account.name == "alice"


def test_S12_who_takes_over_a_name_gets_another(alice, make_user):
    ToopherAccount.objects.for_user(alice)
    alice.username = "alicia"
    alice.save()
    second = make_user("alice")
    assert ToopherAccount.objects.for_user(second).name == f"alice ({second.pk})"
    assert ToopherAccount.objects.for_user(alice).name == "alice"


def test_S12_who_takes_over_the_name_of_a_deleted_user_does_not_reach_the_phone(
    account, phone, make_user, make_computer, settings
):
    settings.TOOPHER_POLICY = "required"
    account.user.delete()
    make_user("alice")
    computer = make_computer()
    computer.password()
    assert computer.open_iframe().state["state"] == "pairing"
    assert not phone.pending().requests


def test_S12_a_name_that_was_made_up_may_be_taken_as_well(alice, make_user):
    ToopherAccount.objects.for_user(alice)
    alice.username = "alicia"
    alice.save()
    second = make_user("alice")
    ToopherAccount.objects.create(user=make_user("third"), name=f"alice ({second.pk})")
    assert ToopherAccount.objects.for_user(second).name == f"alice ({second.pk}) ({second.pk})"


@table("name", [" alice", "alice ", "Alice", "\N{FULLWIDTH LATIN SMALL LETTER A}lice", "alic\xe9"])
def test_S12_names_are_told_apart_exactly(name, alice, make_user):
    ToopherAccount.objects.create(user=alice, name="alice")
    ToopherAccount.objects.create(user=make_user("other"), name=name)
    assert ToopherAccount.objects.get(name_digest=digest("alice")).user == alice


def test_S12_one_name_has_one_account(alice, make_user):
    ToopherAccount.objects.create(user=alice, name="alice")
    with pytest.raises(IntegrityError), transaction.atomic():
        ToopherAccount.objects.create(user=make_user("other"), name="alice")


def test_S04_an_attempt_is_finished_once(attempt):
    one = attempt()
    now = timezone.now()
    assert one.finish(Outcome.GRANTED, now, request_id="r" * 50, reason="x" * 300)
    assert not one.finish(Outcome.DENIED, now)
    one.refresh_from_db()
    assert (one.outcome, one.finished is not None) == ("granted", True)
    assert (one.request_id, one.reason) == ("r" * 36, "x" * 255)


@pytest.mark.usefixtures("restless")
def test_S04_of_many_who_finish_an_attempt_at_the_same_moment_one_does(threaded_db, make_user):
    for user in (make_user("alice"), make_user("bob")):
        attempts.begin(user)
        attempt = Attempt.objects.get(user=user)
        won = at_once(*[lambda attempt=attempt: attempt.finish(Outcome.GRANTED, timezone.now())] * 50)
        assert won.count(True) == 1


def test_S04_an_attempt_whose_time_is_over_is_not_finished(attempt):
    one = attempt(expires=timezone.now())
    assert not one.finish(Outcome.GRANTED, timezone.now())
    one.refresh_from_db()
    assert (one.outcome, one.finished) == ("pending", None)


def test_S04_two_attempts_have_no_token_in_common(attempt):
    attempt(token_digest="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(token_digest="x")


def test_S18_an_attempt_outlives_its_user(attempt, alice):
    one = attempt(outcome=Outcome.DENIED)
    alice.delete()
    one.refresh_from_db()
    assert (one.user, one.username) == (None, "alice")
    assert str(one) == "Log In / alice (denied)"


def test_last_used_is_when_the_last_one_was_granted(attempt, alice):
    account = ToopherAccount.objects.for_user(alice)
    assert account.last_used is None
    then = timezone.now() - timedelta(days=1)
    attempt(outcome=Outcome.GRANTED, created=then, finished=then)
    attempt(outcome=Outcome.GRANTED, created=then - timedelta(days=1), finished=then - timedelta(days=1))
    attempt(outcome=Outcome.DENIED, finished=timezone.now())
    assert account.last_used == then


def test_a_renamed_user_is_still_asked_by_the_name_the_phone_knows(account, phone, computer):
    account.user.username = "alicia"
    account.user.save()
    assert computer.password("alicia")["Location"] == AUTHENTICATE
    frame = computer.open_iframe()
    assert frame.question(phone).user == "alice"


def test_one_phone_serves_several_users(alice, make_user, phone, make_computer):
    make_user("bob")
    for name in ("alice", "bob"):
        pair(make_computer(), phone, name)
    for name in ("alice", "bob"):
        computer = make_computer()
        computer.log_in(phone, name)
        assert computer.get("/members/").content.decode() == f"welcome {name}"
