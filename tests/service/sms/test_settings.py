"""``TOOPHER_SERVICE_SMS``, right and wrong."""

from __future__ import annotations

from django.core.checks import run_checks
from django.test import override_settings

from django_toopher.service.conf import conf
from tests.tables import table

from .acts import BACKENDS

HTTP = {"BACKEND": f"{BACKENDS}.http.SmsBackend"}
URL = "https://sms.example.org/send"


@table(
    ("wrong", "named"),
    [
        ({"BACKEND": "nowhere.at.all"}, "nowhere"),
        ({"BACKEND": "SmsBackend"}, "SmsBackend"),
        ({"BACKEND": f"{BACKENDS}.locmem.Nothing"}, "Nothing"),
        ({"BACKEND": f"{BACKENDS}.locmem.outbox"}, "locmem.outbox"),
        ({"BACKEND": 7}, "BACKEND"),
        ({}, "BACKEND"),
        ([7], "BACKEND"),
        (f"{BACKENDS}.locmem.SmsBackend", "BACKEND"),
        ({**HTTP, "URL": URL}, "URL"),
        ({**HTTP, "OPTIONS": [("url", URL)]}, "OPTIONS"),
        ({**HTTP, "OPTIONS": {7: URL}}, "OPTIONS"),
        ({**HTTP, "OPTIONS": {"token": "gateway-token"}}, "'url'"),
        ({**HTTP, "OPTIONS": {"url": URL, "password": "gateway-token"}}, "'password'"),
        ({**HTTP, "OPTIONS": {"url": "sms.example.org"}}, "url"),
        ({**HTTP, "OPTIONS": {"url": "file:///etc/passwd"}}, "url"),
        ({**HTTP, "OPTIONS": {"url": URL, "form": "yes"}}, "form"),
        ({**HTTP, "OPTIONS": {"url": URL, "headers": {"X-Account": 7}}}, "headers"),
        ({**HTTP, "OPTIONS": {"url": URL, "headers": "X-Account: gateway-token"}}, "headers"),
        ({**HTTP, "OPTIONS": {"url": URL, "token": b"gateway-token"}}, "token"),
        ({**HTTP, "OPTIONS": {"url": URL, "token": " "}}, "token"),
        ({**HTTP, "OPTIONS": {"url": URL, "timeout": 0}}, "timeout"),
        ({**HTTP, "OPTIONS": {"url": URL, "timeout": "5"}}, "timeout"),
        ({"BACKEND": f"{BACKENDS}.filebased.SmsBackend", "OPTIONS": {"path": ""}}, "path"),
        ({"BACKEND": f"{BACKENDS}.filebased.SmsBackend", "OPTIONS": {"path": 7}}, "path"),
        ({"BACKEND": f"{BACKENDS}.locmem.SmsBackend", "OPTIONS": {"path": "x"}}, "path"),
    ],
)
def test_E001_a_setting_of_SMS_that_can_not_be_used(wrong, named):
    with override_settings(TOOPHER_SERVICE_SMS=wrong):
        [error] = [each for each in run_checks(tags=["toopher_service"]) if each.id == "toopher_service.E001"]
    assert error.msg.startswith("TOOPHER_SERVICE_SMS")
    assert named in error.msg
    assert "gateway-token" not in error.msg


@table(
    "right",
    [
        {**HTTP, "OPTIONS": {"url": URL, "form": True, "token": None, "headers": {"X-Account": "7"}, "timeout": 9}},
        {"BACKEND": f"{BACKENDS}.filebased.SmsBackend", "OPTIONS": {"path": "/nowhere/at/all"}},
        {"BACKEND": f"{BACKENDS}.console.SmsBackend", "OPTIONS": {}},
        {"BACKEND": "tests.service.sms.acts.BrokenBackend"},
        None,
    ],
)
def test_right_settings_of_SMS(settings, right):
    settings.TOOPHER_SERVICE_SMS = right
    assert not run_checks(tags=["toopher_service"])
    assert (conf.TOOPHER_SERVICE_SMS is None) == (right is None)
