"""A login page asks the phone, once more where that is wished, and takes back what is not awaited any more."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import ToopherIframe
from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.models import Frame as FrameRow
from tests.drivers import Computer, Frame
from tests.tables import table

from ..callers import ROOT, at_once
from .pages import TOKEN, authenticate_url, call


def test_the_page_asks_the_phone_as_soon_as_it_is_opened(open_frame, paired_phone, requester):
    frame = open_frame()
    assert frame.state["state"] == "waiting"
    question = frame.question(paired_phone)
    assert (question.requester, question.user, question.action) == (requester.name, "alice", "Log In")
    assert (question.terminal, question.address, question.number_length) == ("Office laptop", "127.0.0.1", 6)


def test_the_page_mentions_a_list_of_codes_to_who_has_one(open_frame, paired_phone, api):
    assert open_frame().state["listed"] is False
    api.post("users/activate_next_otp_list", user_name="alice")
    assert open_frame().state["listed"] is True


def test_S22_the_number_is_told_to_the_page_alone(open_frame, paired_phone):
    frame = open_frame()
    assert re.fullmatch(r"[0-9]{6}", frame.state["number"])
    assert frame.state["number"] == AuthenticationRequest.objects.get().number


def test_a_request_that_nobody_answered_can_be_sent_again(open_frame, paired_phone):
    frame = open_frame()
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll() == {"state": "unanswered"}
    assert frame.call("ask")["state"] == "waiting"
    assert AuthenticationRequest.objects.count() == 2
    frame.approve(paired_phone)
    assert frame.poll()["granted"] is True


def test_asking_while_the_phone_is_being_asked_changes_nothing(open_frame, paired_phone):
    frame = open_frame()
    number = frame.state["number"]
    assert frame.call("ask")["number"] == number
    assert AuthenticationRequest.objects.count() == 1


def test_S04_asking_after_the_end_does_not_ask_again(open_frame, paired_phone):
    frame = open_frame()
    frame.deny(paired_phone)
    assert frame.call("ask")["granted"] is False
    assert AuthenticationRequest.objects.count() == 1


@pytest.mark.parametrize("first", [True, False])
def test_S24_two_simultaneous_asks_make_one_waiting_request(threaded_db, open_frame, paired_phone, first):
    frame = open_frame()
    if first:
        FrameRow.objects.update(request=None)
        AuthenticationRequest.objects.all().delete()
    else:
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    states = at_once(*[lambda: call("ask", frame.token).json()] * 2)
    assert {**states[0], "now": 0} == {**states[1], "now": 0}
    assert len(paired_phone.pending().requests) == 1
    assert AuthenticationRequest.objects.waiting(timezone.now()).count() == 1


def test_S24_a_reload_of_the_page_around_takes_the_earlier_question_back(open_frame, paired_phone, iframe):
    first = open_frame()
    second = open_frame(authenticate_url(iframe))
    [question] = paired_phone.pending().requests
    assert question.id == str(FrameRow.objects.get(request__state="pending").request_id)
    assert first.poll()["state"] == "unanswered"
    second.approve(paired_phone)
    assert second.poll()["granted"] is True
    assert AuthenticationRequest.objects.filter(state="cancelled").count() == 1


@table("token", ["another login", ""])
def test_another_logins_request_is_left_alone(open_frame, paired_phone, iframe, token):
    open_frame()
    open_frame(authenticate_url(iframe, token=token))
    assert len(paired_phone.pending().requests) == 2


def test_pages_that_name_no_login_leave_each_others_requests_alone(open_frame, paired_phone, iframe):
    for _ in range(2):
        open_frame(authenticate_url(iframe, token=""))
    assert len(paired_phone.pending().requests) == 2


def test_S21_another_requesters_question_is_left_alone(open_frame, paired_phone, make_requester, pair):
    make_requester("other", "other secret")
    pair(paired_phone, at="other")
    open_frame()
    Frame.at(Computer(), authenticate_url(ToopherIframe("other", "other secret", ROOT)))
    assert len(paired_phone.pending().requests) == 2


def test_the_site_takes_back_what_a_page_of_its_login_has_asked(open_frame, api, paired_phone, iframe):
    frame = open_frame()
    other = open_frame(authenticate_url(iframe, token="another login"))
    assert api.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 1}
    assert len(paired_phone.pending().requests) == 1
    assert (frame.poll()["state"], other.poll()["state"]) == ("unanswered", "waiting")
    assert api.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 0}


def test_S21_another_site_takes_nothing_back(open_frame, paired_phone, make_requester, make_api):
    make_requester("other", "other secret")
    open_frame()
    rival = make_api("other", "other secret")
    assert rival.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 0}
    assert len(paired_phone.pending().requests) == 1
