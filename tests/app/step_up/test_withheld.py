"""Step-ups by a one-time code: while the phone may not be asked, and instead of its yes (SECURITY.md S45)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest, Tally, User
from tests.app.acts import outcomes
from tests.drivers import attribute
from tests.service.callers import wrong_code

from .clients import ask, path_of, repeat, told
from .pages import HELD, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


@pytest.fixture(autouse=True)
def native(settings):
    settings.TOOPHER_EMBED = "native"
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 1000}  # no person is as quick as these are


@pytest.fixture
def worn_out(alices, phone):
    """Alice's browser, when her phone was asked too often."""
    for _ in range(3):
        ask(alices)
        phone.deny(phone.pending().requests[0])
    return alices


def let_the_wait_pass():
    now = timezone.now()
    AuthenticationRequest.objects.filter(withheld_until=None).update(created=now - timedelta(seconds=601))
    AuthenticationRequest.objects.exclude(withheld_until=None).update(withheld_until=now)
    Tally.objects.update(expires=now)


class Again:
    """A page of a step-up, and what is typed there."""

    def __init__(self, page):
        self.page = page

    def post(self, **fields):
        return self.page.computer.post(self.page.target, {HELD: self.page.held, **fields})


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S45_a_page_takes_the_code(worn_out, phone, seen, fields):
    page = asked(worn_out, "/transfer/", fields)
    assert (page.way, "toopher_code" in page.text, "toopher-number" in page.text) == ("native", True, False)
    assert "10 min" in page.text
    assert phone.pending().requests == ()
    done = Again(page).post(toopher_code=phone.code())
    if fields is None:
        assert worn_out.get(done["Location"]).status_code == 200
    assert len(seen) == 1
    assert Attempt.objects.latest("created").method == "code"


def test_S45_a_page_takes_the_code_while_the_phone_waits_too(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    assert "toopher-number" in page.text
    again = Again(page).post(toopher_code=wrong_code(phone))
    assert "That code is not right" in again.content.decode()
    assert seen == []
    Again(page).post(toopher_code=phone.code())
    assert len(seen) == 1


def test_S45_a_blank_code_is_none(worn_out, phone, seen, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 1000}  # three forms in a second
    page = asked(worn_out, "/transfer/", {"amount": "1"})
    for fields in ({}, {"toopher_code": ""}, {"toopher_code": " "}):
        assert "toopher_code" in Again(page).post(**fields).content.decode()
    assert seen == []
    assert outcomes("step_up")[-1] == ("pending", "")


def test_S23_the_third_wrong_code_denies(worn_out, phone, seen):
    page = asked(worn_out, "/transfer/", {"amount": "1"})
    for _ in range(3):
        response = Again(page).post(toopher_code=wrong_code(phone))
    assert response.status_code == 403
    assert Again(page).post(toopher_code=phone.code()).status_code == 403
    assert seen == []


def test_S45_codes_that_have_to_wait_leave_the_step_up_waiting(worn_out, phone, seen):
    page = asked(worn_out, "/transfer/", {"amount": "1"})
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert "No code is taken now" in Again(page).post(toopher_code=phone.code()).content.decode()
    User.objects.update(failures=0, blocked_until=None)
    Again(page).post(toopher_code=phone.code())
    assert len(seen) == 1


def test_S45_the_page_has_the_phone_asked_when_the_wait_is_over(worn_out, phone, seen):
    page = asked(worn_out, "/transfer/", {"amount": "1"})
    Again(page).post(toopher_again="1")
    assert phone.pending().requests == ()
    let_the_wait_pass()
    again = Again(page).post(toopher_again="1").content.decode()
    number = again.partition('id="toopher_number">')[2][:7].replace(" ", "")
    phone.approve(phone.pending().requests[0], number)
    Again(page).post()
    assert len(seen) == 1


def test_S45_a_client_without_a_page_is_told_and_sends_the_code(worn_out, phone, seen):
    reply = ask(worn_out)
    assert (reply["method"], reply["number"]) == ("code", "")
    assert 500 < reply["wait"] <= 601
    status = path_of(reply["status_url"])
    now = worn_out.get(status).json()
    assert (now["state"], now["method"]) == ("pending", "code")
    assert 500 < now["wait"] <= 601
    assert told(worn_out.post(status, {"code": wrong_code(phone)}))["reason"] == "wrong_code"
    assert worn_out.post(status, {"code": phone.code()}).json()["state"] == "granted"
    assert repeat(worn_out, reply["step_up"]).status_code == 302
    assert len(seen) == 1


def test_S45_a_client_may_send_the_code_while_the_phone_waits(alices, phone, seen):
    reply = ask(alices)
    status = path_of(reply["status_url"])
    assert alices.post(status, {"code": phone.code()}).json()["state"] == "granted"
    assert repeat(alices, reply["step_up"]).status_code == 302


def test_S45_a_client_is_told_when_codes_have_to_wait(worn_out, phone):
    status = path_of(ask(worn_out)["status_url"])
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert told(worn_out.post(status, {"code": phone.code()}), 429)["reason"] == "too_many_codes"
    assert worn_out.get(status).json()["state"] == "pending"


def test_S13_a_code_is_no_password(worn_out, phone, seen):
    reply = ask(worn_out)
    status = path_of(reply["status_url"])
    assert told(worn_out.post(status, {"password": "password"}))["reason"] == "user_changed"
    assert told(repeat(worn_out, reply["step_up"]))["reason"] == "user_changed"


def test_S45_the_page_for_somebody_elses_client_takes_the_code(worn_out, make_computer, phone, seen):
    reply = ask(worn_out)
    browser, path = make_computer(), path_of(reply["authenticate_url"])
    page = browser.get(path).content.decode()
    assert attribute(page, "data-step-up") == "native"
    assert "toopher_code" in page
    assert "That code is not right" in browser.post(path, {"toopher_code": wrong_code(phone)}).content.decode()
    assert "Confirmed" in browser.post(path, {"toopher_code": phone.code()}).content.decode()
    assert repeat(worn_out, reply["step_up"]).status_code == 302


def test_S45_that_page_has_the_phone_asked_when_the_wait_is_over(worn_out, make_computer, phone):
    reply = ask(worn_out)
    browser, path = make_computer(), path_of(reply["authenticate_url"])
    browser.post(path, {"toopher_again": "1"})
    assert phone.pending().requests == ()
    let_the_wait_pass()
    assert 'id="toopher_number"' in browser.post(path, {"toopher_again": "1"}).content.decode()
    assert len(phone.pending().requests) == 1


def test_S45_after_a_report_a_step_up_fails(alices, phone, seen):
    User.objects.update(reported_until=timezone.now() + timedelta(hours=1))
    assert ask(alices, status=429)["reason"] == "too_many_questions"
    assert outcomes("step_up") == [("failed", "too_many_questions")]


def test_a_step_up_that_nothing_is_posted_to_stays_as_it_is(alices, make_computer, phone):
    """Where our script sends the form of a page that waits for a phone."""
    reply = ask(alices)
    assert make_computer().post(path_of(reply["authenticate_url"])).status_code == 200
    assert outcomes("step_up")[-1] == ("pending", "")
