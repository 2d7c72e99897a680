"""The phone says "it wasn't me" (SECURITY.md S24): the user is left in peace, support hears of it."""

from __future__ import annotations

from datetime import timedelta

import django
import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service.device.cli_phone import Automate, RefusedError
from django_toopher.service.models import Alarm, AuthenticationRequest, Automation, User
from django_toopher.service.people import users
from django_toopher.service.signals import sign_in_reported
from tests.drivers import Computer, Frame
from tests.tables import table

from ..callers import RawPhone, at_once

TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


@pytest.fixture
def admins(settings):
    address = "support@example.org"
    settings.ADMINS = [address if django.VERSION >= (6, 0) else ("Support", address)]


@pytest.fixture
def paired(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone


@pytest.fixture
def asked(ask_alice, paired):
    """A request that waits for alice's answer."""
    return ask_alice("PC", "secret-1")


@pytest.fixture
def question(asked, paired):
    """The same, as alice's phone shows it."""
    return paired.pending().requests[0]


@pytest.fixture
def by_hand(asked, pair, raw_phone):
    """Another phone of alice's, whose messages are made by hand; it is asked, too."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def told(by_hand):
    """The request, as that phone is told of it."""
    return by_hand.question()


@pytest.fixture
def heard():
    """The alarms that a receiver of the signal hears of."""
    alarms = []

    def hear(alarm, **kwargs):
        alarms.append(alarm)

    sign_in_reported.connect(hear)
    yield alarms
    sign_in_reported.disconnect(hear)


def refusal(call, *arguments):
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


def shown_of(question):
    return {name: question[name] for name in ("requester", "user", "action", "terminal", "address")}


# What a report does


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
    with pytest.raises(RateLimitError) as refused:
        api.authenticate("alice", "secret-2", "Log In", terminal_name="PC")
    assert 3500 < refused.value.retry_after <= 3601
    assert "reported" in refused.value.message
    User.objects.update(reported_until=timezone.now())
    assert api.authenticate("alice", "secret-2", "Log In", terminal_name="PC").pending


def test_S24_how_long_is_a_setting(settings, paired, question):
    settings.TOOPHER_SERVICE_REPORT_WAIT = 60
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
    users.succeeded(User.objects.get())
    with pytest.raises(RateLimitError):
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")


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
    with pytest.raises(RateLimitError):
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
    assert Automation.objects.exists()


def test_S24_the_signed_report_is_kept_as_evidence(asked, pair, raw_phone):
    pair(raw_phone)
    question = raw_phone.question()
    token = raw_phone.token(raw_phone.claims("report", request=question["id"], **shown_of(question)))
    assert raw_phone.send("report", token).status_code == 200
    row = AuthenticationRequest.objects.get()
    assert (row.evidence, str(row.pairing.authenticator_id)) == (token, raw_phone.id)


# Who can report what


def test_S24_reported_again_nothing_more_happens(
    admins, asked, paired, question, mailoutbox, heard, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
        before = User.objects.get().reported_until
        paired.report(question)
    assert (Alarm.objects.count(), len(mailoutbox), len(heard)) == (1, 1, 1)
    assert User.objects.get().reported_until == before


def test_S24_of_two_reports_at_once_one_raises_the_alarm(threaded_db, asked, paired, question, heard):
    assert at_once(*[lambda: refusal(paired.report, question)] * 4) == [None] * 4
    assert (Alarm.objects.count(), len(heard)) == (1, 1)


def test_S25_of_yes_and_report_at_once_one_wins(threaded_db, settings, api, make_phone, pair):
    settings.TOOPHER_SERVICE_UNANSWERED_LIMIT = 5
    phones = [make_phone(), make_phone()]
    for phone in phones:
        pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        question = phones[0].pending().requests[0]
        yes, report = at_once(
            lambda asked=asked, question=question: refusal(phones[0].approve, question, asked.number),
            lambda question=question: refusal(phones[1].report, question),
        )
        state = AuthenticationRequest.objects.get(pk=asked.id).state
        assert (state, report) in {("granted", "gone"), ("denied", None)}, (yes, report, state)
        assert (yes == "granted") == (state == "granted")
        User.objects.update(reported_until=None, failures=0)


def test_S26_another_phone_can_not_report(asked, pair, raw_phone, question):
    pair(raw_phone, "bob")
    response = raw_phone.call("report", request=asked.id, **shown_of(vars(question)))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert AuthenticationRequest.objects.get().state == "pending"


def test_S26_a_phone_that_was_removed_can_not_report(asked, api, pair, raw_phone, question):
    removed = pair(raw_phone)
    api.post(f"pairings/{removed}", deactivated=True)
    response = raw_phone.call("report", request=asked.id, **shown_of(vars(question)))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert not Alarm.objects.exists()


@table("changed", [{"user": "bob"}, {"action": "log in"}, {"terminal": ""}, {"address": "1.2.3.4"}])
def test_S26_a_phone_that_showed_something_else_is_a_mismatch(by_hand, told, changed):
    response = by_hand.call("report", request=told["id"], **shown_of(told) | changed)
    assert (response.status_code, response.json()["reason"]) == (409, "mismatch")
    assert not Alarm.objects.exists()


def test_S26_a_captured_no_is_no_report(asked, pair, raw_phone):
    pair(raw_phone)
    token = raw_phone.token(raw_phone.claims("answer", **raw_phone.answer_claims(raw_phone.question(), "", "deny")))
    assert raw_phone.send("report", token).status_code == 401


@table("name", ["request", "requester", "user", "action", "terminal", "address"])
@table("value", [None, 7, ["Log In"], "n" * 2000, "a\0"])
def test_S35_a_text_of_another_type_is_refused(by_hand, told, name, value):
    claims = {**by_hand.claims("report"), "request": told["id"], **shown_of(told), name: value}
    assert by_hand.send("report", by_hand.token(claims)).status_code == 400
    assert AuthenticationRequest.objects.get().state == "pending"


def test_an_unregistered_phone_can_not_report(asked, question):
    response = RawPhone(id="00000000-0000-4000-8000-000000000000").call("report", request=asked.id)
    assert response.status_code == 401


# Telling support


def test_S24_support_is_mailed(admins, paired, question, mailoutbox, requester, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
    [mail] = mailoutbox
    assert mail.to == ["support@example.org"]
    assert f"alice at {requester.name}" in mail.subject
    assert "PC" in mail.body
    assert "Log In" in mail.body


def test_S18_the_mail_has_no_secret(admins, asked, paired, question, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
    text = mailoutbox[0].subject + mailoutbox[0].body
    assert asked.number not in text
    assert "secret-1" not in text


def test_names_from_outside_make_no_header_and_no_paragraph(
    admins, api, pair, phone, mailoutbox, django_capture_on_commit_callbacks
):
    name = "eve\nBcc: all@example.org\u202e"
    pair(phone, name)
    api.authenticate(name, "secret-1", "Log In\n\nClick here", terminal_name="PC")
    with django_capture_on_commit_callbacks(execute=True):
        phone.report(phone.pending().requests[0])
    assert "\n" not in mailoutbox[0].subject
    assert "eve Bcc: all@example.org" in mailoutbox[0].subject
    assert "Log In Click here" in mailoutbox[0].body


def test_S24_a_mail_server_that_fails_breaks_nothing(
    admins, settings, asked, paired, question, heard, caplog, django_capture_on_commit_callbacks
):
    broken = "tests.service.requests.test_alarms.BrokenBackend"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": broken}}
    else:
        settings.EMAIL_BACKEND = broken
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
    assert (Alarm.objects.count(), len(heard)) == (1, 1)
    assert AuthenticationRequest.objects.get().reason_code == 104


class BrokenBackend:
    def __init__(self, **kwargs):
        pass

    def send_messages(self, messages):
        raise RuntimeError("no mail today")


def test_the_signal_tells_of_the_alarm(paired, question, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
    assert heard == [Alarm.objects.get()]
    assert (heard[0].user.name, heard[0].action, heard[0].terminal) == ("alice", "Log In", "PC")


def test_a_receiver_that_fails_breaks_nothing(paired, question, heard, caplog, django_capture_on_commit_callbacks):
    def fail(**kwargs):
        raise RuntimeError("no receiver today")

    sign_in_reported.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            paired.report(question)
    finally:
        sign_in_reported.disconnect(fail)
    assert len(heard) == 1
    assert "no receiver today" in caplog.text


@pytest.fixture
def support(make_user):
    """Makes a browser of somebody who may do these things with alarms in the admin."""

    def make(*permissions):
        person = make_user("support", is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def reported(settings, paired, question):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    paired.report(question)
    return Alarm.objects.get()


def test_S24_support_sees_the_alarm_in_the_admin(support, reported):
    page = support("view_alarm").get(reverse("admin:toopher_service_alarm_changelist"), secure=True)
    assert "alice" in page.content.decode()


def test_support_settles_an_alarm(support, reported):
    address = reverse("admin:toopher_service_alarm_changelist")
    fields = {"action": "settle", "_selected_action": [reported.pk]}
    support("view_alarm", "change_alarm").post(address, fields, secure=True)
    reported.refresh_from_db()
    assert reported.settled is not None


def test_S16_without_the_permission_nothing_is_settled(support, reported):
    address = reverse("admin:toopher_service_alarm_changelist")
    support("view_alarm").post(address, {"action": "settle", "_selected_action": [reported.pk]}, secure=True)
    reported.refresh_from_db()
    assert reported.settled is None


@pytest.mark.parametrize("model", [Alarm, Automation])
def test_the_admin_knows_it(model):
    assert site.is_registered(model)


def test_an_alarm_outlives_its_request(reported):
    AuthenticationRequest.objects.all().delete()
    reported.refresh_from_db()
    assert (reported.request, reported.action) == (None, "Log In")


# In the iframe


def test_the_page_is_told_that_it_was_reported(iframe, paired):
    page = Frame.at(Computer(), iframe.get_auth_iframe_url("alice", "", "token", **TERMINAL))
    paired.report(page.question(paired))
    state = page.poll()
    assert (state["state"], state["granted"], state["reported"]) == ("finished", False, True)
    postback = iframe.validate_postback(state["postback"], "token")
    assert (postback["granted"], postback["pending"], postback["reason_code"]) == ("false", "false", "104")


def test_a_page_that_asks_while_blocked_is_told_to_wait(iframe, paired, question):
    paired.report(question)
    page = Frame.at(Computer(), iframe.get_auth_iframe_url("alice", "", "token", **TERMINAL))
    assert (page.state["error_code"], page.state["reason"]) == (429, "too_many")
    assert "reported" in page.state["error_message"]
