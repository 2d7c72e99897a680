"""Requests that nobody says yes to (SECURITY.md S24)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest, Authenticator, Tally
from django_toopher.service.requests import answering

from ..callers import at_once
from .acts import begin, said


def end(how, phone):
    """A question that ends without a yes."""
    asked = begin()
    if how == "denied":
        answering.answer(asked.pk, Authenticator.objects.get(pk=phone.id), said(asked))
    elif how == "unanswered":
        AuthenticationRequest.objects.filter(pk=asked.pk).update(expires=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("how", ["denied", "unanswered"])
def test_S24_after_three_without_a_yes_the_user_is_asked_nothing_new(ask, paired, how):
    for _ in range(3):
        end(how, paired)
    refused = ask()
    assert (refused.pending, refused.granted, refused.reason_code) == (False, False, 105)
    assert 500 < refused.retry_after <= 601
    assert "too often" in refused.reason
    assert paired.pending().requests == ()


def test_S24_a_yes_starts_anew(ask, paired):
    for _ in range(2):
        end("denied", paired)
    asked = ask()
    paired.approve(paired.pending().requests[0], asked.number)
    for _ in range(2):
        end("denied", paired)
    assert ask().pending


def test_S24_after_the_period_the_user_is_asked_again(ask, paired):
    for _ in range(3):
        end("denied", paired)
    AuthenticationRequest.objects.update(created=timezone.now() - timedelta(seconds=601))
    assert ask().pending


def test_S24_questions_that_are_taken_back_count(ask):
    for _ in range(10):
        assert answering.cancel(begin())
    refused = ask()
    assert (refused.pending, refused.reason_code) == (False, 105)
    assert 500 < refused.retry_after <= 601
    Tally.objects.update(expires=timezone.now())
    assert ask().pending


def test_S24_of_fifty_questions_at_once_ten_are_asked(threaded_db, make_api, ask, pair, paired):
    def call():
        return make_api().authenticate("alice", "secret-1", "Log In", terminal_name="PC").pending

    make_api().create_user_terminal("alice", "PC", "secret-1")
    outcomes = at_once(*[call] * 50)
    assert outcomes.count(True) == 10 == AuthenticationRequest.objects.filter(withheld_until=None).count()


def test_a_sites_own_limit_counts_all_its_users(api, ask, requester, pair, make_phone):
    pair(make_phone(), "bob")
    requester.question_limit = 2
    requester.save()
    ask()
    ask("bob")
    told = ask("bob")
    assert (told.pending, told.granted, told.reason_code) == (False, False, 107)
    assert 500 < told.retry_after <= 601


def test_a_limit_of_none_at_all_stops_a_site(ask, requester, paired):
    requester.question_limit = 0
    requester.save()
    assert ask().reason_code == 107
    assert paired.pending().requests == ()


def test_S24_another_user_is_not_held_up(ask, pair, paired):
    pair(paired, "bob")
    for _ in range(3):
        end("denied", paired)
    assert ask("bob").pending


def test_S24_the_page_says_that_it_has_to_wait_and_can_ask_later(open_page, ask, paired):
    for _ in range(3):
        end("denied", paired)
    page = open_page()
    assert page.state["state"] == "withheld"
    assert 500 < page.state["wait"] <= 601
    assert page.call("ask")["state"] == "withheld"
    assert AuthenticationRequest.objects.count() == 4
    let_the_wait_pass()
    assert page.call("ask")["state"] == "waiting"
    assert len(paired.pending().requests) == 1


def let_the_wait_pass():
    now = timezone.now()
    AuthenticationRequest.objects.update(created=now - timedelta(seconds=601))
    AuthenticationRequest.objects.exclude(withheld_until=None).update(withheld_until=now)
