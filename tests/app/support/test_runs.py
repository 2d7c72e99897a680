"""A verb for many people: each once, in steps that can stop anywhere, and one failure stops nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from django_toopher import connection
from django_toopher.models import SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import runs, verbs
from tests.service.callers import at_once

from ..acts import known
from .desk import begun, outcomes

Outcome = SupportItem.Outcome


def test_a_runs_verb_is_one_of_the_known():
    assert {*verbs.VERBS} == {*SupportRun.Verb.values}


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


def test_a_service_that_is_down_fails_each_and_is_told(many, elsewhere):
    for _ in many:
        elsewhere.will_answer(b"", 500)
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60)
    assert outcomes(run) == [("failed", "unavailable")] * 5
    assert runs.explain(run.items.first()).startswith("the service does not answer")


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


def test_S16_the_rules_hold_for_each_person_of_a_run(many, api, helper):
    own = ToopherAccount.objects.create(user=helper, name="helper")
    many[1].user.is_superuser = True
    many[1].user.save()
    run = begun("disable", [*many[:2], own], helper)
    runs.step(run, api, helper, seconds=60)
    assert outcomes(run) == [("done", ""), ("skipped", "superuser"), ("skipped", "yourself")]


@pytest.mark.parametrize("known_there", [True, False])
def test_S16_who_carries_a_run_on_lends_no_power_to_who_began_it(known_there, many, api, helper, staff):
    many[0].user.is_superuser = True
    many[0].user.save()
    for account in many if known_there else ():
        ToopherAccount.objects.filter(pk=account.pk).update(toopher_user_id=api.create_user(account.name).id)
    run = begun("disable", many, helper)
    runs.step(run, api, staff, seconds=60)
    assert outcomes(run) == [("skipped", "superuser"), *[("done", "")] * 4]


def test_S44_ranks_are_read_anew_while_a_run_goes_on(many, api, helper):
    run = begun("disable", many, helper)
    assert runs.step(run, api, helper, seconds=0) == 1
    type(helper).objects.filter(pk=many[1].user.pk).update(is_superuser=True)
    assert runs.step(run, api, helper, seconds=60) == 4
    assert outcomes(run) == [("done", ""), ("skipped", "superuser"), *[("done", "")] * 3]


@pytest.mark.parametrize("who", ["staff", "helper"])
@pytest.mark.parametrize("news", [{"is_superuser": False}, {"is_active": False}])
def test_S44_neither_who_began_a_run_nor_who_carries_it_on_may_have_lost_what_it_takes(
    who, news, many, api, staff, helper, make_user
):
    boss = make_user("boss", is_superuser=True)
    changed = {"staff": staff, "helper": helper}[who]
    helper.user_permissions.clear()
    type(helper).objects.filter(pk=helper.pk).update(is_superuser=True)
    run = begun("disable", many, changed)
    assert runs.step(run, api, boss, seconds=0) == 1
    type(changed).objects.filter(pk=changed.pk).update(**news)
    assert runs.step(run, api, boss, seconds=60) == 4
    assert outcomes(run) == [("done", ""), *[("skipped", "not_allowed")] * 4]
    assert not LogEntry.objects.exclude(user=boss).exists()


def test_S44_the_deleted_who_began_a_run_have_no_rank(many, api, staff, helper):
    many[0].user.is_superuser = True
    many[0].user.save()
    run = begun("disable", many, helper)
    type(helper).objects.filter(pk=helper.pk).delete()
    for each in (run, SupportRun.objects.get(pk=run.pk)):  # as read before, and after
        runs.step(each, api, staff, seconds=60)
    assert outcomes(run) == [("skipped", "beginner_gone"), *[("done", "")] * 4]


def test_a_run_outlives_who_began_it(many, make_user):
    helper = make_user("helper")
    run = begun("enable", many, helper)
    helper.delete()
    run.refresh_from_db()
    assert (run.by, run.by_name, str(run)) == (None, "helper", "Switch the second factor on")
