"""Automatic approvals and denials on the command-line phone: asked for with ``--days``, listed and forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.device.cli_replies import Entry
from tests.tables import table

from .canned import GRANTED, NOW, QUESTION, REQUEST, Reply, Terminal, make_phone, refusal, refused, waiting

AUTOMATION = {
    "id": "automation-1",
    "requester": "Example",
    "user": "alice",
    "action": "Log In",
    "terminal": "Office laptop",
    "answer": "allow",
    "network": "203.0.113.0/24",
    "created": NOW,
    "expires": NOW + 86400,
    "last_used": None,
}


UNBOUND = {**AUTOMATION, "id": "automation-2", "answer": "deny", "network": ""}


def told(*automations: dict[str, Any]) -> Reply:
    return Reply({"automations": list(automations)})


@table("decision", ["allow", "deny"])
def test_an_answer_can_be_made_automatic(decision: str):
    phone, recorder = make_phone(Reply({"state": "granted"}))
    automate = Automate(86400, network=True)
    if decision == "allow":
        phone.approve(REQUEST, "012345", automate)
    else:
        phone.deny(REQUEST, automate)
    assert recorder.claims()["automate"] == {"seconds": 86400, "network": True}


def test_automations_are_told_in_the_order_of_the_service():
    phone, _ = make_phone(told(UNBOUND, AUTOMATION))
    assert phone.automations() == (Entry(**UNBOUND), Entry(**AUTOMATION))


@table("wrong", [{"answer": None}, {"network": 7}, {"expires": "soon"}, {"id": None}])
def test_an_automation_of_another_shape_is_not_believed(wrong: dict[str, Any]):
    phone, _ = make_phone(told({**AUTOMATION, **wrong}))
    with refused("bad_reply"):
        phone.automations()


@table("command", [("approve", "request-1", "012345"), ("deny", "request-1")])
def test_days_make_an_answer_automatic(terminal: Terminal, command: tuple[str, ...]):
    terminal.run(*command, "--days", "7", replies=[waiting(QUESTION), GRANTED])
    assert terminal.recorder.claims()["automate"] == {"seconds": 7 * 86400, "network": False}


def test_an_automation_can_be_bound_to_the_network(terminal: Terminal):
    terminal.run("approve", "request-1", "012345", "--days", "1", "--network", replies=[waiting(QUESTION), GRANTED])
    assert terminal.recorder.claims()["automate"] == {"seconds": 86400, "network": True}


def test_without_days_an_answer_is_given_once(terminal: Terminal):
    terminal.run("approve", "request-1", "012345", replies=[waiting(QUESTION), GRANTED])
    assert "automate" not in terminal.recorder.claims()


@table(
    ("words", "most"),
    [(["--days=0"], 30), (["--days=-1"], 30), (["--days=31"], 30), (["--days=1"], 0), (["--network"], 30)],
)
def test_days_that_the_service_does_not_offer_are_refused(terminal: Terminal, words: list[str], most: int):
    with pytest.raises(CommandError, match=f"--days: .* at most {most} days"):
        terminal.run("deny", *words, replies=[waiting({**QUESTION, "automate": most * 86400})])
    assert terminal.calls() == ["pending"]


def test_what_else_the_service_minds_is_its_own_to_refuse(terminal: Terminal):
    replies = [waiting({**QUESTION, "address": ""}), refusal("bad_request", 400)]
    with pytest.raises(CommandError, match="Because of bad_request"):
        terminal.run("deny", "--days", "1", "--network", replies=replies)


def test_automations_are_shown(terminal: Terminal):
    out = terminal.run("automations", replies=[told(AUTOMATION, UNBOUND)])
    assert out.index("automation-1") < out.index("203.0.113.0/24") < out.index("automation-2")


def test_that_there_are_none_is_said(terminal: Terminal):
    assert terminal.run("automations", replies=[told()]) == "Automations: 0\n"


def test_automations_as_json(terminal: Terminal):
    out = terminal.run("automations", "--format", "json", replies=[told(AUTOMATION)])
    assert json.loads(out) == {"automations": [AUTOMATION]}


def test_an_automation_is_removed_by_the_beginning_of_its_id(terminal: Terminal):
    terminal.run("forget", "automation-1", replies=[told(AUTOMATION, UNBOUND), Reply()])
    assert terminal.recorder.claims() == {"automation": "automation-1"}


@table(("wanted", "error"), [("automation", r"More than one .*\(automation-1\)"), ("nothing", "no such")])
def test_what_is_no_single_automation_is_not_removed(terminal: Terminal, wanted: str, error: str):
    with pytest.raises(CommandError, match=error):
        terminal.run("forget", wanted, replies=[told(AUTOMATION, UNBOUND)])
    assert terminal.calls() == ["automations"]
