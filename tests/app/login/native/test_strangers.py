"""Our own page lets in nobody but who has asked: by that very answer, once, and unchanged since the password."""

from __future__ import annotations

import pytest
from django.test import Client

from django_toopher.models import Attempt
from tests.app.acts import AUTHENTICATE, POSTBACK, reason_of
from tests.factories import account_with
from tests.tables import table

from .page import QR, STATE, approve, poll

pytestmark = pytest.mark.urls("tests.app.urls")


def test_S01_a_postback_without_a_signature_lets_nobody_in_here_either(asked):
    assert asked.post(POSTBACK, {"granted": "true"}).status_code == 403
    assert not asked.is_logged_in()


def test_the_buttons_need_a_csrf_token(asked):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = asked.client.cookies
    assert strict.post(AUTHENTICATE, secure=True).status_code == 403


def test_S03_S17_nobody_looks_at_anothers_attempt(asked, make_computer, make_user):
    stranger = make_computer()
    for path in (STATE, QR):
        assert stranger.get(path).status_code in {403, 404}
    make_user("bob")
    stranger.password("bob")
    assert poll(stranger) == {"state": "over", "reason": "nothing_pending"}


def test_S05_a_yes_to_another_question_does_not_count(asked, phone, embedded_api):
    approve(asked, phone)
    other = embedded_api.authenticate("alice", "terminal", "Pay", terminal_name="Laptop")
    Attempt.objects.filter(kind="login").update(request_id=other.id)
    phone.approve(phone.pending().requests[0], other.number)
    assert reason_of(asked.post(AUTHENTICATE)) == "invalid_postback"
    assert not asked.is_logged_in()


def test_S06_a_yes_of_another_user_does_not_count(asked, make_user, make_phone, embedded_api):
    bobs = make_phone()
    account_with(bobs, make_user("bob"))
    other = embedded_api.authenticate("bob", "terminal", "Log In", terminal_name="Laptop")
    bobs.approve(bobs.pending().requests[0], other.number)
    Attempt.objects.filter(kind="login").update(request_id=other.id)
    assert reason_of(asked.post(AUTHENTICATE)) == "user_changed"
    assert not asked.is_logged_in()


@table("change", [{"is_active": False}, {"password": "x"}, {"username": "alicia"}], ids=str)
def test_S07_a_user_who_was_changed_meanwhile_is_refused(change, approved, alice):
    computer = approved.twin()
    type(alice).objects.update(**change)
    assert reason_of(computer.post(AUTHENTICATE)) == "user_changed"
    assert not computer.is_logged_in()


def test_S04_an_answer_logs_in_once(asked, phone, make_computer):
    approve(asked, phone)
    thief = make_computer()
    thief.client.cookies = type(asked.client.cookies)(asked.client.cookies.output(header="", sep=";"))
    assert asked.post(AUTHENTICATE).status_code == 302
    Attempt.objects.update(outcome="granted")
    assert thief.post(AUTHENTICATE).status_code in {302, 303, 403}
    assert not thief.is_logged_in()


def test_S09_the_key_changes_with_the_login(asked, phone):
    before = asked.client.cookies["sessionid"].value
    approve(asked, phone)
    asked.post(AUTHENTICATE)
    assert asked.client.cookies["sessionid"].value != before


def test_S46_each_page_has_a_key_of_its_own_and_what_an_earlier_one_loads_leaves_the_browser_it(asked):
    earlier = asked.twin()
    asked.get(AUTHENTICATE)
    for path in (STATE, QR, AUTHENTICATE):
        assert "sessionid" not in earlier.get(path).cookies, path
    assert earlier.get(AUTHENTICATE).status_code == 302
    assert poll(asked)["state"] == "waiting"
