"""Our own page asks the phone: through the API, once, without JavaScript; and looks how far it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.login import native as asking
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_replies import RefusedError
from django_toopher.service.models import AuthenticationRequest, Requester, User
from django_toopher.session.computer import Computer
from django_toopher.session.state import VERIFIED
from tests.app.acts import AUTHENTICATE, Statements, known, outcomes, reason_of
from tests.client import replies

from .page import approve, number_in, poll, state_of

pytestmark = pytest.mark.urls("tests.app.urls")


def test_a_yes_on_the_phone_logs_in(asked, phone, alice):
    assert state_of(asked.page) == "waiting"
    approve(asked, phone)
    response = asked.post(AUTHENTICATE)
    assert response["Location"] == "/members/"
    assert asked.is_logged_in()
    assert asked.client.session[VERIFIED] == str(alice.pk)
    attempt = Attempt.objects.get(kind="login")
    assert (attempt.outcome, attempt.method) == ("granted", "phone")
    assert attempt.terminal_name
    assert attempt.terminal_id == str(AuthenticationRequest.objects.get().terminal_id)


def test_what_the_site_knows_of_the_phone_stays_as_it_is(account, approved):
    before = known(account)
    approved.post(AUTHENTICATE)
    assert approved.is_logged_in()
    assert known(account) == before


def test_S26_the_phone_shows_where_the_computer_is(asked, phone):
    assert phone.pending().requests[0].address == "127.0.0.1"


def test_loading_the_page_again_after_the_yes_goes_on_too(asked, phone):
    approve(asked, phone)
    assert asked.get(AUTHENTICATE)["Location"] == "/members/"


def test_before_the_answer_the_button_leaves_everything_as_it_is(asked, phone):
    again = asked.post(AUTHENTICATE)
    assert (state_of(again), number_in(again)) == ("waiting", number_in(asked.page))
    assert not asked.is_logged_in()


def test_a_reload_asks_the_phone_nothing_new(asked, phone):
    for _ in range(3):
        assert number_in(asked.get(AUTHENTICATE)) == number_in(asked.page)
    assert len(phone.pending().requests) == 1
    assert AuthenticationRequest.objects.count() == 1


def test_two_tabs_ask_one_question(account, computer, embedded_api):
    computer.password()
    attempt = Attempt.objects.get(kind="login")
    stale = Attempt.objects.get(pk=attempt.pk)
    here = Computer("t" * 43, "Laptop")
    first = asking.ask_phone(embedded_api, attempt, here, pairs=False)
    second = asking.ask_phone(embedded_api, stale, here, pairs=False)
    assert first.number == second.number
    waiting = AuthenticationRequest.objects.filter(state=AuthenticationRequest.State.PENDING)
    assert [str(row.pk) for row in waiting] == [attempt.request_id]


def test_the_poll_tells_how_far_it_is_and_no_secret(asked, phone):
    assert poll(asked) == {"state": "waiting", "granted": False}
    approve(asked, phone)
    assert poll(asked) == {"state": "answered", "granted": True}
    assert outcomes() == [("pending", "")]  # nothing is carried out by looking


def test_a_poll_costs_two_statements_of_ours(asked):
    with Statements() as statements:
        poll(asked)
    ours = [query for query in statements.queries if "toopher_service" not in query]
    assert len(ours) <= 2


def test_who_looks_too_often_is_held_and_loses_nothing(asked, phone, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 2}  # in a second
    assert "hold" in [poll(asked)["state"] for _ in range(20)]
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 1000}
    approve(asked, phone)
    assert asked.post(AUTHENTICATE)["Location"] == "/members/"


def test_a_no_ends_the_login(asked, phone):
    phone.deny(phone.pending().requests[0])
    assert poll(asked) == {"state": "answered", "granted": False}
    response = asked.post(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert outcomes() == [("denied", "denied")]
    assert not asked.is_logged_in()


def test_an_unanswered_question_is_asked_again_on_demand_only(asked, phone):
    AuthenticationRequest.objects.update(expires=timezone.now())
    assert state_of(asked.get(AUTHENTICATE)) == "unanswered"
    assert poll(asked)["state"] == "unanswered"
    assert AuthenticationRequest.objects.count() == 1
    asked.page = asked.post(AUTHENTICATE, {"step": "ask"})
    approve(asked, phone)
    assert asked.post(AUTHENTICATE).status_code == 302


def test_a_question_that_waits_is_not_asked_again(asked):
    asked.post(AUTHENTICATE, {"step": "ask"})
    assert AuthenticationRequest.objects.count() == 1


def test_a_report_holds_the_page(asked):
    AuthenticationRequest.objects.update(expires=timezone.now())
    User.objects.update(reported_until=timezone.now() + timedelta(seconds=600))
    response = asked.post(AUTHENTICATE, {"step": "ask"})
    assert state_of(response) == "hold"
    assert b"Wait 10 min" in response.content


def test_S22_our_own_page_shows_the_number_whatever_the_sites_other_clients_do(account, computer, phone):
    Requester.objects.update(shows_number=False)
    computer.password()
    number = number_in(computer.get(AUTHENTICATE))
    [question] = phone.pending().requests
    with pytest.raises(RefusedError):
        phone.approve(question, "")
    assert phone.approve(question, number) == "granted"


def test_a_service_without_numbers_is_answered_with_a_tap(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password()
    user = replies.user(name="alice")
    asked = replies.authentication_request(pending=True, granted=False, user=user, terminal=replies.terminal(user=user))
    elsewhere.will_answer(asked)
    page = computer.get(AUTHENTICATE).content.decode()
    assert "Approve the sign-in there." in page
    assert "toopher-number" not in page


@pytest.mark.parametrize("embed", ["iframe", "redirect"])
def test_the_other_ways_take_no_buttons(embed, account, computer, settings):
    settings.TOOPHER_EMBED = embed
    computer.password()
    assert computer.post(AUTHENTICATE).status_code == 405
