"""How long a request can be prolonged (SECURITY.md S22, WCAG 2.2.1)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.codes import lists
from django_toopher.service.models import AuthenticationRequest, Tally, User
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.phones import push
from django_toopher.service.requests import waiting

from .acts import let_pass, prolong_until_the_end, row, time_left

# How long


def test_a_page_tells_until_when_it_can_wait(page):
    asked = AuthenticationRequest.objects.get()
    assert abs(page.state["now"] - time.time()) < 10
    assert page.state["expires"] == int(asked.expires.timestamp())
    assert 0 <= page.state["latest"] - page.state["now"] <= 600


def test_prolonged_it_waits_as_long_as_a_new_one(page):
    let_pass(100)
    before = row()
    state = page.call("extend")
    assert state["state"] == "waiting"
    assert abs(state["expires"] - state["now"] - 120) <= 1
    assert 118 < time_left() <= 120
    assert {**row(), "expires": None} == {**before, "expires": None}
    assert page.poll()["expires"] == state["expires"]


def test_S22_no_question_waits_longer_than_ten_minutes(page):
    FrameRow.objects.update(expires=timezone.now() + timedelta(hours=1))
    prolong_until_the_end()
    asked = AuthenticationRequest.objects.get()
    assert asked.expires - asked.created == timedelta(minutes=10)


def test_S31_no_question_waits_longer_than_its_page_works(page):
    let_pass(100)
    end = timezone.now() + timedelta(seconds=100)
    FrameRow.objects.update(expires=end)
    latest = end - waiting.HAND_OVER
    assert page.poll()["latest"] == int(latest.timestamp())
    page.call("extend")
    assert page.state["expires"] == page.state["latest"]
    assert AuthenticationRequest.objects.get().expires == latest


def test_a_question_of_no_page_waits_ten_minutes_at_the_most(api, paired):
    api.authenticate("alice", "secret-1", terminal_name="PC")
    prolong_until_the_end()
    asked = AuthenticationRequest.objects.get()
    assert asked.expires - asked.created == timedelta(minutes=10)


def test_where_there_is_no_more_time_nothing_changes_and_nothing_fails(page):
    prolong_until_the_end()
    before = row()
    for _ in range(2):
        state = page.call("extend")
        assert (state["state"], state["expires"]) == ("waiting", state["latest"])
    assert row() == before


def test_more_time_is_never_less(settings, page):
    settings.TOOPHER_SERVICE_REQUEST_AGE = 30
    before = row()
    assert page.call("extend")["state"] == "waiting"
    assert row() == before


def test_a_site_may_have_ten_minutes_from_the_start(settings, open_page, paired):
    settings.TOOPHER_SERVICE_REQUEST_AGE = 600
    state = open_page().state
    assert state["latest"] - state["expires"] <= 0


def test_a_code_from_the_list_can_be_typed_later_too(open_page, requester):
    lists.activate(User.objects.create(requester=requester, name="alice"))
    page = open_page()
    assert page.state["state"] == "code"
    let_pass(100)
    state = page.call("extend")
    assert state["state"] == "code"
    assert abs(state["expires"] - state["now"] - 120) <= 1


# What it is not


def test_S22_the_number_stays_the_same(page, paired):
    number = page.state["number"]
    let_pass(100)
    assert page.call("extend")["number"] == number
    assert paired.answer(paired.question(), number).json()["state"] == "granted"


def test_S23_more_time_is_no_more_tries(page, paired):
    wrong = f"{(int(page.state['number']) + 1) % 10**6:06}"
    left = []
    for _ in range(3):
        left.append(paired.answer(paired.question(), wrong).json()["attempts_left"])
        let_pass(30)
        page.call("extend")
    assert left == [2, 1, 0]
    assert (row()["state"], row()["failures"], User.objects.get().failures) == ("denied", 3, 3)


def test_S24_questions_that_were_prolonged_count_as_unanswered(api, paired):
    """As soon as they would have without that, so that no more are asked than before."""
    for _ in range(3):
        asked = api.authenticate("alice", "secret-1", terminal_name="PC")
        assert paired.call("extend", request=asked.id).status_code == 200
    let_pass(60)
    for question in paired.call("pending").json()["requests"]:
        assert paired.call("extend", request=question["id"]).status_code == 200
    let_pass(60)
    assert len(paired.call("pending").json()["requests"]) == 3
    assert api.authenticate("alice", "secret-1", terminal_name="PC").reason_code == 105


def test_S24_more_time_leaves_the_counts_alone(page, paired):
    tallies = [*Tally.objects.values()]
    let_pass(100)
    page.call("extend")
    paired.call("extend", request=paired.question()["id"])
    assert [*Tally.objects.values()] == tallies
    assert AuthenticationRequest.objects.count() == 1


def test_S24_nobody_is_woken_up_again(page, monkeypatch):
    monkeypatch.setattr(push, "wake", lambda *told: pytest.fail(f"woken up: {told}"))
    let_pass(100)
    assert page.call("extend")["state"] == "waiting"
