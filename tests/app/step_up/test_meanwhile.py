"""What happens between the yes and the request: another session, another person, a reset, too much time (S07, S13)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session import state as session_keys
from tests.app.acts import reason_of
from tests.factories import verified

from .pages import HELD, STEP_UP, Page, asked, both

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


@both
def test_S13_another_session_of_the_same_person_can_use_no_approval(
    fields, alices, phone, account, make_computer, seen
):
    page = asked(alices, "/transfer/", fields)
    other = verified(make_computer(), account.user)
    response = other.post(page.target, page.approved(phone))
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert Page(other, other.get("/transfer/")).way == "iframe"
    assert seen == []


@both
def test_S13_somebody_else_in_the_same_browser_can_use_no_approval(fields, alices, phone, make_user, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    alices.client.force_login(make_user("bob"))
    response = alices.post(page.target, posted)
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


@both
def test_S13_after_logging_out_nothing_is_carried_out(fields, alices, phone, account, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    alices.client.logout()
    response = alices.post(page.target, posted)
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/transfer/")
    verified(alices, account.user)
    assert reason_of(alices.post(page.target, posted)) == "request_changed"
    assert seen == []


@both
def test_S07_a_user_whom_support_has_reset_meanwhile_carries_nothing_out(fields, alices, phone, account, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    ToopherAccount.objects.update(generation=7)
    response = alices.post(page.target, posted)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert seen == []


def test_S07_a_page_is_not_shown_when_support_has_reset_the_user_after_the_approval(alices, phone, account, seen):
    asked(alices, "/transfer/").confirm(phone)
    ToopherAccount.objects.update(generation=7)
    assert reason_of(alices.get("/transfer/")) == "user_changed"
    assert seen == []


@both
def test_S07_an_approval_from_before_a_change_verifies_no_session_after_it(fields, alices, phone, account, settings):
    settings.TOOPHER_EMBED = "native"
    page = asked(alices, "/transfer/", fields)
    phone.approve(phone.pending().requests[0], alices.get(f"{STEP_UP}{page.ticket}/status/").json()["number"])
    assert alices.get(f"{STEP_UP}{page.ticket}/status/").json()["granted"]
    before = account.generation
    account.change()
    response = alices.post(page.target, {HELD: page.held})
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert alices.client.session[session_keys.GENERATION][0] == before


def test_S13_an_approval_that_comes_too_late_is_refused(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    Attempt.objects.filter(kind="step_up").update(expires=timezone.now())
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert seen == []


def test_S13_an_approved_page_is_not_shown_too_late(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    Attempt.objects.filter(kind="step_up").update(expires=timezone.now())
    assert reason_of(alices.get("/transfer/")) == "expired"
    assert seen == []


def test_a_reset_by_support_ends_what_was_confirmed(alices, phone, settings):
    settings.TOOPHER_SESSION_CHECK = 1
    asked(alices, "/look/?what=this").confirm(phone)
    assert alices.get("/look/?what=this").content == b"seen"
    ToopherAccount.objects.update(generation=7)
    generation, _compared = alices.client.session[session_keys.GENERATION]
    session = alices.client.session
    session[session_keys.GENERATION] = [generation, 0]
    session.save()
    assert alices.get("/look/?what=this").content != b"seen"
