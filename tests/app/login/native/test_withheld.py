"""Our own page while the phone may not be asked: a one-time code signs in (SECURITY.md S45)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest, Tally, User
from django_toopher.service.phones import push
from tests.app.acts import AUTHENTICATE, outcomes, reason_of
from tests.service.callers import wrong_code
from tests.tables import table

from .page import RECOVER, poll, state_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture
def withheld(account, computer, phone, make_computer, monkeypatch):
    """Alice's computer after the password, while a stranger who knows it has had her phone asked too often."""
    for _ in range(3):
        stranger = make_computer()
        stranger.password()
        stranger.get(AUTHENTICATE)
        phone.deny(phone.pending().requests[0])
    monkeypatch.setattr(push, "wake", lambda *args: pytest.fail("the phone was woken"))
    computer.password(next_url="/members/")
    computer.page = computer.get(AUTHENTICATE)
    return computer


def let_the_wait_pass():
    now = timezone.now()
    AuthenticationRequest.objects.filter(withheld_until=None).update(created=now - timedelta(seconds=601))
    AuthenticationRequest.objects.exclude(withheld_until=None).update(withheld_until=now)
    Tally.objects.update(expires=now)


def code(computer, text):
    return computer.post(AUTHENTICATE, {"step": "code", "code": text})


def test_S45_the_phones_code_signs_in(withheld, phone):
    assert state_of(withheld.page) == "code"
    page = withheld.page.content.decode()
    assert "10 min" in page
    assert "toopher-number" not in page
    assert phone.pending().requests == ()
    assert code(withheld, phone.code())["Location"] == "/members/"
    assert withheld.is_logged_in()
    assert Attempt.objects.latest("created").method == "code"


def test_S45_a_wrong_code_is_told_and_another_may_be_typed(withheld, phone):
    response = code(withheld, wrong_code(phone))
    assert state_of(response) == "code"
    assert "That code is not right" in response.content.decode()
    assert code(withheld, phone.code()).status_code == 302


def test_S23_the_third_wrong_code_denies(withheld, phone):
    for _ in range(2):
        code(withheld, wrong_code(phone))
    assert reason_of(code(withheld, wrong_code(phone))) == "denied"
    assert not withheld.is_logged_in()


def test_S45_the_poll_tells_that_it_waits_and_asks_nobody(withheld, phone):
    assert poll(withheld) == {"state": "code", "granted": False}
    let_the_wait_pass()
    assert poll(withheld) == {"state": "code", "granted": False}
    assert state_of(withheld.get(AUTHENTICATE)) == "code"
    assert phone.pending().requests == ()


def test_S45_before_the_wait_is_over_the_button_asks_nobody(withheld, phone):
    assert state_of(withheld.post(AUTHENTICATE, {"step": "ask"})) == "code"
    assert AuthenticationRequest.objects.count() == 4


def test_S45_after_the_wait_the_person_has_the_phone_asked(withheld, phone, monkeypatch):
    let_the_wait_pass()
    assert "Until the phone can be asked again" not in withheld.get(AUTHENTICATE).content.decode()
    monkeypatch.undo()
    response = withheld.post(AUTHENTICATE, {"step": "ask"})
    assert state_of(response) == "waiting"
    [question] = phone.pending().requests
    assert question.id == Attempt.objects.latest("created").request_id
    given_back = AuthenticationRequest.objects.exclude(withheld_until=None).get()
    assert given_back.state == "cancelled"


def test_S45_a_code_that_does_not_come_in_time_can_be_typed_later(withheld, phone):
    AuthenticationRequest.objects.update(expires=timezone.now())
    assert poll(withheld)["state"] == "late"
    assert state_of(withheld.get(AUTHENTICATE)) == "late"
    assert state_of(withheld.post(AUTHENTICATE, {"step": "ask"})) == "code"
    assert code(withheld, phone.code()).status_code == 302


def test_S45_codes_that_have_to_wait_leave_the_page_as_it_is(withheld, phone):
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=90))
    response = code(withheld, phone.code())
    assert state_of(response) == "code"
    assert "No code is taken now. Wait 2 minutes" in response.content.decode()
    assert outcomes()[-1] == ("pending", "")
    User.objects.update(failures=0, blocked_until=None)
    assert code(withheld, phone.code()).status_code == 302


def test_S45_codes_that_have_to_wait_leave_the_number_on_the_page(account, computer, phone):
    computer.password()
    computer.get(AUTHENTICATE)
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=50))
    response = code(computer, phone.code())
    assert state_of(response) == "waiting"
    assert "toopher-number" in response.content.decode()
    assert "No code is taken now. Wait 1 minute " in response.content.decode()


def test_S45_a_recovery_code_is_offered_all_the_same(withheld, alice):
    from django_toopher.factors import recovery_codes

    recovery_codes.make(alice)
    assert RECOVER in withheld.get(AUTHENTICATE).content.decode()


def test_S45_a_report_ends_it(withheld, phone):
    User.objects.update(reported_until=timezone.now() + timedelta(hours=1))
    response = code(withheld, phone.code())
    assert not withheld.is_logged_in()
    assert "No code is taken now" in response.content.decode()


@table("step", ["pair", "phrase", "code", "x"])
def test_S35_what_the_page_does_not_offer_changes_nothing(step, withheld):
    assert state_of(withheld.post(AUTHENTICATE, {"step": step})) == "code"
    assert not withheld.is_logged_in()
