"""Support's verbs, for one person and for many."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.utils import timezone

from django_toopher import connection, signals
from django_toopher.client import RequestRefusedError, ServiceUnavailableError, ToopherApi
from django_toopher.models import SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import runs, verbs
from tests.service.callers import at_once
from tests.tables import table

from ..acts import known, pair

Outcome = SupportItem.Outcome


@pytest.fixture
def api(db):
    return connection.api()


@pytest.fixture
def make_account(make_user):
    """Makes people without a phone, whom the service does not know."""

    def make(name, **fields):
        return ToopherAccount.objects.create(user=make_user(name), name=name, **fields)

    return make


@pytest.fixture
def many(make_account):
    """Five people."""
    return [make_account(f"person{number}") for number in range(5)]


@pytest.fixture
def heard():
    """What the signals tell: (signal, account, user, by)."""
    told = []
    connected = {name: getattr(signals, name) for name in ("enabled", "disabled", "reset")}
    receivers = []
    for name, signal in connected.items():

        def receiver(name=name, **kwargs):
            told.append((name, kwargs["account"], kwargs["user"], kwargs["by"]))

        receivers.append((signal, receiver))
        signal.connect(receiver)
    yield told
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def begun(verb, accounts, by=None):
    run = runs.create(verbs.VERBS[verb], accounts, by)
    run.confirm(timezone.now())
    return run


def outcomes(run) -> list[tuple[str, str]]:
    return [*run.items.order_by("pk").values_list("outcome", "reason")]


def there(name: str) -> User:
    return User.objects.get(name=name)


# One person


@pytest.mark.parametrize(("verb", "enabled"), [("disable", False), ("enable", True)])
def test_the_switch_is_the_same_here_and_at_the_service(verb, enabled, account, api):
    if enabled:
        verbs.disable(account, api)
    before = account.generation
    getattr(verbs, verb)(account, api)
    assert (account.enabled, there("alice").toopher_authentication_enabled) == (enabled, enabled)
    assert account.generation == before + 1


@pytest.mark.parametrize(("verb", "reason"), [("enable", "already_enabled"), ("disable", "already_disabled")])
def test_who_is_as_wanted_already_is_skipped(verb, reason, account, api):
    if verb == "disable":
        verbs.disable(account, api)
    before = known(account)
    with pytest.raises(verbs.SkippedError) as caught:
        getattr(verbs, verb)(account, api)
    assert caught.value.reason == reason
    assert known(account) == before


def test_who_seems_to_be_as_wanted_is_switched_where_the_service_says_otherwise(account, api):
    User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    verbs.enable(account, api)
    assert there("alice").toopher_authentication_enabled


def test_somebody_whom_the_service_does_not_know_is_made_known(make_account, api):
    carol = make_account("carol")
    verbs.disable(carol, api)
    assert not there("carol").toopher_authentication_enabled
    assert carol.toopher_user_id == str(there("carol").pk)


def test_an_id_that_the_service_does_not_know_any_more_is_found_by_name(account, api):
    ToopherAccount.objects.update(toopher_user_id="00000000-0000-4000-8000-000000000000")
    account.refresh_from_db()
    verbs.disable(account, api)
    assert not there("alice").toopher_authentication_enabled
    assert account.toopher_user_id == str(there("alice").pk)


def test_a_reset_removes_the_phones(account, api):
    verbs.reset(account, api)
    assert (account.paired, account.pairing_id, account.device) == (False, "", "")
    assert not there("alice").pairings.enabled().exists()


def test_a_reset_skips_who_has_no_phone(make_account, api):
    with pytest.raises(verbs.SkippedError, match="no_phone"):
        verbs.reset(make_account("carol"), api)


def test_a_reset_finds_the_phone_that_is_not_known_here(account, api):
    ToopherAccount.objects.update(paired=False, pairing_id="")
    account.refresh_from_db()
    verbs.reset(account, api)
    assert not there("alice").pairings.enabled().exists()


def test_a_reset_link_is_mailed_and_nothing_else_changes(account, api):
    before, mails = known(account), len(mail.outbox)
    verbs.send_reset_link(account, api)
    [sent] = mail.outbox[mails:]
    assert sent.to == ["alice@example.com"]
    assert "/reset?reset_authorization=" in sent.body
    assert known(account) == before
    assert there("alice").pairings.enabled().count() == 1


def test_no_reset_link_without_an_address(account, api):
    account.user.email = ""
    with pytest.raises(verbs.SkippedError, match="no_email"):
        verbs.send_reset_link(account, api)


def test_no_reset_link_without_a_phone(make_account, api):
    with pytest.raises(verbs.SkippedError, match="no_phone"):
        verbs.send_reset_link(make_account("carol"), api)


def test_a_refresh_takes_over_what_the_service_says(account, api):
    ToopherAccount.objects.update(enabled=False, paired=False, pairing_id="", device="", toopher_user_id="")
    account.refresh_from_db()
    verbs.refresh(account, api)
    pairing = there("alice").pairings.get()
    assert (account.enabled, account.paired, account.pairing_id) == (True, True, str(pairing.pk))
    assert (account.device, account.toopher_user_id) == ("Pixel", str(there("alice").pk))


def test_a_refresh_notices_that_the_phone_is_gone(account, api):
    api.reset_user("alice")
    verbs.refresh(account, api)
    assert not account.paired


def test_a_refresh_that_finds_nothing_new_voids_nothing(account, api, staff):
    verbs.refresh(account, api)
    before = known(account)
    verbs.refresh(account, api, staff)
    assert known(account) == before
    assert not LogEntry.objects.exists()


def test_an_empty_service_does_not_make_people_forget_their_phones(account, api):
    User.objects.all().delete()
    with pytest.raises(verbs.UnknownPersonError):
        verbs.refresh(account, api)
    assert ToopherAccount.objects.get().paired


def test_the_next_phones_name_takes_the_place_of_the_last_ones(account, api, make_phone, make_computer, computer):
    verbs.refresh(account, api)
    assert account.device == "Pixel"
    api.reset_user("alice")
    ToopherAccount.objects.update(paired=False)
    pair(make_computer(), make_phone("Nokia"))
    account.refresh_from_db()
    assert account.device == "Nokia"


@table("verb", ["enable", "disable", "reset", "send_reset_link", "refresh"])
def test_S16_a_service_that_is_down_changes_nothing_here(verb, account, elsewhere, staff, heard):
    elsewhere.forget()
    before = known(account)
    elsewhere.will_answer(b"", 500)
    with pytest.raises(ServiceUnavailableError):
        getattr(verbs, verb)(account, connection.api(), staff)
    assert known(account) == before
    assert (LogEntry.objects.count(), heard) == (0, [])


@table("verb", ["enable", "disable", "reset", "send_reset_link", "refresh"])
def test_S16_a_service_that_refuses_changes_nothing_here(verb, account, elsewhere):
    elsewhere.forget()
    before = known(account)
    elsewhere.will_answer({"error_code": 401, "error_message": "Not a valid OAuth signed request"}, 401)
    with pytest.raises(RequestRefusedError):
        getattr(verbs, verb)(account, connection.api())
    assert known(account) == before


# Who may


@table("verb", ["enable", "disable", "reset", "send_reset_link"])
def test_S16_only_a_superuser_acts_on_a_superuser(verb, account, api, make_user):
    account.user.is_superuser = True
    account.user.save()
    helper = make_user("helper", is_staff=True)
    before = known(account)
    with pytest.raises(verbs.SkippedError, match="superuser"):
        getattr(verbs, verb)(account, api, helper)
    assert known(account) == before
    assert there("alice").pairings.enabled().count() == 1


def test_S16_a_superuser_acts_on_another(account, api, staff):
    account.user.is_superuser = True
    account.user.save()
    verbs.disable(account, api, staff)
    assert not account.enabled


@table("verb", ["disable", "reset"])
@table("is_superuser", [False, True])
def test_S16_nobody_brings_down_their_own_second_factor(verb, is_superuser, account, api):
    account.user.is_superuser = is_superuser
    account.user.save()
    with pytest.raises(verbs.SkippedError, match="yourself"):
        getattr(verbs, verb)(account, api, account.user)
    assert there("alice").toopher_authentication_enabled


@pytest.mark.parametrize("verb", ["disable", "reset"])
def test_a_command_acts_on_anybody(verb, account, api):
    account.user.is_superuser = True
    account.user.save()
    getattr(verbs, verb)(account, api)
    assert (account.enabled and account.paired) is False


def test_the_signals_say_who_did_it_to_whom(account, api, staff, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        verbs.disable(account, api, staff)
        verbs.enable(account, api)
        verbs.reset(account, api, staff)
    assert heard == [
        ("disabled", account, account.user, staff),
        ("enabled", account, account.user, None),
        ("reset", account, account.user, staff),
    ]


def test_a_receiver_that_fails_undoes_nothing(account, api, django_capture_on_commit_callbacks):
    def fail(**kwargs):
        raise RuntimeError

    signals.disabled.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            verbs.disable(account, api)
    finally:
        signals.disabled.disconnect(fail)
    assert not ToopherAccount.objects.get().enabled


def test_S16_the_admin_log_names_who_whom_and_when(account, api, staff):
    before = timezone.now()
    verbs.disable(account, api, staff)
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (
        staff,
        str(account.pk),
        "second factor disabled",
    )
    assert before <= entry.action_time <= timezone.now()
    assert entry.get_edited_object() == account


# Many people


def test_a_run_does_each_person_once(many, api, staff):
    run = begun("disable", many, staff)
    assert runs.step(run, api, staff, seconds=60) == 5
    assert outcomes(run) == [("done", "")] * 5
    assert not ToopherAccount.objects.filter(enabled=True).exists()
    assert LogEntry.objects.count() == 5
    assert runs.counts(run) == {"pending": 0, "done": 5, "skipped": 0, "failed": 0, "total": 5}
    assert runs.step(run, api, staff, seconds=60) == 0


@pytest.mark.parametrize("verb", ["disable", "reset"])
def test_S16_what_has_to_be_confirmed_is_not_done_before(verb, many, api):
    run = runs.create(verbs.VERBS[verb], many)
    assert runs.step(run, api, seconds=60) == 0
    assert outcomes(run) == [("pending", "")] * 5
    assert not User.objects.exists()


@pytest.mark.parametrize("verb", ["enable", "refresh", "send_reset_link"])
def test_what_needs_no_confirmation_can_begin_at_once(verb, many):
    assert runs.create(verbs.VERBS[verb], many).confirmed


def test_S16_one_failure_stops_nobody_else(many, api):
    ToopherAccount.objects.filter(pk=many[2].pk).update(name=" ")  # a name that no service takes
    run = begun("disable", many)
    runs.step(run, api, seconds=60)
    assert outcomes(run) == [("done", "")] * 2 + [("failed", "refused")] + [("done", "")] * 2
    assert "missing" in runs.explain(run.items.get(outcome="failed"))


@pytest.mark.parametrize("count", [1, 2])
def test_S16_what_the_service_did_not_do_is_not_called_done(count, many, elsewhere, staff):
    for number, account in enumerate(many[:count]):
        ToopherAccount.objects.filter(pk=account.pk).update(toopher_user_id=f"id{number}")
    still = [{"id": f"id{number}", "name": "n", "disable_toopher_auth": False} for number in range(count)]
    if count > 1:
        elsewhere.will_answer(still)
    for each in still:
        elsewhere.will_answer(each)
    run = begun("disable", many[:count], staff)
    runs.step(run, connection.api(), staff, seconds=60)
    assert outcomes(run) == [("failed", "refused")] * count
    assert not LogEntry.objects.exists()


def test_S16_not_even_a_fault_of_ours_stops_the_others(many, api, monkeypatch, caplog):
    User.objects.all().delete()
    ToopherAccount.objects.filter(pk=many[0].pk).update(toopher_user_id="..")  # no path can be made of it
    run = begun("disable", many)
    runs.step(run, api, seconds=60)
    assert outcomes(run) == [("failed", "broken")] + [("done", "")] * 4
    assert "support: disable failed" in caplog.text


def test_the_failed_ones_can_be_run_again(many, api):
    ToopherAccount.objects.filter(pk=many[2].pk).update(name=" ")
    run = begun("disable", many)
    runs.step(run, api, seconds=60)
    before = ToopherAccount.objects.get(pk=many[0].pk).generation
    ToopherAccount.objects.filter(pk=many[2].pk).update(name="person2")
    assert runs.retry(run) == 1
    assert runs.step(run, api, seconds=60) == 1
    assert outcomes(run) == [("done", "")] * 5
    assert ToopherAccount.objects.get(pk=many[0].pk).generation == before


def test_a_step_ends_when_its_time_is_over_and_the_next_goes_on(many, api):
    run = begun("disable", many)
    for done in range(1, 6):  # one at least, or it would never end
        assert runs.step(run, api, seconds=0) == 1
        assert runs.counts(run)["done"] == done
        assert not run.items.filter(outcome="pending").exclude(claim=None).exists()
    assert runs.step(run, api, seconds=0) == 0


def test_the_claim_of_a_killed_worker_expires(many, api):
    run = begun("disable", many)
    token = runs._claim(run, runs.uuid4())[0].claim
    assert runs.step(run, api, seconds=60) == 0
    run.items.filter(claim=token).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert runs.step(run, api, seconds=60) == 5


def test_what_a_slow_worker_brings_after_its_claim_was_taken_over_counts_no_more(many, api):
    run = begun("disable", many)
    token = runs.uuid4()
    item = runs._claim(run, token)[0]
    run.items.update(claimed_until=timezone.now() - timedelta(seconds=1))
    runs.step(run, api, seconds=60)
    before = known(item.account)
    assert not runs._settle(run, token, [(item, runs.Result(Outcome.FAILED, reason="unavailable"))], None)
    assert (known(item.account), outcomes(run)) == (before, [("done", "")] * 5)


def test_two_tabs_never_do_one_person_twice(threaded_db, many, restless, heard):
    run = begun("disable", many)

    def tab():
        api = connection.api()
        while runs.counts(run)["pending"]:
            runs.step(run, api, seconds=60)

    at_once(tab, tab)
    assert outcomes(run) == [("done", "")] * 5
    assert len(heard) == 5
    assert {*ToopherAccount.objects.values_list("generation", flat=True)} == {1}


def test_S16_the_rules_hold_for_each_person_of_a_run(many, api, make_user):
    helper = make_user("helper", is_staff=True)
    own = ToopherAccount.objects.create(user=helper, name="helper")
    many[1].user.is_superuser = True
    many[1].user.save()
    run = begun("disable", [*many[:2], own], helper)
    runs.step(run, api, helper, seconds=60)
    assert outcomes(run) == [("done", ""), ("skipped", "superuser"), ("skipped", "yourself")]


def test_several_are_asked_at_a_time_over_connections_that_are_kept(many, elsewhere):
    at_work, most = [], []

    def answer(handler):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.2)
        at_work.pop()
        body = b'{"id": "x", "name": "n", "disable_toopher_auth": true}'
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    ToopherAccount.objects.update(toopher_user_id="x")
    elsewhere.replies.extend([answer] * 5)
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60, workers=2)
    assert outcomes(run) == [("done", "")] * 5
    assert max(most) == 2
    assert (len(elsewhere.received), elsewhere.connections) == (5, 2)


@pytest.mark.parametrize("known_there", [True, False])
def test_S16_who_carries_a_run_on_lends_no_power_to_who_began_it(known_there, many, api, make_user, staff):
    helper = make_user("helper")
    many[0].user.is_superuser = True
    many[0].user.save()
    for account in many if known_there else ():
        ToopherAccount.objects.filter(pk=account.pk).update(toopher_user_id=api.create_user(account.name).id)
    run = begun("disable", many, helper)
    runs.step(run, api, staff, seconds=60)
    assert outcomes(run) == [("skipped", "superuser"), *[("done", "")] * 4]


@pytest.fixture
def familiar(many, api):
    """The same five, known to the service by their ids."""
    for account in many:
        account.toopher_user_id = api.create_user(account.name).id
        account.save()
    return many


@pytest.fixture
def calls(familiar, monkeypatch):
    """What the service is asked: method and endpoint of each call."""
    made, request = [], ToopherApi._request

    def noted(self, method, endpoint, **kwargs):
        made.append(f"{method} {endpoint}")
        return request(self, method, endpoint, **kwargs)

    monkeypatch.setattr(ToopherApi, "_request", noted)
    return made


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_one_call_switches_all_whom_it_can(
    verb, familiar, api, staff, calls, heard, django_capture_on_commit_callbacks
):
    wanted = verb == "enable"
    User.objects.update(toopher_authentication_enabled=not wanted)
    ToopherAccount.objects.update(enabled=not wanted)
    with django_capture_on_commit_callbacks(execute=True):
        run = begun(verb, familiar, staff)
        runs.step(run, api, staff, seconds=60)
    assert calls == ["POST users/switch"]
    assert outcomes(run) == [("done", "")] * 5
    assert {*User.objects.values_list("toopher_authentication_enabled", flat=True)} == {wanted}
    assert [*ToopherAccount.objects.values_list("enabled", "generation")] == [(wanted, 1)] * 5
    assert [(name, account.name) for name, account, _user, _by in heard] == [
        (f"{verb}d", account.name) for account in familiar
    ]
    assert LogEntry.objects.filter(user=staff).count() == 5


def test_whom_one_call_cannot_switch_is_asked_for_alone(familiar, api, staff, calls):
    familiar[0].user.is_superuser = True
    familiar[0].user.save()
    ToopherAccount.objects.filter(pk=familiar[1].pk).update(enabled=False)  # so it seems
    ToopherAccount.objects.filter(pk=familiar[2].pk).update(toopher_user_id="")
    User.objects.filter(name="person3").delete()
    helper, more = staff, [familiar[4], ToopherAccount.objects.create(name="more")]
    User.objects.create(requester=User.objects.first().requester, name="more")
    ToopherAccount.objects.filter(name="more").update(toopher_user_id=there("more").pk)
    helper.is_superuser = False
    run = begun("disable", [*familiar[:4], *more], helper)
    runs.step(run, api, helper, seconds=60)
    assert outcomes(run) == [("skipped", "superuser"), *[("done", "")] * 5]
    assert calls[0] == "POST users/switch"
    assert "POST users/switch" not in calls[1:]
    assert {*User.objects.exclude(name="person0").values_list("toopher_authentication_enabled", flat=True)} == {False}
    assert there("person0").toopher_authentication_enabled


@table(
    ("body", "status"),
    [
        ({"error_code": 404, "error_message": "Not found."}, 404),
        (b"", 500),
        ({"id": "x", "name": "n", "disable_toopher_auth": True}, 200),
        ([{"id": "x"}], 200),
    ],
    ids=["unknown there", "out of order", "no list", "no users"],
)
def test_a_service_without_that_call_is_asked_for_each(body, status, many, elsewhere):
    elsewhere.forget()
    elsewhere.will_answer(body, status)
    for number, account in enumerate(many):
        ToopherAccount.objects.filter(pk=account.pk).update(toopher_user_id=f"id{number}")
        elsewhere.will_answer({"id": "x", "name": "n", "disable_toopher_auth": True})
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60)
    assert outcomes(run) == [("done", "")] * 5
    assert len(elsewhere.received) == 6


def test_the_network_is_asked_without_the_database(many, elsewhere):
    """A thread would open a connection of its own, and leave it open."""
    threads = []
    ToopherAccount.objects.update(toopher_user_id="x")
    for _ in many:
        elsewhere.will_answer({"id": "x", "name": "n", "disable_toopher_auth": True})
    run = begun("disable", many)
    from django.db import connection as database

    with database.execute_wrapper(
        lambda execute, *args: (threads.append(threading.current_thread()), execute(*args))[1]
    ):
        runs.step(run, connection.api(), seconds=60)
    assert {*threads} == {threading.main_thread()}


def test_a_service_that_is_down_fails_each_and_is_told(many, elsewhere):
    for _ in many:
        elsewhere.will_answer(b"", 500)
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60)
    assert outcomes(run) == [("failed", "unavailable")] * 5
    assert runs.explain(run.items.first()).startswith("the service does not answer")


def test_a_run_outlives_who_began_it(many, make_user):
    helper = make_user("helper")
    run = begun("enable", many, helper)
    helper.delete()
    run.refresh_from_db()
    assert (run.by, run.by_name, str(run)) == (None, "helper", "Switch the second factor on")


# Accounts of many users


def test_users_get_their_accounts_in_few_statements(make_user, django_assert_max_num_queries):
    users = [make_user(f"u{number}") for number in range(20)]
    ToopherAccount.objects.for_user(users[0])
    model = type(users[0])
    with django_assert_max_num_queries(6):
        assert ToopherAccount.objects.for_users(model.objects.all()).count() == 20
    assert {account.name for account in ToopherAccount.objects.all()} == {user.username for user in users}


def test_S12_of_many_users_who_takes_over_a_name_gets_another(alice, make_user):
    ToopherAccount.objects.for_user(alice)
    alice.username = "alicia"
    alice.save()
    second = make_user("alice")
    accounts = ToopherAccount.objects.for_users(type(alice).objects.all())
    assert {(account.user, account.name) for account in accounts} == {
        (alice, "alice"),
        (second, f"alice ({second.pk})"),
    }


def test_last_use_comes_with_the_accounts(account, computer, phone):
    before = ToopherAccount.objects.with_last_use().get().used
    computer.log_in(phone)
    used = ToopherAccount.objects.with_last_use().get().used
    assert used == account.last_used
    assert used > before


def test_a_runs_verb_is_one_of_the_known():
    assert {*verbs.VERBS} == {*SupportRun.Verb.values}
