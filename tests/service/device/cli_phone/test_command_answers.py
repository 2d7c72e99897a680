"""``manage.py toopher_phone approve``, ``deny``, ``report`` and ``watch``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests
from django.core.management import CommandError

from tests.tables import table

from .canned import ASKED, DENIED, GRANTED, NOW, OFFERED, QUESTION, SEED, TAP, Reply, Terminal, refusal, waiting


def test_approving_shows_all_that_is_approved_before_it_asks(terminal: Terminal):
    out = terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed="123456\n")
    shown, _, answered = out.partition("The 6 digits")
    texts = [
        "Example",
        "alice",
        "Log In",
        "Office laptop",
        "203.0.113.5",
        "22:13:15 UTC (5 s ago)",
        "(in 115 s)",
    ]
    assert [text for text in texts if text not in shown] == []
    assert "Approved." in answered


def test_approving_without_a_name_takes_the_newest(terminal: Terminal):
    terminal.run("approve", replies=[waiting({**QUESTION, "id": "newer"}, QUESTION), GRANTED], typed="123456\n")
    assert terminal.recorder.claims()["request"] == "newer"


def test_a_number_may_be_typed_in_groups(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed=" 123 456 \n")
    assert terminal.recorder.claims()["number"] == "123456"


@table("typed", ["12345", "1234567", "12345x", "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_what_cannot_be_the_number_costs_no_try(terminal: Terminal, typed: str):
    out = terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed=f"{typed}\n123456\n")
    assert "The number has 6 digits." in out
    assert terminal.calls() == ["pending", "answer"]


def test_a_wrong_number_is_asked_for_again_while_tries_remain(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=2), GRANTED]
    out = terminal.run("approve", replies=replies, typed="000000\n123456\n")
    assert out.index("Tries left: 2.") < out.index("Approved.")


def test_the_last_wrong_number_ends_it(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=0)]
    with pytest.raises(CommandError, match=r"Because of wrong_number\. Tries left: 0\."):
        terminal.run("approve", replies=replies, typed="000000\n123456\n")


def test_approving_with_request_and_number_asks_nothing(terminal: Terminal):
    out = terminal.run("approve", "request-1", "123456", replies=[waiting(TAP, QUESTION), GRANTED])
    assert terminal.recorder.claims() == {**ASKED, "decision": "allow", "number": "123456"}
    assert "The 6 digits" not in out


def test_a_wrong_number_on_the_command_line_is_an_error(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=2)]
    with pytest.raises(CommandError, match=r"Tries left: 2\."):
        terminal.run("approve", "request-1", "000000", replies=replies)


def test_a_request_may_be_named_by_how_its_id_begins(terminal: Terminal):
    other = {**QUESTION, "id": "x-1"}
    terminal.run("approve", "x", "123456", replies=[waiting(QUESTION, other), GRANTED])
    assert terminal.recorder.claims()["request"] == "x-1"


@table(("name", "error"), [("request", r"More than one .*\(request-1\)"), ("nothing", "No such sign-in request")])
def test_a_name_that_no_request_or_several_have_is_an_error(terminal: Terminal, name: str, error: str):
    with pytest.raises(CommandError, match=error):
        terminal.run("approve", name, "123456", replies=[waiting(QUESTION, TAP)])


def test_approving_when_nothing_waits_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="No such sign-in request is waiting"):
        terminal.run("approve", replies=[waiting()])


def test_where_no_number_is_asked_a_yes_approves(terminal: Terminal):
    terminal.run("approve", replies=[waiting(TAP), GRANTED], typed="123456\nY\n")
    assert terminal.recorder.claims()["number"] == ""
    assert terminal.calls() == ["pending", "answer"]


def test_where_no_number_is_asked_yes_may_be_said_beforehand(terminal: Terminal):
    terminal.run("approve", "--yes", replies=[waiting(TAP), GRANTED])
    assert terminal.calls() == ["pending", "answer"]


def test_where_a_number_is_asked_a_yes_beforehand_is_not_enough(terminal: Terminal):
    with pytest.raises(CommandError, match="nobody to ask"):
        terminal.run("approve", "--yes", replies=[waiting(QUESTION)])


@table(("question", "typed"), [(QUESTION, "123456"), (TAP, "y")], ids=["number", "tap"])
def test_m_takes_more_time_and_asks_again(terminal: Terminal, question: dict[str, Any], typed: str):
    replies = [waiting(question), Reply({"expires": NOW + 300}), GRANTED]
    out = terminal.run("approve", replies=replies, typed=f"m\n{typed}\n")
    assert terminal.calls() == ["pending", "extend", "answer"]
    assert out.count("m = more time") == 2
    assert "(in 300 s)" in out


def test_more_time_that_comes_too_late_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError):
        terminal.run("approve", replies=[waiting(QUESTION), refusal("gone", 409)], typed="m\n")


def test_enter_leaves_a_request_unanswered(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION)], typed="\n")
    assert terminal.calls() == ["pending"]


def test_no_at_the_prompt_denies(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION), DENIED], typed="n\n")
    assert terminal.recorder.claims()["decision"] == "deny"


def test_denying_asks_nothing(terminal: Terminal):
    assert "Denied." in terminal.run("deny", replies=[waiting(QUESTION), DENIED])


def test_an_answer_that_came_too_late_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Because of gone"):
        terminal.run("deny", replies=[waiting(QUESTION), refusal("gone", 409)])


def test_watching_asks_about_each_thing_once(terminal: Terminal):
    offered = waiting(QUESTION, pairings=[OFFERED])
    out = terminal.run("watch", replies=[offered, Reply(SEED), offered], typed="y\n\n")
    assert (out.count("[y/n]"), out.count("The 6 digits")) == (1, 1)


def test_watching_goes_on_after_an_answer_that_came_too_late(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("gone", 409), waiting(TAP), GRANTED]
    out = terminal.run("watch", replies=replies, typed="123456\ny\n")
    assert out.index("Because of gone") < out.index("Approved.")


def test_watching_asks_again_when_the_answer_did_not_get_through(terminal: Terminal):
    replies = [waiting(QUESTION), Reply(error=requests.ConnectionError()), waiting(QUESTION), GRANTED]
    assert "Approved." in terminal.run("watch", replies=replies, typed="123456\n123456\n")


def test_watching_loses_no_account_that_another_program_pairs(terminal: Terminal):
    class Meanwhile(Terminal):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            phone = self.saved()
            phone.accounts += (replace(phone.account("pairing-1"), id="pairing-9"),)
            phone.save(self.state)

    replies = [waiting(), waiting(pairings=[OFFERED]), Reply(SEED)]
    Meanwhile(terminal.state).run("watch", replies=replies, typed="y\n")
    assert [account.id for account in terminal.saved().accounts] == ["pairing-1", "pairing-9", "pairing-2"]


def test_watching_ends_well_with_ctrl_c(terminal: Terminal):
    assert terminal.run("watch", replies=[waiting()]).endswith("Stopped.\n")


def test_watching_ends_when_the_service_does_not_know_the_phone_any_more(terminal: Terminal):
    with pytest.raises(CommandError, match="pair again"):
        terminal.run("watch", replies=[waiting(QUESTION), refusal("bad_signature", 401)], typed="123456\n")


def test_a_phone_that_the_service_does_not_know_stops_watching_and_is_told_what_to_do(terminal: Terminal):
    with pytest.raises(CommandError, match="pair again"):
        terminal.run("watch", replies=[refusal("bad_signature", 401)])


def test_a_report_is_sent_after_a_yes(terminal: Terminal):
    out = terminal.run("report", replies=[waiting(QUESTION), Reply()], typed="y\n")
    assert terminal.calls() == ["pending", "report"]
    assert terminal.recorder.claims() == ASKED
    assert "Change your password at Example." in out


def test_a_report_is_not_sent_after_a_no(terminal: Terminal):
    terminal.run("report", replies=[waiting(QUESTION)], typed="n\n")
    assert terminal.calls() == ["pending"]


def test_a_report_with_yes_asks_nothing(terminal: Terminal):
    assert "[y/n]" not in terminal.run("report", "--yes", replies=[waiting(QUESTION), Reply()])
