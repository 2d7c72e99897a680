"""How support hears of a report: mail, a signal, the admin."""

from __future__ import annotations

import django
import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from django_toopher.service.models import Alarm, AuthenticationRequest, Automation
from django_toopher.service.signals import sign_in_reported
from django_toopher.testing import verified_login


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
    broken = "tests.service.requests.alarms.test_support.BrokenBackend"
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
        verified_login(client, person)
        return client

    return make


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
