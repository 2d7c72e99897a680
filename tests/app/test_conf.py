"""The settings: their defaults, what is refused, and that they are read when they are needed."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_toopher.conf import Limits, conf
from tests.tables import table

from .policies import staff_only

WRONG = {
    "TOOPHER_BASE_URL": [1, b"https://a", "2fa.example.org", "ftp://2fa.example.org", True],
    "TOOPHER_CONSUMER_KEY": [1, b"key", True, ["key"]],
    "TOOPHER_CONSUMER_SECRET": [1, b"secret", True],
    "TOOPHER_POLICY": [
        None,
        "",
        "Required",
        "always",
        True,
        staff_only,
        "tests.app.policies.nothing",
        "tests.nowhere.x",
        "tests.app.policies.NOT_CALLABLE",
        "group:",
        [],
        ["staff", "always"],
        ["staff", None],
        {"staff"},
    ],
    "TOOPHER_GRACE_DAYS": [-1, 3651, 1.5, "14", None, True],
    "TOOPHER_EXEMPT_PATHS": ["/healthz", None, [1], ["/"], [""], ["healthz"], ["//evil.example/"], [b"/healthz"]],
    "TOOPHER_ACTION_NAME": [1, b"Log In", True],
    "TOOPHER_AUTOMATION_ALLOWED": [0, 1, "False", None],
    "TOOPHER_CHALLENGE_REQUIRED": [0, 1, "False", None],
    "TOOPHER_ATTEMPT_AGE": [0, -1, 1.5, "600", None, True],
    "TOOPHER_ALLOW_OPT_OUT": [0, 1, "False", None],
    "TOOPHER_FAIL_OPEN": [0, 1, "False", None],
    "TOOPHER_EMBED": [None, "", "frame", "Native", 1, True],
    "TOOPHER_RECOVERY_CODES": [-1, 51, 1.0, "10", None, True],
    "TOOPHER_LIMITS": [
        None,
        5,
        [("failures", 5)],
        {"failures": 0},
        {"failures": -1},
        {"failures": 1.0},
        {"failures": "5"},
        {"failures": None},
        {"failures": True},
        {"failure_wait": 0},
        {"failuers": 5},
    ],
    "TOOPHER_SUPPORT_URL": [1, b"https://a", True],
    "TOOPHER_SESSION_CHECK": [0, -1, 1.5, "60", None, True],
    "TOOPHER_TIMEOUT": [0, -1, "5", None, True],
    "TOOPHER_KEEP_DAYS": [0, -1, 1.5, "365", None, True],
    "TOOPHER_TRUSTED_PROXIES": [-1, 1.0, "1", None, True],
}


@table(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_by_the_name_of_the_setting(name, value):
    with override_settings(**{name: value}), pytest.raises(ImproperlyConfigured, match=name):
        getattr(conf, name)


def test_every_setting_can_be_wrong():
    assert set(conf.names()) == set(WRONG)


@pytest.mark.parametrize("name", ["TOOPHER_CONSUMER_SECRET", "TOOPHER_CONSUMER_KEY"])
def test_a_wrong_credential_is_not_shown(name, settings):
    setattr(settings, name, b"s3cret")
    with pytest.raises(ImproperlyConfigured) as caught:
        getattr(conf, name)
    assert "s3cret" not in str(caught.value)


@table(
    ("name", "value", "read"),
    [
        ("TOOPHER_BASE_URL", "https://2fa.example.org/v1", "https://2fa.example.org/v1"),
        ("TOOPHER_BASE_URL", "", None),
        ("TOOPHER_CONSUMER_KEY", "key", "key"),
        ("TOOPHER_CONSUMER_KEY", "", None),
        ("TOOPHER_CONSUMER_SECRET", "secret", "secret"),
        ("TOOPHER_POLICY", "required", ("required",)),
        ("TOOPHER_POLICY", "group:Board of: Trustees", ("group:Board of: Trustees",)),
        ("TOOPHER_POLICY", "tests.app.policies.staff_only", (staff_only,)),
        ("TOOPHER_POLICY", ["staff", "tests.app.policies.staff_only"], ("staff", staff_only)),
        ("TOOPHER_GRACE_DAYS", 14, 14),
        ("TOOPHER_EXEMPT_PATHS", ["/healthz", "/feeds/"], ("/healthz", "/feeds/")),
        ("TOOPHER_ACTION_NAME", "Enter", "Enter"),
        ("TOOPHER_AUTOMATION_ALLOWED", False, False),
        ("TOOPHER_CHALLENGE_REQUIRED", True, True),
        ("TOOPHER_ATTEMPT_AGE", 1, 1),
        ("TOOPHER_ALLOW_OPT_OUT", False, False),
        ("TOOPHER_FAIL_OPEN", True, True),
        ("TOOPHER_TIMEOUT", 1, 1.0),
        ("TOOPHER_TIMEOUT", 0.5, 0.5),
        ("TOOPHER_KEEP_DAYS", 1, 1),
        ("TOOPHER_LIMITS", {"failures": 3}, Limits(failures=3, failure_wait=60)),
        ("TOOPHER_TRUSTED_PROXIES", 2, 2),
    ],
)
def test_a_setting_is_read_at_every_access(name, value, read, settings):
    before = getattr(conf, name)
    setattr(settings, name, value)
    assert getattr(conf, name) == read
    delattr(settings, name)
    assert getattr(conf, name) == before
