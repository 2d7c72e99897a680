"""Yes and no to a question, and the number that proves who is asked (SECURITY.md S22)."""

from __future__ import annotations

from django_toopher.service.models import AuthenticationRequest
from tests.tables import table

from .acts import another, assert_refused, state_of


def test_a_yes_with_the_number_grants(api, paired, asked):
    reply = paired.answer(paired.question(), asked.number)
    assert (reply.status_code, reply.json()["state"]) == (200, "granted")
    asked.refresh_from_server(api)
    assert (asked.granted, asked.pending, asked.automated, asked.reason_code) == (True, False, False, 0)


def test_a_no_needs_no_number_and_denies(api, paired, asked):
    reply = paired.answer(paired.question(), "", "deny")
    assert (reply.status_code, reply.json()["state"]) == (200, "denied")
    asked.refresh_from_server(api)
    assert (asked.granted, asked.pending, asked.reason_code) == (False, False, 100)
    assert asked.reason


def test_the_signed_answer_is_kept_as_evidence(paired, asked):
    token = paired.token(paired.claims("answer", **paired.answer_claims(paired.question(), asked.number)))
    paired.send("answer", token)
    kept = AuthenticationRequest.objects.get()
    assert kept.evidence == token
    assert str(kept.pairing.authenticator_id) == paired.id


def test_S22_the_number_is_six_random_digits(api, paired, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"requests": 20}
    numbers = {api.authenticate("alice", "t", terminal_name="PC").number for _ in range(20)}
    assert all(len(number) == 6 and number.isascii() and number.isdigit() for number in numbers)
    assert len(numbers) > 15


@table("wrong", ["", " ", "1", "0000000", "abcdef", "\u0661" * 6, "\ud800"])
def test_S22_a_wrong_number_grants_nothing(paired, asked, question, wrong):
    response = paired.answer(question, wrong)
    assert response.status_code in {400, 403}, response.content
    assert state_of(asked) == "pending"


def test_S22_an_answer_without_a_number_is_refused(paired, asked):
    claims = paired.answer_claims(paired.question())
    del claims["number"]
    assert_refused(paired.call("answer", **claims), 400, "bad_request")
    assert state_of(asked) == "pending"


def test_S22_a_wrong_number_tells_how_many_tries_remain(paired, asked):
    question, wrong = paired.question(), another(asked.number)
    response = paired.answer(question, wrong)
    assert_refused(response, 403, "wrong_number")
    assert response.json()["attempts_left"] == 2
    assert paired.answer(question, wrong).json()["attempts_left"] == 1
    assert paired.answer(question, wrong).json()["attempts_left"] == 0
    assert state_of(asked) == "denied"
    assert_refused(paired.answer(question, asked.number), 409, "gone")
    assert state_of(asked) == "denied"


def test_S22_a_number_serves_its_own_request_only(api, paired, asked):
    first = paired.question()
    second = api.authenticate("alice", "terminal-2", terminal_name="PC")
    while second.number == asked.number:
        second = api.authenticate("alice", "terminal-2", terminal_name="PC")
    assert_refused(paired.answer(first, second.number), 403, "wrong_number")
    assert state_of(asked) == "pending"


def test_S22_without_digits_a_tap_is_enough(settings, api, paired):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 0
    asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
    question = paired.question()
    assert (asked.number, question["number_length"]) == ("", 0)
    assert paired.answer(question).json()["state"] == "granted"


def test_S22_switching_the_number_off_later_does_not_open_a_request(settings, paired, asked):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 0
    assert_refused(paired.answer(paired.question(), ""), 403, "wrong_number")


@table("decision", ["", "yes", "ALLOW", "granted", None, True, 1, ["allow"]])
def test_S35_another_decision_is_refused(paired, asked, question, decision):
    claims = {**paired.claims("answer"), **paired.answer_claims(question, asked.number), "decision": decision}
    assert_refused(paired.send("answer", paired.token(claims)), 400, "bad_request")
    assert state_of(asked) == "pending"


def test_an_unknown_request_is_not_found(paired, asked):
    question = paired.question() | {"id": "00000000-0000-4000-8000-000000000000"}
    assert_refused(paired.answer(question, asked.number), 404, "not_found")
