"""A question is answered once, in time, and by nobody else (SECURITY.md S25, S26)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_toopher.service.errors import GoneError
from django_toopher.service.models import AuthenticationRequest, Pairing
from django_toopher.service.requests import answering
from tests.service.callers import RawPhone, at_once, jwk_of
from tests.tables import table

from .acts import assert_refused, end, refusal, state_of


@table("first", ["allow", "deny"])
@table("second", ["allow", "deny"])
def test_S25_a_request_is_answered_once(paired, asked, question, first, second):
    assert paired.answer(question, asked.number, first).status_code == 200
    before = AuthenticationRequest.objects.values().get()
    assert_refused(paired.answer(question, asked.number, second), 409, "gone")
    assert AuthenticationRequest.objects.values().get() == before


def test_S25_of_yes_and_no_at_the_same_moment_one_wins(threaded_db, api, make_phone, pair, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"unanswered": 6}  # all five may be denied
    phones = [make_phone(), make_phone()]
    for phone in phones:
        pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
        question = phones[0].pending().requests[0]
        outcomes = at_once(
            lambda number=asked.number, question=question: refusal(phones[0].approve, question, number),
            lambda question=question: refusal(phones[1].deny, question),
        )
        assert sorted(outcomes) in (["gone", "granted"], ["denied", "gone"])
        assert state_of(asked) == (outcomes[0] if outcomes[0] != "gone" else outcomes[1])


def test_S25_of_yes_and_cancel_at_the_same_moment_one_wins(threaded_db, api, make_api, phone, pair):
    pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
        question = phone.pending().requests[0]
        answered, told = at_once(
            lambda number=asked.number, question=question: refusal(phone.approve, question, number),
            lambda asked=asked: make_api().post(f"authentication_requests/{asked.id}/cancel"),
        )
        assert (answered, told["granted"], told["cancelled"]) in {("granted", True, False), ("gone", False, True)}


@table("decision", ["allow", "deny"])
@table("how", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_S25_an_answer_that_comes_too_late_is_refused(api, paired, asked, question, how, decision):
    end(how, api, paired, asked)
    before = state_of(asked)
    assert_refused(paired.answer(question, asked.number, decision), 409, "gone")
    assert state_of(asked) == before != "granted"


@table("how", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_S25_what_ends_between_look_and_answer_is_not_granted(api, paired, asked, how):
    """The UPDATE asks again, whatever was read before it."""
    request = AuthenticationRequest.objects.select_related("user").get()
    pairing = Pairing.objects.get()
    end(how, api, paired, asked)
    before = state_of(asked)
    with pytest.raises(GoneError):
        answering._finish(request, AuthenticationRequest.State.GRANTED, timezone.now(), pairing=pairing)
    assert state_of(asked) == before != "granted"


def test_S25_a_phone_whose_pairing_was_removed_while_another_stays_can_not_answer(
    api, pair, paired, asked, make_raw_phone
):
    second = make_raw_phone("Second")
    pair(second)
    question = paired.question()
    end("removed", api, paired, asked)
    assert_refused(paired.answer(question, asked.number), 409, "gone")
    assert second.answer(question, asked.number).json()["state"] == "granted"


def test_S26_another_phone_can_not_answer(paired, asked, make_raw_phone):
    other = make_raw_phone("Other")
    assert_refused(other.answer(paired.question(), asked.number), 404, "not_found")
    assert state_of(asked) == "pending"


def test_S26_another_users_phone_can_not_answer(pair, paired, asked, make_raw_phone):
    other = make_raw_phone("Other")
    pair(other, "bob")
    assert_refused(other.answer(paired.question(), asked.number), 404, "not_found")
    assert state_of(asked) == "pending"


def test_S26_another_key_in_the_phones_name_is_refused(paired, asked):
    thief = RawPhone(id=paired.id)
    assert_refused(thief.answer(paired.question(), asked.number), 401, "bad_signature")
    assert state_of(asked) == "pending"


def test_S26_a_key_carried_along_does_not_count(paired, asked):
    thief = RawPhone(id=paired.id)
    claims = thief.claims("answer", **thief.answer_claims(paired.question(), asked.number))
    token = thief.token(claims, kid=paired.id, jwk=jwk_of(thief.key))
    assert_refused(thief.send("answer", token), 401, "bad_signature")
    assert state_of(asked) == "pending"


@table(
    "changed",
    [
        {"requester": "Bank"},
        {"user": "bob"},
        {"user": "Alice"},
        {"action": "log in"},
        {"action": ""},
        {"terminal": "Office laptop "},
        {"terminal": ""},
        {"address": "203.0.113.5"},
    ],
)
@table("decision", ["allow", "deny"])
def test_S26_a_phone_that_showed_something_else_is_a_mismatch(paired, asked, question, changed, decision):
    assert_refused(paired.answer(question, asked.number, decision, **changed), 409, "mismatch")
    assert state_of(asked) == "pending"


@table("name", ["requester", "user", "action", "terminal", "address", "request"])
@table("value", [None, 7, True, ["Log In"], {}, "n" * 2000, "a\0"])
def test_S35_a_text_of_another_type_is_refused(paired, asked, question, name, value):
    claims = {**paired.claims("answer"), **paired.answer_claims(question, asked.number), name: value}
    assert_refused(paired.send("answer", paired.token(claims)), 400, "bad_request")
    assert state_of(asked) == "pending"
