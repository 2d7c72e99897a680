"""More time to answer: at the page and on the phone, for as long as the question waits (SECURITY.md S22 to S25)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service.codes import lists
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.errors import GoneError
from django_toopher.service.models import AuthenticationRequest, Tally, User
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.phones import push
from django_toopher.service.requests import asking
from tests.drivers import Computer, Frame
from tests.tables import table

from ..callers import RawPhone, at_once

TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


@pytest.fixture
def open_page(iframe):
    """Opens a login page."""

    def make(user="alice", token="token"):
        return Frame.at(Computer(), iframe.get_auth_iframe_url(user, "", token, **TERMINAL))

    return make


@pytest.fixture
def paired(pair, raw_phone):
    """Alice's phone (by hand)."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def page(open_page, paired):
    """A login page that waits for alice's phone."""
    page = open_page()
    assert page.state["state"] == "waiting"
    return page


def let_pass(seconds):
    """All that waits was asked so many seconds earlier."""
    earlier = timedelta(seconds=seconds)
    AuthenticationRequest.objects.update(created=F("created") - earlier, expires=F("expires") - earlier)
    FrameRow.objects.update(created=F("created") - earlier, expires=F("expires") - earlier)


def time_left():
    return (AuthenticationRequest.objects.get().expires - timezone.now()).total_seconds()


def prolong_until_the_end():
    """As somebody does who asks for more time in the last seconds each time."""
    for _ in range(10):
        asking.extend(AuthenticationRequest.objects.get())
        let_pass(time_left() - 10)


def row():
    return AuthenticationRequest.objects.values().get()


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
    latest = end - asking.HAND_OVER
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


# Of what waits only


@pytest.fixture
def ended(api, page, paired):
    """Ends the question."""

    def make(how):
        asked = AuthenticationRequest.objects.get()
        if how == "expired":
            let_pass(121)
        elif how == "cancelled":
            asking.cancel(asked)
        elif how == "disabled":
            api.disable_user("alice")
        elif how == "reset":
            api.reset_user("alice")
        else:
            paired.answer(paired.question(), asked.number, how)

    return make


ENDS = ["expired", "cancelled", "disabled", "reset", "allow", "deny"]


@table("how", ENDS)
def test_S25_what_is_over_is_not_prolonged(page, ended, how):
    ended(how)
    before = row()
    assert (page.call("extend")["error_code"], page.state["reason"]) == (409, "gone")
    assert row() == before


@table("how", ENDS)
def test_S25_what_ends_between_look_and_wish_is_not_prolonged(page, ended, how):
    """The UPDATE asks again, whatever was read before it."""
    asked = AuthenticationRequest.objects.select_related("user").get()
    ended(how)
    before = row()
    with pytest.raises(GoneError):
        asking.extend(asked)
    assert row() == before


def test_a_page_that_asks_nothing_has_nothing_to_prolong(open_page, requester):
    page = open_page()
    assert page.state["state"] == "pairing"
    assert page.call("extend")["reason"] == "gone"


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_S25_an_answer_at_the_same_moment_stays_an_answer(threaded_db, open_page, paired, settings, decision):
    settings.TOOPHER_SERVICE_UNANSWERED_LIMIT = 6  # all five may be denied
    for n in range(5):
        page = open_page(token=f"token {n}")
        question = paired.question()
        answered, first, second = at_once(
            lambda page=page, question=question: paired.answer(question, page.state["number"], decision),
            lambda page=page: page.call("extend"),
            lambda question=question: paired.call("extend", request=question["id"]).status_code,
        )
        assert answered.status_code == 200
        assert first.get("reason", "none") in {"none", "gone"}
        assert second in {200, 409}
        asked = AuthenticationRequest.objects.get(pk=question["id"])
        assert asked.state == {"allow": "granted", "deny": "denied"}[decision]
        assert asked.answered
        assert page.poll()["state"] == "finished"


# On the phone


def test_a_phone_prolongs_what_it_may_answer(page, paired):
    let_pass(100)
    question = paired.question()
    response = paired.call("extend", request=question["id"])
    told = response.json()
    assert response.status_code == 200
    assert told.keys() == {"expires", "now"}
    assert abs(told["expires"] - told["now"] - 120) <= 1
    assert paired.question() == {**question, "expires": told["expires"]}


def test_phone_and_page_see_the_same_time(page, paired):
    let_pass(100)
    page.call("extend")
    assert [paired.question()[name] for name in ("expires", "latest")] == [page.state["expires"], page.state["latest"]]
    let_pass(100)
    told = paired.call("extend", request=paired.question()["id"]).json()
    assert page.poll()["expires"] == told["expires"]


def test_a_phone_that_gains_nothing_is_told_the_time_that_there_is(page, paired):
    prolong_until_the_end()
    question = paired.question()
    assert question["latest"] == question["expires"]
    assert paired.call("extend", request=question["id"]).json()["expires"] == question["expires"]


@table("whose", [None, "bob"])
def test_S21_another_phone_prolongs_nothing(page, paired, pair, whose, make_raw_phone):
    let_pass(100)
    other = make_raw_phone("Other")
    if whose:
        pair(other, whose)
    before = row()
    response = other.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert row() == before


def test_S26_another_key_in_the_phones_name_prolongs_nothing(page, paired):
    let_pass(100)
    before = row()
    response = RawPhone(id=paired.id).call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (401, "bad_signature")
    assert row() == before


def test_S25_a_phone_that_was_removed_prolongs_nothing(page, paired, pair, make_raw_phone):
    pair(make_raw_phone("Second"))
    let_pass(100)
    before = row()
    paired.call("remove", pairing=paired.call("pairings").json()["pairings"][0]["id"])
    response = paired.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert row() == before


@table("how", ["expired", "cancelled", "disabled", "allow", "deny"])
def test_S25_a_phone_prolongs_nothing_that_is_over(page, paired, ended, how):
    ended(how)
    before = row()
    response = paired.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert row() == before


@table("wrong", [None, "", "x", 7, True, [], "\ud800", "00000000-0000-4000-8000-000000000000"])
def test_S35_what_is_no_request_is_refused(page, paired, wrong):
    response = paired.call("extend", request=wrong)
    assert response.status_code in {400, 404}
    assert response.json()["error_message"]


def test_the_terminal_program_takes_more_time(page, phone, pair):
    pair(phone)
    let_pass(100)
    [question] = phone.pending().requests
    assert question.latest > question.expires
    expires = phone.extend(question)
    assert expires == phone.pending().requests[0].expires > question.expires
    phone.approve(question, page.state["number"])
    with pytest.raises(RefusedError) as refused:
        phone.extend(question)
    assert refused.value.reason == "gone"


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
    with pytest.raises(RateLimitError):
        api.authenticate("alice", "secret-1", terminal_name="PC")


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
