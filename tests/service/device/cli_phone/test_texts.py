"""Nothing that others chose commands the terminal that it is printed on."""

from __future__ import annotations

import io
import unicodedata

import pytest
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st

from django_toopher.service.management.commands.toopher_phone import printable
from tests.tables import table

from .canned import ALICE, DENIED, GRANTED, NOW, OFFERED, QUESTION, SEED, Recorder, Reply, Terminal, listed, waiting


@given(st.text(st.characters(exclude_categories=())))
@example("\x1b[2J\r\x08\x7f\x9b\u202e\u2028\ud800\U000e0001")
def test_nothing_that_a_terminal_obeys_is_printed(text: str):
    assert all(unicodedata.category(one)[0] != "C" and one not in "\u2028\u2029" for one in printable(text))


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_all_other_text_is_printed_as_it_is(text: str):
    assert printable(text) == text


def test_an_escape_says_which_character_it_was():
    assert printable("a\x1b[2J\u202e\x7f") == "a\\x1b[2J\\u202e\\x7f"


CONTROL = "\x1b]0;x\x07\r\u202e\x9b"


@table("name", ["requester", "user", "action", "terminal", "address", "id"])
def test_no_text_of_a_request_reaches_the_terminal_raw(terminal: Terminal, name: str):
    replies = [waiting({**QUESTION, name: f"a{CONTROL}b"}), GRANTED]
    out = terminal.run("approve", replies=replies, typed="123456\n")
    assert "a\\x1b]0;x\\x07\\r\\u202e\\x9bb" in out
    assert not set(CONTROL) - set("]0;x") & set(out)


@table("name", ["requester", "user", "id"])
def test_no_text_of_an_account_reaches_the_terminal_raw(terminal: Terminal, name: str):
    hostile = {**ALICE, name: CONTROL}
    out = terminal.run("list", replies=[waiting(pairings=[{**OFFERED, name: CONTROL}]), listed(hostile)])
    assert not set(CONTROL) - set("]0;x") & set(out)


def test_no_phrase_reaches_the_terminal_raw(terminal: Terminal):
    phrase = Reply({"phrase": CONTROL, "expires": NOW + 600})
    out = terminal.run("phrase", "--yes", replies=[waiting(), phrase, waiting(pairings=[OFFERED]), Reply(SEED)])
    assert "\x1b" not in out


def test_no_error_of_the_service_reaches_the_terminal_raw(terminal: Terminal):
    hostile = Reply({"error_message": CONTROL, "reason": "gone"}, 409)
    with pytest.raises(CommandError, match=r"\\x1b\]0;x\\x07") as caught:
        terminal.run("list", replies=[hostile])
    assert "\x1b" not in str(caught.value)


def test_json_has_control_characters_escaped_too(terminal: Terminal):
    replies = [waiting({**QUESTION, "user": CONTROL}), listed()]
    out = terminal.run("list", "--format=json", replies=replies)
    assert out.isascii()
    assert "\x1b" not in out


def test_letters_that_the_terminal_cannot_show_are_escaped(terminal: Terminal):
    class AsciiTerminal(io.StringIO):
        encoding = "ascii"

    out = AsciiTerminal()
    call_command(
        "toopher_phone",
        f"--state={terminal.state}",
        "deny",
        session=Recorder([waiting({**QUESTION, "user": "Zo\xeb"}), DENIED]).session(),
        stdout=out,
    )
    assert "Zo\\xeb" in out.getvalue()
