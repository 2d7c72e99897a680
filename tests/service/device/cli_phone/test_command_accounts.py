"""``manage.py toopher_phone list``, ``code`` and ``remove``, and a phone that is not there yet."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyotp
import pytest
from django.core.management import CommandError, call_command

from django_toopher.service.device.cli_replies import Entry
from tests.tables import table

from .canned import (
    ALICE,
    NOW,
    OFFERED,
    QUESTION,
    RFC6238_SEED,
    SEED,
    Reply,
    Terminal,
    listed,
    make_paired_phone,
    posix,
    waiting,
)


def test_list_shows_requests_and_accounts(terminal: Terminal):
    out = terminal.run("list", replies=[waiting(QUESTION), listed(ALICE)])
    assert out.index("request-1") < out.index("Accounts: 1") < out.index("pairing-1")
    assert "Last used: 2023-11-14 22:13:20 UTC (in 0 s)" in out


def test_list_shows_a_waiting_pairing(terminal: Terminal):
    assert "bob" in terminal.run("list", replies=[waiting(pairings=[OFFERED]), listed()])


def test_list_says_when_nothing_waits(terminal: Terminal):
    assert "Requests: 0\nPairings: 0\n" in terminal.run("list", replies=[waiting(), listed(ALICE)])


def test_list_marks_an_account_that_the_service_has_removed(terminal: Terminal):
    assert "Note:      removed at the service" in terminal.run("list", replies=[waiting(), listed()])


def test_list_marks_an_account_whose_seed_got_lost(terminal: Terminal):
    out = terminal.run("list", replies=[waiting(), listed({**ALICE, "id": "pairing-5"})])
    assert "Note:      no one-time codes here" in out


def test_list_as_json_has_everything_but_secrets(terminal: Terminal):
    out = terminal.run("list", "--format=json", replies=[waiting(QUESTION, pairings=[OFFERED]), listed(ALICE)])
    assert json.loads(out) == {
        "requests": [QUESTION],
        "pairings": [OFFERED],
        "accounts": [{**ALICE, "note": ""}],
    }


def test_code_prints_the_code_alone(terminal: Terminal):
    assert terminal.run("code") == pyotp.TOTP(RFC6238_SEED).at(NOW) + "\n"
    assert terminal.err == "alice at Example, valid for 10 more seconds\n"


@table("name", ["alice", "alice@Example", "pairing-1", "pair"])
def test_an_account_goes_by_user_site_or_id(terminal: Terminal, name: str):
    assert terminal.run("code", name)


def test_a_name_that_two_accounts_have_is_an_error_that_lists_them(state: Path):
    phone, _ = make_paired_phone(Reply(SEED))
    phone.pair(Entry(requester="Shop", user="alice", id="pairing-2"))
    phone.save(state)
    with pytest.raises(CommandError, match=r"alice@Example \(pairing-1\), alice@Shop \(pairing-2\)"):
        Terminal(state).run("code", "alice")


def test_a_name_that_no_account_has_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="no such account"):
        terminal.run("code", "mallory")


def test_removing_an_account_asks_first(terminal: Terminal):
    terminal.run("remove", "alice", replies=[listed(ALICE)], typed="n\n")
    assert terminal.calls() == ["pairings"]
    assert terminal.saved().accounts


def test_removing_an_account_takes_it_out_of_the_file(terminal: Terminal):
    terminal.run("remove", "alice", replies=[listed(ALICE), Reply()], typed="y\n")
    assert terminal.saved().accounts == ()


def test_looking_does_not_write_the_file(terminal: Terminal):
    before = terminal.state.stat()
    terminal.run("list", replies=[waiting(), listed(ALICE)])
    assert (terminal.state.stat().st_ino, terminal.state.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


@posix
@table(("named", "folder"), [("", ".config"), ("elsewhere", "elsewhere")])
def test_the_file_is_in_the_users_folder_for_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, folder: str
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", named and str(tmp_path / named))
    with pytest.raises(CommandError, match=re.escape(str(tmp_path / folder / "django-toopher" / "phone.json"))):
        call_command("toopher_phone", "code")


@table("words", [["list"], ["approve"], ["deny"], ["code"], ["remove", "alice"], ["watch"]])
def test_without_a_phone_it_is_said_how_to_make_one(new_terminal: Terminal, words: list[str]):
    with pytest.raises(CommandError, match="There is no phone in"):
        new_terminal.run(*words)


def test_a_state_file_that_cannot_be_read_is_a_clear_error(new_terminal: Terminal):
    new_terminal.state.mkdir()
    with pytest.raises(CommandError, match="phone"):
        new_terminal.run("list")
