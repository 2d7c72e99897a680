"""Where a user was approved: told once the phone or a code has said yes (PROTOCOL.md §2.4)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from django_toopher.service.codes import lists
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Pairing, Terminal, User
from django_toopher.service.people import users
from django_toopher.service.phones import pairings
from tests.factories import paired
from tests.tables import table

from ..callers import at_once


@pytest.fixture
def ask(api, pair, phone):
    """Asks alice's phone from her PC."""
    pair(phone)
    return lambda secret="s1", **more: api.authenticate("alice", secret, terminal_name="PC", **more)


def is_approved(api, secret="s1") -> bool:
    """What each call that tells of the terminal says, which is the same."""
    terminal = next(each for each in Terminal.objects.all() if each.extra == secret)
    listed = {row["id"]: row["approved"] for row in api.get(f"users/{terminal.user_id}/terminals")}
    told = {listed[str(terminal.pk)], api.get_user_terminal_by_id(str(terminal.pk)).raw["approved"]}
    assert told == {terminal.approved is not None}
    return told.pop()


def say_yes(phone, asked, **more):
    phone.approve(phone.pending().requests[0], asked.number, **more)


def test_a_terminal_is_approved_once_by_the_phones_yes(api, ask, phone):
    asked = ask()
    assert (is_approved(api), asked.terminal.raw["approved"]) == (False, False)
    say_yes(phone, asked)
    asked.refresh_from_server(api)
    assert (is_approved(api), asked.terminal.raw["approved"]) == (True, True)
    earlier = timezone.now() - timedelta(days=1)
    Terminal.objects.update(approved=earlier)
    say_yes(phone, ask())
    assert Terminal.objects.get().approved == earlier


def test_a_terminal_is_approved_by_the_phones_code(api, ask, phone):
    ask().authenticate_with_otp(phone.code(), api)
    assert is_approved(api)


def test_a_terminal_is_approved_by_a_code_on_paper(api, requester):
    codes = lists.activate(users.get_or_create(requester, "alice"))
    api.authenticate("alice", "s1", terminal_name="PC").authenticate_with_otp(codes[0], api)
    assert is_approved(api)


def test_a_terminal_is_not_approved_by_a_no_a_report_or_a_wrong_code(api, ask, phone):
    ask()
    phone.deny(phone.pending().requests[0])
    assert not is_approved(api)
    ask().authenticate_with_otp("000000" if phone.code() != "000000" else "111111", api)
    assert not is_approved(api)
    phone.report(phone.pending().requests[0])
    assert not is_approved(api)


def test_a_terminal_is_not_approved_by_an_answer_that_came_too_late(api, ask, phone):
    asked = ask()
    question = phone.pending().requests[0]
    api.post(f"authentication_requests/{asked.id}/cancel")
    with pytest.raises(Exception, match="over"):
        phone.approve(question, asked.number)
    assert not is_approved(api)


def test_a_terminal_is_not_approved_by_an_automation(api, ask, phone):
    say_yes(phone, ask(), automate=Automate(3600))
    Terminal.objects.update(approved=None)
    assert ask().automated
    assert not is_approved(api)


def test_only_the_terminal_that_was_asked_from_is_approved(api, ask, phone):
    asked = ask("s1")
    ask("s2")
    phone.approve(next(each for each in phone.pending().requests if each.id == asked.id), asked.number)
    assert (is_approved(api, "s1"), is_approved(api, "s2")) == (True, False)


@table(("fields", "kept"), [({"name_extra": "s2"}, False), ({"name_extra": "s1"}, True), ({"name": "x"}, True)])
def test_a_terminal_with_another_secret_is_approved_no_more(api, ask, phone, fields, kept):
    say_yes(phone, ask())
    api.post(f"user_terminals/{Terminal.objects.get().pk}", **fields)
    assert is_approved(api, fields.get("name_extra", "s1")) == kept


def test_another_name_at_the_next_request_keeps_it(api, ask, phone):
    say_yes(phone, ask())
    api.authenticate("alice", "s1", terminal_name="Desk")
    assert is_approved(api)


def test_S46_of_two_last_phones_removed_at_once_one_is_the_last(threaded_db, requester, make_raw_phone):
    for name in map(str, range(8)):
        phones = [paired(requester, name, make_raw_phone()) for _ in range(2)]
        user = User.objects.get(name=name)
        Terminal.objects.create(user=user, name="PC", extra="secret-1", approved=timezone.now())
        rows = Pairing.objects.select_related("user__requester").in_bulk([each.pk for each in phones])
        assert at_once(*[partial(pairings.deactivate, row) for row in rows.values()]) == [True, True]
        assert not user.terminals.exclude(approved=None).exists()
