"""The service's settings and system checks."""

from __future__ import annotations

from dataclasses import fields

import django
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import include, path
from django.views import View

from django_toopher.service.conf import Limits, conf
from django_toopher.service.phones import authenticators
from tests.tables import table

NUMBERS = {
    "TOOPHER_SERVICE_NUMBER_LENGTH": (6, 0),
    "TOOPHER_SERVICE_REQUEST_AGE": (120, 30),
    "TOOPHER_SERVICE_KEEP_DAYS": (90, 1),
    "TOOPHER_SERVICE_AUTOMATION_DAYS": (30, 0),
    "TOOPHER_TRUSTED_PROXIES": (0, 0),
}
"""Default and least value."""

LIMITS = {
    "number_tries": (3, 1),
    "failures": (10, 1),
    "failure_wait": (60, 1),
    "requests": (10, 1),
    "unanswered": (3, 1),
    "phrases": (10, 1),
    "registrations": (30, 1),
    "frames": (300, 1),
    "period": (600, 10),
    "polls": (5, 2),
    "report_wait": (3600, 60),
}
"""Default and least value."""

OTHERS = {
    "TOOPHER_SERVICE_LIMITS": Limits(),
    "TOOPHER_SERVICE_NAME": None,
    "TOOPHER_SERVICE_PUSH_CONTACT": None,
    "TOOPHER_SERVICE_PUSH_HOSTS": None,
    "TOOPHER_SERVICE_SMS": None,
}
"""Default value."""


class Unmounted:
    urlpatterns = []


class UpperCase:
    urlpatterns = [path("Toopher/", include("django_toopher.service.urls"))]


class Somewhere:
    urlpatterns = [path("2fa/", include("django_toopher.service.urls")), path("", View.as_view())]


def found(id_):
    return [each for each in run_checks(tags=["toopher_service"]) if each.id == id_]


# Settings


@table(("name", "default"), [(name, default) for name, (default, _) in NUMBERS.items()])
def test_a_number_has_its_default(name, default):
    assert getattr(conf, name) == default


@table(("name", "least"), [(name, least) for name, (_, least) in NUMBERS.items()])
def test_a_number_is_read_at_every_access(name, least):
    for value in (least, least + 1):
        with override_settings(**{name: value}):
            assert getattr(conf, name) == value


@table("name", NUMBERS)
@table("wrong", [-1, "6", 1.5, None, True, [6]])
def test_a_number_of_the_wrong_type_is_an_error_that_names_the_setting(name, wrong):
    with override_settings(**{name: wrong}), pytest.raises(ImproperlyConfigured, match=name):
        getattr(conf, name)


@table(("name", "least"), [(name, least) for name, (_, least) in NUMBERS.items() if least])
def test_a_number_that_is_too_small_is_an_error(name, least):
    with override_settings(**{name: least - 1}), pytest.raises(ImproperlyConfigured, match=f"{name}.*{least}"):
        getattr(conf, name)


def test_a_number_length_that_does_not_fit_the_column_is_an_error(settings):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 12
    assert conf.TOOPHER_SERVICE_NUMBER_LENGTH == 12
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 13
    with pytest.raises(ImproperlyConfigured, match="TOOPHER_SERVICE_NUMBER_LENGTH"):
        conf.TOOPHER_SERVICE_NUMBER_LENGTH  # noqa: B018


def test_S22_S29_a_number_or_link_is_never_good_for_more_than_ten_minutes():
    name = "TOOPHER_SERVICE_REQUEST_AGE"
    with override_settings(**{name: 600}):
        assert getattr(conf, name) == 600
    with override_settings(**{name: 601}), pytest.raises(ImproperlyConfigured, match=f"{name}.*600"):
        getattr(conf, name)
    assert authenticators.PAIRING_AGE <= 600


def limit(key):
    return getattr(conf.TOOPHER_SERVICE_LIMITS, key)


@table(("key", "default"), [(key, default) for key, (default, _) in LIMITS.items()])
def test_a_limit_has_its_default_also_where_others_are_set(key, default):
    assert limit(key) == default
    with override_settings(TOOPHER_SERVICE_LIMITS={other: 100 for other in LIMITS if other != key}):
        assert limit(key) == default


@table(("key", "least"), [(key, least) for key, (_, least) in LIMITS.items()])
def test_a_limit_is_read_at_every_access(settings, key, least):
    for value in (least, least + 1):
        settings.TOOPHER_SERVICE_LIMITS = {key: value}
        assert limit(key) == value


@table("key", LIMITS)
@table("wrong", [-1, 0, "6", 1.5, None, True, [6]])
def test_a_limit_that_is_no_number_is_an_error_that_names_it(key, wrong):
    setting = override_settings(TOOPHER_SERVICE_LIMITS={key: wrong})
    with setting, pytest.raises(ImproperlyConfigured, match=rf"TOOPHER_SERVICE_LIMITS\['{key}'\]"):
        limit(key)


@table(("key", "least"), [(key, least) for key, (_, least) in LIMITS.items()])
def test_a_limit_that_is_too_small_is_an_error(key, least):
    setting = override_settings(TOOPHER_SERVICE_LIMITS={key: least - 1})
    with setting, pytest.raises(ImproperlyConfigured, match=f"TOOPHER_SERVICE_LIMITS.*{key}.*{least}"):
        limit(key)


@table("wrong", [None, 7, [("polls", 7)], {"pols": 7}, {7: 7}])
def test_limits_that_are_none_are_an_error(wrong):
    with override_settings(TOOPHER_SERVICE_LIMITS=wrong), pytest.raises(ImproperlyConfigured, match="SERVICE_LIMITS"):
        conf.TOOPHER_SERVICE_LIMITS  # noqa: B018


def test_every_limit_is_tested_here():
    assert {field.name for field in fields(Limits)} == set(LIMITS)


@table(("name", "right"), [(None, None), ("", None), ("Example", "Example"), ("\u00c9xample", "\u00c9xample")])
def test_the_name_is_a_text_or_none(settings, name, right):
    settings.TOOPHER_SERVICE_NAME = name
    assert right == conf.TOOPHER_SERVICE_NAME


WRONG = {
    "TOOPHER_SERVICE_NAME": ["  ", 7, True, ["Example"], b"Example"],
    "TOOPHER_SERVICE_PUSH_HOSTS": ["fcm.googleapis.com", 7, [""], [b"fcm.googleapis.com"]],
    "TOOPHER_SERVICE_PUSH_CONTACT": ["admin@example.org", "http://example.org", 7],
}


@table(("name", "wrong"), [(name, each) for name, values in WRONG.items() for each in values])
def test_a_name_hosts_or_contact_that_is_none_is_an_error_that_names_the_setting(name, wrong):
    with override_settings(**{name: wrong}), pytest.raises(ImproperlyConfigured, match=name):
        getattr(conf, name)


def test_every_setting_of_the_service_is_tested_here():
    assert set(conf.names()) == {*NUMBERS, *OTHERS}


@table(("name", "default"), OTHERS.items())
def test_another_setting_has_its_default(name, default):
    assert getattr(conf, name) == default


# Checks


def test_the_test_project_has_nothing_to_complain_about():
    assert run_checks(tags=["toopher_service"]) == []


@table("name", [*NUMBERS, *OTHERS])
def test_E001_a_setting_that_can_not_be_used(name):
    with override_settings(**{name: [7]}):
        [error] = found("toopher_service.E001")
    assert name in error.msg
    assert error.is_serious()
    assert error.hint


@table("length", [0, 1, 4, 5])
def test_S22_W001_a_number_that_is_too_short(settings, length):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = length
    [warning] = found("toopher_service.W001")
    assert warning.hint
    assert str(length) in warning.msg or "tap" in warning.msg


@table("length", [6, 12, "six"])
def test_W001_is_silent_for_long_numbers_and_for_what_E001_tells(settings, length):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = length
    assert found("toopher_service.W001") == []


def test_W002_urls_that_are_not_mounted(settings):
    settings.ROOT_URLCONF = Unmounted
    [warning] = found("toopher_service.W002")
    assert "django_toopher.service.urls" in warning.hint


def test_W003_urls_mounted_at_a_path_that_is_not_lower_case(settings):
    settings.ROOT_URLCONF = UpperCase
    [warning] = found("toopher_service.W003")
    assert "/Toopher/v1/" in warning.msg
    assert warning.hint


def test_urls_mounted_elsewhere_are_no_fault(settings):
    settings.ROOT_URLCONF = Somewhere
    assert found("toopher_service.W002") == found("toopher_service.W003") == []


@table(
    ("name", "hint"),
    [
        ("TOOPHER_SERVICE_NUMBER_LENGHT", "Did you mean TOOPHER_SERVICE_NUMBER_LENGTH?"),
        ("TOOPHER_SERVICE_XYZZY_XYZZY_XYZZY", "See the table of settings in the README."),
    ],
)
def test_a_name_that_is_no_setting_is_told(name, hint):
    with override_settings(**{name: "a secret"}):
        [warning] = found("toopher_service.W004")
    assert warning.hint == hint
    assert "a secret" not in f"{warning}"


@table(("backend", "warns"), [("locmem.LocMemCache", True), ("redis.RedisCache", False)])
def test_a_cache_of_each_process_is_told_where_it_is_deployed(backend, warns, settings):
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    ids = [each.id for each in run_checks(tags=["toopher_service"], include_deployment_checks=True)]
    assert ids == (["toopher_service.W005"] if warns else [])
    assert not found("toopher_service.W005")


SMTP = "django.core.mail.backends.smtp.EmailBackend"


def found_where_deployed(id_):
    return [each for each in run_checks(tags=["toopher_service"], include_deployment_checks=True) if each.id == id_]


def send_mail_by(settings, backend, timeout):
    """Django 6.1 has one setting for all of it."""
    if django.VERSION >= (6, 1):
        options = {"host": "localhost"} | ({} if timeout is None else {"timeout": timeout})
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        settings.EMAIL_BACKEND, settings.EMAIL_TIMEOUT = backend, timeout


def test_W006_a_mail_server_that_may_take_for_ever(settings):
    send_mail_by(settings, SMTP, None)
    [warning] = found_where_deployed("toopher_service.W006")
    assert not warning.is_serious()
    assert "EMAIL_TIMEOUT" in warning.hint


@table(("backend", "timeout"), [(SMTP, 10), ("nowhere.Backend", None)])
def test_mail_with_a_timeout_is_no_fault(settings, backend, timeout):
    send_mail_by(settings, backend, timeout)
    assert found_where_deployed("toopher_service.W006") == []
