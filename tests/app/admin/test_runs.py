"""The page of a run asks first, shows how far it is, and tells what came of each."""

from __future__ import annotations

import pytest
from django.test import Client

from django_toopher.models import SupportItem, SupportRun, ToopherAccount

from .desk import act, page_of, state, told


@pytest.mark.parametrize("action", ["disable", "reset"])
def test_S16_a_page_names_the_people_and_asks_first(action, people, support):
    response = act(support, action, people["alice"], people["bob"], confirm=False)
    page = response.content.decode()
    assert "Yes, I’m sure" in page
    assert "alice" in page
    assert "bob@example.com" in page
    assert "carol" not in page
    assert (state("alice"), state("bob")) == ((True, True, 1), (True, True, 1))
    run = page_of(response)
    support.post(run, {"press": "step"})
    assert state("alice") == (True, True, 1)
    assert support.post(run, {"press": "discard"}, follow=True).status_code == 200
    assert not SupportRun.objects.exists()


@pytest.mark.parametrize("action", ["disable", "reset"])
def test_S16_a_confirmation_can_not_be_forged_from_elsewhere(action, people, support):
    run = page_of(act(support, action, people["alice"], confirm=False))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = support.client.cookies
    assert strict.post(run, {"press": "confirm"}, secure=True).status_code == 403
    assert SupportRun.objects.get().confirmed is None


def test_a_confirmed_run_is_not_discarded(people, support):
    run = page_of(act(support, "disable", people["alice"], confirm=False))
    support.post(run, {"press": "confirm"})
    response = support.post(run, {"press": "discard"}, follow=True)
    assert page_of(response) == run
    assert "Too late: it was confirmed before" in response.content.decode()
    assert SupportRun.objects.exists()


def test_many_are_done_in_steps_that_answer_in_json(people, support, make_user):
    others = [ToopherAccount.objects.for_user(make_user(f"u{number}")) for number in range(11)]
    run = page_of(act(support, "enable", *others))
    assert SupportItem.objects.filter(outcome="pending").count() == 11
    page = support.get(run).content.decode()
    assert 'max="11" value="0"' in page
    assert 'value="step"' in page
    reply = support.post(run, {"press": "step"}, headers={"Accept": "application/json"}).json()
    assert reply == {"total": 11, "pending": 0, "done": 0, "skipped": 11, "failed": 0, "settled": 11}
    assert 'value="step"' not in support.get(run).content.decode()


def test_without_scripts_a_button_does_each_step(people, support, make_user):
    others = [ToopherAccount.objects.for_user(make_user(f"u{number}")) for number in range(11)]
    run = page_of(act(support, "enable", *others))
    response = support.post(run, {"press": "step"}, follow=True)
    assert {outcome for outcome, _ in told(response).values()} == {"skipped"}
