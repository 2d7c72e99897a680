"""What the phone is told of questions and accounts, and how it removes an account (docs/authenticator.rst)."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest, Pairing
from tests.tables import table

from .acts import assert_refused, end


def test_pending_tells_the_request_as_it_was_asked(paired, asked, requester):
    question = paired.question()
    created, expires, latest = (question.pop(name) for name in ("created", "expires", "latest"))
    assert question == {
        "id": asked.id,
        "requester": requester.name,
        "user": "alice",
        "action": "Log In",
        "terminal": "Office laptop",
        "address": "",
        "number_length": 6,
        "automate": 30 * 24 * 3600,
    }
    assert abs(created - time.time()) < 10
    assert expires - created in {119, 120, 121}
    assert latest - created == 600


def test_S22_pending_does_not_tell_the_number(paired, asked):
    assert asked.number not in paired.call("pending").content.decode()


def test_pending_is_newest_first(api, paired):
    ids = [api.authenticate("alice", f"terminal-{n}", terminal_name="PC").id for n in range(3)]
    for n, each in enumerate(ids):
        AuthenticationRequest.objects.filter(pk=each).update(created=timezone.now() + timedelta(seconds=n))
    assert [each["id"] for each in paired.call("pending").json()["requests"]] == ids[::-1]


def test_S17_pending_tells_nothing_of_other_phones(asked, make_raw_phone):
    other = make_raw_phone("Other").call("pending").json()
    assert (other["requests"], other["pairings"]) == ([], [])


def test_every_phone_of_a_user_is_asked(pair, paired, asked, make_raw_phone):
    second = make_raw_phone("Second")
    pair(second)
    assert second.question()["id"] == paired.question()["id"] == asked.id


def test_a_phone_paired_twice_with_a_user_is_asked_once(pair, paired, asked):
    pair(paired)
    assert len(paired.call("pending").json()["requests"]) == 1


@table("over", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_pending_leaves_out_what_can_not_be_answered(api, paired, asked, over):
    end(over, api, paired, asked)
    assert paired.call("pending").json()["requests"] == []


def test_pairings_tells_the_accounts_of_this_phone(api, pair, paired, asked, requester):
    pair(paired, "bob")
    told = {each["user"]: each for each in paired.call("pairings").json()["pairings"]}
    assert told.keys() == {"alice", "bob"}
    assert told["bob"]["last_used"] is None
    assert told["bob"]["requester"] == requester.name
    assert abs(told["bob"]["created"] - time.time()) < 10
    paired.answer(paired.question(), asked.number)
    told = {each["user"]: each for each in paired.call("pairings").json()["pairings"]}
    assert abs(told["alice"]["last_used"] - time.time()) < 10


def test_remove_removes_one_account(api, pair, paired):
    pair(paired, "bob")
    accounts = {each["user"]: each["id"] for each in paired.call("pairings").json()["pairings"]}
    reply = paired.call("remove", pairing=accounts["alice"]).json()
    assert reply.keys() == {"now"}
    assert [each["user"] for each in paired.call("pairings").json()["pairings"]] == ["bob"]
    told = api.get_pairing_by_id(accounts["alice"])
    assert (told.enabled, told.deactivated) == (False, True)


def test_S17_another_phones_account_can_not_be_removed(paired, make_raw_phone):
    other = make_raw_phone("Other")
    pairing = Pairing.objects.get()
    assert_refused(other.call("remove", pairing=str(pairing.pk)), 404, "not_found")
    pairing.refresh_from_db()
    assert pairing.is_enabled
