"""Support's commands: what they do, print, and exit with."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_toopher.models import Attempt, SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import runs
from django_toopher.support.verbs import VERBS
from tests.tables import table


def run(name, *args, **options) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def run_json(name, *args, **options):
    return json.loads(run(name, *args, format="json", **options))


@pytest.fixture
def bob(make_user):
    return make_user("bob")


def test_disable_and_enable(account, bob):
    assert run("toopher_disable", "alice", "--no-input") == "alice: done\n"
    assert not User.objects.get(name="alice").toopher_authentication_enabled
    told = run_json("toopher_enable", "alice", "bob")
    assert (told["verb"], told["done"], told["skipped"], told["failed"]) == ("enable", 1, 1, 0)
    assert told["people"] == [
        {"name": "alice", "outcome": "done", "why": ""},
        {"name": "bob", "outcome": "skipped", "why": "the second factor is on already"},
    ]
    assert ToopherAccount.objects.filter(enabled=True).count() == 2


def test_reset(account):
    assert run("toopher_reset", "alice", "--no-input") == "alice: done\n"
    assert not User.objects.get(name="alice").pairings.enabled().exists()


@table("name", ["toopher_disable", "toopher_reset"])
@table(("answer", "is_done"), [("yes", True), ("no", False), ("", False)])
def test_S16_what_brings_a_second_factor_down_asks_first(name, answer, is_done, account, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    if is_done:
        run(name, "alice")
    else:
        with pytest.raises(CommandError, match="Nothing was done"):
            run(name, "alice")
    account.refresh_from_db()
    assert (account.enabled and account.paired) is not is_done


def test_names_come_from_a_file_too(account, bob, tmp_path, monkeypatch):
    file = tmp_path / "names"
    file.write_text("alice\n\nbob\nalice\n")
    assert len(run_json("toopher_disable", "--no-input", file=str(file))["people"]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("bob\n"))
    assert [each["name"] for each in run_json("toopher_enable", file="-")["people"]] == ["bob"]


@table("names", [[], ["nobody"], ["alice", "nobody"], ["Alice"]])
def test_a_wrong_call_does_nothing_and_exits_with_2(names, account):
    with pytest.raises(CommandError) as caught:
        run("toopher_disable", *names, "--no-input")
    assert caught.value.returncode == 2
    account.refresh_from_db()
    assert account.enabled
    assert not SupportRun.objects.exists()


def test_a_failure_exits_with_1_and_is_told(account, bob, elsewhere):
    for _ in range(2):
        elsewhere.will_answer(b"", 500)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("toopher_disable", "alice", "bob", "--no-input", format="json", stdout=out)
    assert caught.value.returncode == 1
    assert {each["outcome"] for each in json.loads(out.getvalue())["people"]} == {"failed"}


def test_S18_what_a_command_did_is_kept_with_who_did_it(account, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    run("toopher_disable", "alice", "--no-input")
    kept = SupportRun.objects.get()
    assert (kept.by, kept.by_name, kept.items.get().outcome) == (None, "manage.py (root)", "done")


def test_a_sync_takes_over_how_everybody_stands(account, bob):
    User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    ToopherAccount.objects.for_user(bob)
    told = run_json("toopher_sync")
    assert [(each["name"], each["outcome"]) for each in told["people"]] == [("alice", "done"), ("bob", "skipped")]
    account.refresh_from_db()
    assert (account.enabled, account.device) == (False, "Pixel")


def test_a_sync_of_nobody_is_no_error(db):
    assert run_json("toopher_sync")["total"] == 0


def test_a_sync_goes_on_where_it_was_killed(account, bob):
    accounts = [account, ToopherAccount.objects.for_user(bob)]
    begun = runs.create(VERBS["refresh"], accounts)
    runs._claim(begun, runs.uuid4())
    begun.items.filter(account=account).update(outcome="failed")
    assert run_json("toopher_sync", "--resume")["run"] == str(begun.pk)
    assert {*begun.items.values_list("outcome", flat=True)} == {"done", "skipped"}
    with pytest.raises(CommandError, match="no sync to go on with"):
        run("toopher_sync", "--resume")


def test_the_status_counts_the_site(account, bob):
    ToopherAccount.objects.for_user(bob)
    told = run_json("toopher_status")
    assert told["answers"] is True
    assert told["accounts"] == {"total": 2, "with_phone": 1, "without_phone": 1, "switched_off": 0}
    assert told["attempts of the last day"] == {"granted": 1}
    assert told["unfinished runs"] == 0
    assert "accounts: total 2, with phone 1, without phone 1, switched off 0" in run("toopher_status")


def test_the_status_of_a_person(account):
    [told] = run_json("toopher_status", "alice")["people"]
    assert (told["name"], told["paired"], told["pairing_id"]) == ("alice", True, account.pairing_id)
    assert "paired=True" in run("toopher_status", "alice")


def test_the_status_of_a_service_that_is_down_exits_with_1(account, elsewhere):
    elsewhere.will_answer(b"", 500)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("toopher_status", format="json", stdout=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["answers"] is False


def test_an_unfinished_run_is_counted(account):
    begun = runs.create(VERBS["disable"], [account])
    assert run_json("toopher_status")["unfinished runs"] == 0
    begun.confirm(timezone.now())
    assert run_json("toopher_status")["unfinished runs"] == 1


def test_a_purge_deletes_what_is_old_in_batches(account, settings, monkeypatch):
    monkeypatch.setattr("django_toopher.management.commands.toopher_purge.BATCH", 2)
    usual = {"username": "alice", "toopher_name": "alice", "generation": 0, "action": "Log In"}
    old = timezone.now() - timedelta(days=31)
    for number in range(5):
        Attempt.objects.create(token_digest=str(number), created=old, expires=old, **usual)
    kept = Attempt.objects.filter(created__gt=old)
    run_of = {number: runs.create(VERBS["enable"], [account]) for number in range(3)}
    SupportRun.objects.filter(pk__in=[run_of[0].pk, run_of[1].pk]).update(created=old)
    assert run_json("toopher_purge", days=32) == {"attempts": 0, "runs": 0}
    settings.TOOPHER_KEEP_DAYS = 30
    assert run("toopher_purge") == "attempts: 5\nruns: 2\n"
    assert kept.count() == Attempt.objects.count() == 1
    assert SupportItem.objects.get().run == run_of[2]


@pytest.mark.parametrize("days", [0, -1])
def test_a_purge_never_deletes_what_is_new(days, account):
    with pytest.raises(CommandError):
        run("toopher_purge", days=days)
    assert Attempt.objects.exists()
