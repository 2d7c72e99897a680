"""Making an automation (SECURITY.md S26)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.device.cli_phone import Automate, RefusedError
from django_toopher.service.models import AuthenticationRequest, Automation
from tests.tables import table

from .acts import DAY, is_asked, is_silent


def test_an_answer_stands_from_now_on(wish, ask, paired):
    wish()
    told = ask()
    assert is_silent(told)
    assert (told["granted"], told["reason"], told["reason_code"], told["number"]) == (True, "", 0, "")
    assert paired.pending().requests == ()


def test_a_no_stands_too(wish, ask, paired):
    wish("deny")
    told = ask()
    assert is_silent(told)
    assert (told["granted"], told["reason_code"]) == (False, 100)
    assert paired.pending().requests == ()


def test_an_answer_without_the_wish_stands_once(ask, paired):
    told = ask()
    paired.approve(paired.pending().requests[0], told["number"])
    assert not Automation.objects.exists()
    assert is_asked(ask())


def test_a_silent_answer_names_the_pairing_that_made_it(automate, ask):
    automation = automate()
    row = AuthenticationRequest.objects.get(pk=ask()["id"])
    assert (row.pairing, row.number, row.automated) == (automation.pairing, "", True)
    assert row.answered is not None


def test_a_silent_answer_is_noted(automate, ask):
    assert automate().last_used is None
    ask()
    assert Automation.objects.get().last_used > timezone.now() - timedelta(seconds=10)


def test_the_newest_answer_replaces_the_one_before(automate, ask, paired):
    Automation.objects.filter(pk=automate().pk).update(expires=timezone.now())
    assert automate("deny").answer == "deny"
    assert ask()["granted"] is False


def test_S23_a_wrong_number_makes_no_standing_answer(ask, paired):
    told = ask()
    wrong = f"{(int(told['number']) + 1) % 10**6:06}"
    with pytest.raises(RefusedError, match="number"):
        paired.approve(paired.pending().requests[0], wrong, Automate(DAY))
    assert not Automation.objects.exists()


def test_S26_the_wish_is_covered_by_the_answers_signature(ask, pair, raw_phone):
    pair(raw_phone)
    number = ask()["number"]
    claims = raw_phone.answer_claims(raw_phone.question(), number) | {"automate": {"seconds": DAY, "network": False}}
    head, body, signature = raw_phone.token(raw_phone.claims("answer", **claims)).split(".")
    bare = raw_phone.token(raw_phone.claims("answer", **{**claims, "automate": None})).split(".")
    assert raw_phone.send("answer", f"{head}.{body}.{bare[2]}").status_code == 401
    assert not Automation.objects.exists()
    assert raw_phone.send("answer", f"{head}.{body}.{signature}").status_code == 200
    assert AuthenticationRequest.objects.get().evidence == f"{head}.{body}.{signature}"


@table(
    "wish",
    [
        {"seconds": 59},
        {"seconds": 0},
        {"seconds": -DAY},
        {"seconds": 30 * DAY + 1},
        {"seconds": 10**30},
        {"seconds": "86400"},
        {"seconds": 1.5},
        {"seconds": True},
        {"seconds": None},
        {},
        {"seconds": DAY, "network": "yes"},
        {"seconds": DAY, "network": 1},
        {"seconds": DAY, "network": True},  # this request has no address
        DAY,
        "30 days",
        True,
        [],
    ],
)
@table("decision", ["allow", "deny"])
def test_S35_a_wish_that_is_none_is_refused_and_nothing_is_answered(raw_phone, asked, decision, wish):
    question, number = asked
    response = raw_phone.answer(question, number if decision == "allow" else "", decision, automate=wish)
    assert (response.status_code, response.json()["reason"]) == (400, "bad_request"), response.content
    assert AuthenticationRequest.objects.get().state == "pending"
    assert not Automation.objects.exists()


def test_the_longest_time_is_a_setting(settings, ask, paired):
    settings.TOOPHER_SERVICE_AUTOMATION_DAYS = 2
    ask()
    assert paired.pending().requests[0].automate == 2 * DAY


def test_without_days_nothing_stands(settings, automate, ask, paired):
    automate()
    settings.TOOPHER_SERVICE_AUTOMATION_DAYS = 0
    assert is_asked(ask())
    assert paired.pending().requests[0].automate == 0
