"""The pages that ask: kept by no cache, and the same without an iframe."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest
from django_toopher.session.computer import ASKED_COOKIE
from tests.app.acts import outcomes, reason_of
from tests.drivers import attribute

from ..ways import client_of_json, form_in_iframe, form_on_our_page
from .pages import HELD, Page, asked, both

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_the_page_is_kept_by_no_cache(alices):
    response = alices.get("/transfer/")
    assert "no-store" in response["Cache-Control"]


@pytest.fixture
def native(settings):
    settings.TOOPHER_EMBED = "native"


@pytest.mark.parametrize("embed", ["native", "redirect"])
def test_without_an_iframe_our_own_page_shows_the_number(embed, alices, phone, seen, settings):
    settings.TOOPHER_EMBED = embed
    page = asked(alices, "/pay/Bob/", {"amount": "1"})
    assert (page.way, seen) == ("native", [])
    number = page.text.partition('id="toopher_number">')[2].partition("<")[0]
    again = Page(alices, alices.post(page.target, {HELD: page.held}))  # too early
    assert number in again.text
    phone.approve(phone.pending().requests[0], number.replace(" ", ""))
    assert alices.get(attribute(again.text, "data-poll")).json()["state"] == "granted"
    assert alices.post(again.target, {HELD: again.held}).content == b"paid Bob"
    assert reason_of(alices.post(page.target, {HELD: page.held})) == "expired"
    assert len(seen) == 1
    assert Attempt.objects.get(kind="step_up").method == "phone"


def test_the_phone_is_asked_from_the_computer_whose_cookie_the_page_sets(alices, native, phone):
    assert ASKED_COOKIE not in alices.client.cookies
    asked(alices, "/pay/Bob/", {"amount": "1"})
    assert AuthenticationRequest.objects.get().terminal.extra == alices.client.cookies[ASKED_COOKIE].value


def test_a_no_carries_nothing_out_without_an_iframe_either(alices, native, phone, seen):
    page = asked(alices, "/pay/Bob/", {"amount": "1"})
    phone.deny(phone.pending().requests[0])
    assert reason_of(alices.post(page.target, {HELD: page.held})) == "denied"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_a_page_is_confirmed_without_an_iframe_too(alices, native, phone, seen):
    page = asked(alices, "/secret/")
    number = page.text.partition('id="toopher_number">')[2].partition("<")[0]
    phone.approve(phone.pending().requests[0], number.replace(" ", ""))
    assert alices.post(page.target, {HELD: page.held})["Location"] == "/secret/"
    assert alices.get("/secret/").content == b"secret"


@both
def test_S15_nothing_is_carried_out_while_the_service_is_down(fields, alices, request, settings, seen):
    settings.TOOPHER_FAIL_OPEN = True  # which is for logins
    request.getfixturevalue("elsewhere").will_send()  # hangs up
    response = alices.get("/transfer/") if fields is None else alices.post("/transfer/", fields)
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert seen == []


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S46_who_confirms_is_known_at_the_computer_afterwards(embed, alices, phone, settings):
    settings.TOOPHER_EMBED = embed
    way = form_in_iframe if embed == "iframe" else form_on_our_page
    assert way(alices, phone, settings)()["Location"] == "/members/"
    first = AuthenticationRequest.objects.get().terminal
    del alices.client.cookies["sessionid"]
    alices.password()
    if embed == "iframe":
        alices.open_iframe()
    else:
        alices.get("/accounts/authenticate/")
    assert AuthenticationRequest.objects.latest("created").terminal == first


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S46_a_planted_id_confirms_nothing(embed, alices, phone, settings):
    settings.TOOPHER_EMBED = embed
    alices.client.cookies["toopher_terminal"] = alices.client.cookies["toopher_asked"] = "x" * 43
    way = form_in_iframe if embed == "iframe" else form_on_our_page
    way(alices, phone, settings)()
    assert AuthenticationRequest.objects.get().terminal.extra != "x" * 43


def test_S46_a_client_without_a_page_is_told_no_planted_id(alices, phone, settings):
    alices.client.cookies["toopher_terminal"] = alices.client.cookies["toopher_asked"] = "x" * 43
    client_of_json(alices, phone, settings)()
    assert AuthenticationRequest.objects.get().terminal.extra != "x" * 43
