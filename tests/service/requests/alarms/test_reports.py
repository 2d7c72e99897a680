"""What "it wasn't me" does, and to whom (SECURITY.md S24)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_toopher.service import limits
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Alarm, AuthenticationRequest, Automation, User
from tests.tables import table

from .acts import refusal, shown_of


def test_S24_a_report_denies_the_request_and_says_why(api, asked, paired, question):
    paired.report(question)
    asked.refresh_from_server(api)
    assert (asked.pending, asked.granted, asked.reason_code) == (False, False, 104)
    assert "reported" in asked.reason


def test_S24_a_report_after_a_deny_marks_it(api, asked, paired, question):
    paired.deny(question)
    paired.report(question)
    asked.refresh_from_server(api)
    assert (asked.pending, asked.granted, asked.reason_code) == (False, False, 104)


@table("how", ["expired", "cancelled"])
def test_S24_a_report_of_what_is_over_still_tells_support(api, asked, paired, question, how):
    if how == "cancelled":
        api.post(f"authentication_requests/{asked.id}/cancel")
    else:
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    paired.report(question)
    assert Alarm.objects.count() == 1
    told = api.get(f"authentication_requests/{asked.id}")
    assert (told["reason_code"], told["granted"], told["cancelled"]) == (104, False, how == "cancelled")


def test_S25_an_approved_request_can_not_be_reported(asked, paired, question):
    paired.approve(question, asked.number)
    assert refusal(paired.report, question) == "gone"
    assert AuthenticationRequest.objects.get().state == "granted"
    assert not Alarm.objects.exists()


def test_S24_a_report_blocks_further_requests_for_a_while(api, paired, question):
    paired.report(question)
    refused = api.authenticate("alice", "secret-2", "Log In", terminal_name="PC")
    assert (refused.pending, refused.granted, refused.reason_code) == (False, False, 106)
    assert 3500 < refused.retry_after <= 3601
    User.objects.update(reported_until=timezone.now())
    assert api.authenticate("alice", "secret-2", "Log In", terminal_name="PC").pending


def test_S24_how_long_is_a_setting(settings, paired, question):
    settings.TOOPHER_SERVICE_LIMITS = {"report_wait": 60}
    paired.report(question)
    assert User.objects.get().reported_until - timezone.now() <= timedelta(seconds=60)


def test_S24_a_report_leaves_other_users_alone(api, pair, paired, question):
    pair(paired, "bob")
    paired.report(question)
    assert api.authenticate("bob", "secret-1", "Log In", terminal_name="PC").pending


def test_S24_other_questions_that_wait_are_denied_too(api, paired, question):
    other = api.authenticate("alice", "secret-2", "Log In", terminal_name="PC")
    paired.report(question)
    other.refresh_from_server(api)
    assert (other.pending, other.granted, other.reason_code) == (False, False, 104)
    assert paired.pending().requests == ()


def test_S24_a_success_under_way_does_not_lift_the_block(api, pair, paired, question):
    paired.report(question)
    limits.forget_tries(AuthenticationRequest.objects.get())
    assert api.authenticate("alice", "secret-1", "Log In", terminal_name="PC").reason_code == 106


def test_a_reset_lifts_the_block(api, pair, paired, question):
    paired.report(question)
    api.reset_user("alice")
    pair(paired)
    assert api.authenticate("alice", "secret-1", "Log In", terminal_name="PC").pending


def test_S24_nothing_is_answered_silently_for_that_terminal_any_more(api, asked, paired, question):
    paired.approve(question, asked.number, Automate(86400))
    api.authenticate("alice", "secret-1", "Transfer money", terminal_name="PC")
    paired.report(paired.pending().requests[0])
    assert not Automation.objects.exists()


def test_S24_while_blocked_nothing_is_answered_silently(api, asked, paired, question):
    paired.approve(question, asked.number, Automate(86400))
    api.authenticate("alice", "secret-2", "Log In", terminal_name="Other")
    paired.report(paired.pending().requests[0])
    refused = api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
    assert (refused.automated, refused.granted, refused.reason_code) == (False, False, 106)
    assert Automation.objects.exists()


def test_S24_the_signed_report_is_kept_as_evidence(asked, pair, raw_phone):
    pair(raw_phone)
    question = raw_phone.question()
    token = raw_phone.token(raw_phone.claims("report", request=question["id"], **shown_of(question)))
    assert raw_phone.send("report", token).status_code == 200
    row = AuthenticationRequest.objects.get()
    assert (row.evidence, str(row.pairing.authenticator_id)) == (token, raw_phone.id)
