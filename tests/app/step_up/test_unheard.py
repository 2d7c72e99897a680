"""Step-ups of people whose phone the site has not heard of: it is asked, not the password (SECURITY.md S37)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_toopher.connection import api
from django_toopher.models import ToopherAccount
from tests.app.acts import outcomes, reason_of
from tests.app.rest_urls import DONE
from tests.factories import paired, requester_of, verified

from .clients import TOKEN, approve, ask, path_of, repeat, told
from .pages import HELD, asked, both

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


@pytest.fixture
def pair_bob(bobs, phone):
    """Has another client of the service pair Bob's phone; his session was let in before."""
    return lambda: paired(requester_of(), "bob", phone)


@both
@pytest.mark.parametrize("embed", ["iframe", "redirect", "native"])
def test_S37_a_phone_that_the_site_has_not_heard_of_is_asked(embed, fields, bobs, pair_bob, calls, settings):
    settings.TOOPHER_EMBED = embed
    pair_bob()
    calls.clear()
    page = asked(bobs, "/transfer/", fields)
    assert page.way == ("iframe" if embed == "iframe" else "native")
    assert calls == ["GET users"] + ["POST authentication_requests/initiate"] * (embed != "iframe")


def test_S37_its_yes_carries_the_form_out(bobs, phone, pair_bob, seen):
    pair_bob()
    page = asked(bobs, "/transfer/", {"amount": "1"})
    assert bobs.post(page.target, page.approved(phone)).status_code == 302
    assert len(seen) == 1


def test_S37_a_client_without_a_page_is_told_to_look_at_the_phone(bobs, phone, pair_bob, seen):
    pair_bob()
    reply = ask(bobs)
    assert reply["method"] == "phone"
    approve(phone, reply["number"])
    assert repeat(bobs, reply["step_up"]).status_code == 302
    assert len(seen) == 1


def test_S37_so_is_one_with_a_token(alice, computer, phone):
    paired(requester_of(), "alice", phone)
    reply = ask(computer, "/rest/pay/", **TOKEN)
    assert reply["method"] == "phone"
    approve(phone, reply["number"])
    assert repeat(computer, reply["step_up"], "/rest/pay/", **TOKEN).status_code == 200
    assert len(DONE) == 1


@both
def test_S37_a_phone_that_comes_while_the_password_is_typed_counts(fields, bobs, pair_bob, seen, calls):
    calls.clear()
    page = asked(bobs, "/transfer/", fields)
    assert (page.way, calls) == ("password", ["GET users"])
    pair_bob()
    response = page.give_password()
    assert (response.status_code, reason_of(response), seen) == (403, "user_changed", [])
    assert calls == ["GET users"] * 2


def test_S37_a_password_given_elsewhere_is_refused_as_well(bobs, pair_bob):
    reply = ask(bobs)
    assert reply["method"] == "password"
    pair_bob()
    refused = told(bobs.post(path_of(reply["status_url"]), {"password": "password"}))
    assert refused["reason"] == "user_changed"


def test_S37_who_is_switched_off_here_but_not_at_the_service_is_asked(alices, account):
    ToopherAccount.objects.update(enabled=False)
    assert asked(alices, "/transfer/", {"amount": "1"}).way == "iframe"


def test_S37_whose_phone_is_known_is_not_looked_up(alices, calls):
    asked(alices, "/transfer/", {"amount": "1"})
    assert calls == []


# While the service is down


@pytest.fixture
def lonely(make_user, make_computer, settings):
    """The browser of somebody who needs no phone; the service does not answer, and the site lets people in then."""
    settings.TOOPHER_FAIL_OPEN = True
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    settings.TOOPHER_BASE_URL = "http://127.0.0.1:9/v1"
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    return computer


def test_S37_while_it_is_down_who_had_none_lately_confirms_by_password(lonely, seen):
    assert asked(lonely, "/transfer/", {"amount": "1"}).give_password().status_code == 302
    assert len(seen) == 1


def test_S37_while_it_is_down_nobody_else_confirms_not_even_where_it_fails_open(lonely, seen):
    page = asked(lonely, "/transfer/", {"amount": "1"})
    ToopherAccount.objects.update(found_without=timezone.now() - timedelta(days=31))
    for response in (page.give_password(), lonely.post("/transfer/", {"amount": "1"})):
        assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert ask(lonely, status=503)["reason"] == "service_down"
    assert (seen, outcomes("step_up")) == ([], [("pending", "")])
    assert HELD in page.text


def test_S37_a_verified_session_does_not_confirm_by_password_either(account, computer, settings):
    verified(computer, get_user_model().objects.get())
    ToopherAccount.objects.update(paired=False)
    assert asked(computer, "/transfer/", {"amount": "1"}).way == "iframe"
    assert api().get("users", user_name="alice")[0]["has_second_factor"]
