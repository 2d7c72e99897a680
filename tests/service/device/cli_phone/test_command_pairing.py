"""``manage.py toopher_phone pair`` and ``phrase``."""

from __future__ import annotations

import jwt
import pyotp
import pytest
import requests
from django.core.management import CommandError

from django_toopher.service.management.commands.toopher_phone import Command
from tests.tables import table

from .canned import LINK, NOW, OFFERED, RFC6238_SEED, SEED, SERVICE, Reply, Terminal, refusal, waiting


def test_the_command_runs_where_checks_would_fail():
    assert Command.requires_system_checks == []


def test_pairing_by_a_link_registers_a_new_phone_and_keeps_the_seed(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("pair", LINK, replies=replies, typed="y\n")
    assert new_terminal.calls() == ["register", "offer", "pair"]
    assert new_terminal.saved().code("pairing-2") == pyotp.TOTP(RFC6238_SEED).at(NOW)


def test_a_registered_phone_is_not_registered_again(terminal: Terminal):
    terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="y\n")
    assert terminal.calls() == ["offer", "pair"]


def test_pairing_shows_site_and_user_before_it_asks(terminal: Terminal):
    out = terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="y\n")
    assert out.index("Shop") < out.index("bob") < out.index("[y/n]")


def test_a_no_to_a_pairing_is_sent_as_a_no(terminal: Terminal):
    terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply({"pairing": "pairing-2"})], typed="n\n")
    assert terminal.recorder.claims()["decision"] == "deny"


def test_anything_but_yes_or_no_is_asked_again(terminal: Terminal):
    out = terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="what\n\nyes\n")
    assert out.count("[y/n]") == 3


def test_pairing_without_anybody_to_ask_answers_nothing(terminal: Terminal):
    with pytest.raises(CommandError, match="nobody to ask"):
        terminal.run("pair", LINK, replies=[Reply(OFFERED)])
    assert terminal.calls() == ["offer"]


def test_pairing_with_yes_asks_nothing(terminal: Terminal):
    assert "[y/n]" not in terminal.run("pair", LINK, "--yes", replies=[Reply(OFFERED), Reply(SEED)])


def test_pairing_without_a_link_answers_the_one_that_waits(terminal: Terminal):
    terminal.run("pair", replies=[waiting(pairings=[OFFERED]), Reply(SEED)], typed="y\n")
    assert terminal.recorder.claims()["pairing"] == "pairing-2"


def test_pairing_without_a_link_when_none_waits_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="No pairing is waiting"):
        terminal.run("pair", replies=[waiting()])


def test_a_service_without_https_is_refused(new_terminal: Terminal):
    with pytest.raises(CommandError, match="not https"):
        new_terminal.run("pair", "http://example.org/phone/#pair=token-1")
    assert new_terminal.calls() == []


@table("host", ["localhost:8000", "127.0.0.1", "[::1]", "site.localhost"])
def test_this_very_computer_needs_no_https(new_terminal: Terminal, host: str):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("pair", f"http://{host}/phone/#pair=token-1", "--yes", replies=replies)
    assert new_terminal.saved().base_url == f"http://{host}/phone/"
    new_terminal.state.unlink()  # the phone belongs to one service


def test_a_test_network_without_https_can_be_allowed(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("--insecure", "pair", "http://example.org/phone/#pair=token-1", "--yes", replies=replies)
    assert new_terminal.saved().accounts


def test_a_mistyped_link_leaves_no_state_behind(new_terminal: Terminal):
    with pytest.raises(CommandError, match="can't be reached"):
        new_terminal.run("pair", LINK, replies=[Reply(error=requests.ConnectionError())])
    assert not new_terminal.state.exists()


def test_the_link_of_another_service_is_a_clear_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Use another state file"):
        terminal.run("pair", "https://other.example/phone/#pair=token-1")


def test_another_service_than_the_phones_is_a_clear_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Use another state file"):
        terminal.run("--service", "https://other.example/phone/", "list")


def test_a_phrase_needs_to_know_the_service(new_terminal: Terminal):
    with pytest.raises(CommandError, match="--service"):
        new_terminal.run("phrase")


PHRASE = Reply({"phrase": "one two three four", "expires": NOW + 600})


def test_a_phrase_is_shown_and_its_pairing_confirmed_when_the_site_has_used_it(new_terminal: Terminal):
    replies = [
        Reply({"id": "phone-1"}),
        waiting(),
        PHRASE,
        waiting(),
        waiting(pairings=[OFFERED]),
        Reply(SEED),
    ]
    out = new_terminal.run("--service", SERVICE, "phrase", replies=replies, typed="y\n")
    assert out.index("one two three four") < out.index("Shop") < out.index("Paired.")


def test_the_phone_gets_the_name_it_was_given(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("--name", "Rack 7", "pair", LINK, "--yes", replies=replies)
    first = new_terminal.recorder.sent[0]
    assert jwt.decode(first.body, options={"verify_signature": False})["name"] == "Rack 7"


def test_an_earlier_pairing_is_not_taken_for_the_phrases_own(terminal: Terminal):
    earlier = {**OFFERED, "id": "pairing-0", "requester": "Earlier"}
    both = waiting(pairings=[earlier, OFFERED])
    terminal.run("phrase", "--yes", replies=[waiting(pairings=[earlier]), PHRASE, both, Reply(SEED)])
    assert terminal.recorder.claims()["pairing"] == "pairing-2"


def test_waiting_for_a_site_ends_in_time(terminal: Terminal):
    with pytest.raises(CommandError, match="in time"):
        terminal.run("phrase", "--wait", "4", replies=[waiting(), PHRASE, *[waiting()] * 10])
    assert terminal.slept == [2.0, 2.0]


def test_waiting_for_a_site_can_be_stopped(terminal: Terminal):
    with pytest.raises(CommandError, match="Stopped") as caught:
        terminal.run("phrase", replies=[waiting(), PHRASE, waiting()])
    assert caught.value.returncode == 130


def test_a_service_that_is_away_for_a_moment_is_waited_for(terminal: Terminal):
    away = Reply(error=requests.ConnectionError())
    replies = [waiting(), PHRASE, away, away, waiting(pairings=[OFFERED]), Reply(SEED)]
    out = terminal.run("phrase", "--yes", replies=replies)
    assert out.count("can't be reached") == 1
    assert "Paired." in out


def test_a_service_that_says_slow_down_is_left_alone_for_as_long(terminal: Terminal):
    slow = refusal("too_many", 429, headers={"Retry-After": "30"})
    terminal.run("phrase", "--yes", replies=[waiting(), PHRASE, slow, waiting(pairings=[OFFERED]), Reply(SEED)])
    assert terminal.slept == [30]


AGREED = {**SEED, "state": "agreed"}


def test_S39_a_pairing_that_the_site_has_to_confirm_is_finished_at_the_computer(terminal: Terminal):
    out = terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(AGREED)], typed="y\n")
    assert "Not paired yet: finish at the computer." in out
    assert "Paired." not in out
    assert terminal.saved().account("pairing-2").agreed


def test_S39_the_list_tells_what_became_of_it(terminal: Terminal):
    terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(AGREED)], typed="y\n")
    nothing = {"requests": [], "pairings": [], "agreed": [OFFERED]}
    still = [Reply(nothing), Reply(nothing), Reply({"pairings": []})]
    assert "finish at the computer" in terminal.run("list", replies=still)
    over = [Reply({**nothing, "agreed": []})] * 2 + [Reply({"pairings": []})] * 2
    assert "finish at the computer" not in terminal.run("list", replies=over)
    assert [account.id for account in terminal.saved().accounts] == ["pairing-1"]
