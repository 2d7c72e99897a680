"""The system checks: each has an id that stays, and a hint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.conf import settings as project
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import run_checks
from django.db import connections
from django.urls import include, path

from tests.tables import table

OURS = "django_toopher.middleware.ToopherMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


class Derived:
    """Not a middleware at all."""


def found() -> dict[str, str]:
    """Hints by ids; there is a hint with each."""
    messages = run_checks(tags=["django_toopher"])
    assert all(message.hint for message in messages)
    return {message.id: message.msg for message in sorted(messages, key=lambda message: message.id)}


def test_the_drop_in_default_has_nothing_to_complain_of():
    assert found() == {}


@pytest.mark.parametrize(
    ("name", "value"), [("TOOPHER_POLICY", "always"), ("TOOPHER_TIMEOUT", 0), ("TOOPHER_FAIL_OPEN", "no")]
)
def test_E001_a_wrong_setting(name, value, settings):
    setattr(settings, name, value)
    assert list(found()) == ["django_toopher.E001"]
    assert name in found()["django_toopher.E001"]


def test_E001_a_wrong_address(settings):
    settings.TOOPHER_BASE_URL = "2fa.example.org"
    assert "django_toopher.E001" in found()


def test_E002_missing_credentials(settings):
    settings.TOOPHER_BASE_URL = "https://2fa.example.org/v1"
    assert list(found()) == ["django_toopher.E002", "django_toopher.W006"]
    assert "TOOPHER_CONSUMER_KEY" in found()["django_toopher.E002"]


def test_E003_no_service_to_ask(settings):
    settings.INSTALLED_APPS = [app for app in project.INSTALLED_APPS if app != "django_toopher.service"]
    assert list(found()) == ["django_toopher.E003"]


def test_E003_the_urls_of_the_service_are_missing(settings):
    urls = ModuleType("urls")
    urls.urlpatterns = [path("accounts/", include("django_toopher.urls"))]
    settings.ROOT_URLCONF = urls
    assert list(found()) == ["django_toopher.E003"]


def test_E004_the_urls_of_the_login_are_missing(settings):
    urls = ModuleType("urls")
    urls.urlpatterns = [path("toopher/", include("django_toopher.service.urls"))]
    settings.ROOT_URLCONF = urls
    assert list(found()) == ["django_toopher.E004"]


@pytest.mark.parametrize("order", [[OURS], [OURS, AUTHENTICATION]], ids=["alone", "before"])
def test_E005_the_middleware_stands_at_the_wrong_place(order, settings):
    settings.MIDDLEWARE = [*[each for each in project.MIDDLEWARE if each not in (OURS, AUTHENTICATION)], *order]
    assert list(found()) == ["django_toopher.E005"]


CACHE = "django.middleware.cache"
REMOTE = "django.contrib.auth.middleware.PersistentRemoteUserMiddleware"


@table(
    ("order", "ids"),
    [
        ([AUTHENTICATION, "django.contrib.messages.middleware.MessageMiddleware", OURS], ["W019"]),
        ([AUTHENTICATION, "tests.app.middleware.test_nobody.watching", OURS], ["W019"]),
        ([AUTHENTICATION, f"{CACHE}.FetchFromCacheMiddleware", OURS], ["W019"]),
        ([f"{CACHE}.FetchFromCacheMiddleware", AUTHENTICATION, OURS], ["W020"]),
        ([f"{CACHE}.CacheMiddleware", AUTHENTICATION, OURS], ["W020"]),
        ([f"{CACHE}.UpdateCacheMiddleware", AUTHENTICATION, OURS, f"{CACHE}.FetchFromCacheMiddleware"], []),
        ([AUTHENTICATION, OURS, "tests.app.middleware.test_nobody.FallbackMiddleware"], []),
        ([AUTHENTICATION, REMOTE, OURS], []),
        ([AUTHENTICATION, OURS, REMOTE], ["W021"]),
    ],
    ids=str,
)
def test_S40_what_may_answer_before_the_second_factor_is_looked_at_is_named(order, ids, settings):
    others = [each for each in project.MIDDLEWARE if each not in {OURS, *order}]
    settings.MIDDLEWARE = [*[each for each in others if "Session" in each], *order, *others]
    assert list(found()) == [f"django_toopher.{each}" for each in ids]
    assert all(any(each in text for each in order) for text in found().values())


@pytest.mark.parametrize("order", [[], [AUTHENTICATION], [AUTHENTICATION, "tests.app.test_checks.Derived"]], ids=len)
def test_W003_the_middleware_is_missing(order, settings):
    settings.MIDDLEWARE = order
    assert list(found()) == ["django_toopher.W003"]


def test_a_middleware_that_cannot_be_imported_is_for_django_to_tell(settings):
    settings.MIDDLEWARE = ["nowhere.Nothing"]
    assert found() == {}


@table(
    ("url", "warns"),
    [
        ("http://2fa.example.org/v1", True),
        ("http://127.0.0.1:8000/v1", False),
        ("http://localhost/v1", False),
        ("http://[::1]/v1", False),
        ("https://2fa.example.org/v1", False),
        ("http://localhost.evil.example/v1", True),
        ("http://127.0.0.1.evil.example/v1", True),
        ("http://localhost@evil.example/v1", True),
    ],
)
def test_W001_an_address_without_tls(url, warns, settings):
    settings.TOOPHER_BASE_URL = url
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    assert list(found()) == [*(["django_toopher.W001"] if warns else []), "django_toopher.W006"]


def test_W002_failing_open(settings):
    settings.TOOPHER_FAIL_OPEN = True
    assert list(found()) == ["django_toopher.W002"]


def test_several_faults_are_told_at_once(settings):
    settings.TOOPHER_TIMEOUT = 0
    settings.TOOPHER_FAIL_OPEN = True
    settings.MIDDLEWARE = []
    assert set(found()) == {"django_toopher.E001", "django_toopher.W002", "django_toopher.W003"}


# Mistakes in settings


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TOOPHER_POLCY", "Did you mean TOOPHER_POLICY?"),
        ("TOOPHER_BASEURL", "Did you mean TOOPHER_BASE_URL?"),
        ("TOOPHER_XYZZY", "See the table of settings in the README."),
    ],
)
def test_W004_a_name_that_is_no_setting(name, hint, settings):
    setattr(settings, name, "a secret")
    (message,) = run_checks(tags=["django_toopher"])
    assert (message.id, message.hint) == ("django_toopher.W004", hint)
    assert "a secret" not in f"{message}"


def test_W004_the_services_settings_are_not_the_apps(settings):
    settings.TOOPHER_SERVICE_NAME = "Rowing Club"
    assert found() == {}


def policy_of_none():
    """Takes nothing."""


def policy_of_two(user, request):
    """Takes what a policy takes."""


async def policy_that_waits(user, request):
    """Is a coroutine function, which is always true."""


async def policy_of_none_that_waits():
    """Is both."""


@pytest.mark.parametrize(
    ("policy", "ids"),
    [
        ("policy_of_none", ["django_toopher.E006"]),
        ("policy_of_none_that_waits", ["django_toopher.E006"]),
        ("policy_that_waits", ["django_toopher.E006"]),
        ("policy_of_two", []),
    ],
)
def test_E006_a_policy_that_cannot_be_called_as_it_will_be(policy, ids, settings):
    settings.TOOPHER_POLICY = f"{__name__}.{policy}"
    assert list(found()) == ids


def test_W005_an_address_without_a_version(settings):
    settings.TOOPHER_BASE_URL = "https://2fa.example.org/toopher/"
    assert "django_toopher.W005" in found()


def test_W006_two_services(settings):
    settings.TOOPHER_BASE_URL = "https://2fa.example.org/v1"
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    assert list(found()) == ["django_toopher.W006"]
    settings.INSTALLED_APPS = [app for app in project.INSTALLED_APPS if app != "django_toopher.service"]
    assert found() == {}


@table(
    ("samesite", "secure", "ids"),
    [("None", False, ["django_toopher.E007"]), ("None", True, []), ("Strict", False, []), (False, False, [])],
)
def test_E007_a_cookie_that_browsers_drop(samesite, secure, ids, settings):
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = samesite, secure
    assert list(found()) == ids


# Mistakes in the project around


def test_E008_an_app_of_django_is_missing(monkeypatch):
    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.messages" and installed(name))
    assert list(found()) == ["django_toopher.E008"]


def test_W007_static_files_are_missing(settings):
    settings.INSTALLED_APPS = [app for app in project.INSTALLED_APPS if app != "django.contrib.staticfiles"]
    assert list(found()) == ["django_toopher.W007"]


def test_W008_the_middleware_is_there_twice(settings):
    settings.MIDDLEWARE = [*project.MIDDLEWARE, OURS]
    assert list(found()) == ["django_toopher.W008"]


@pytest.mark.parametrize("missing", ["SessionMiddleware", "MessageMiddleware"])
def test_E009_a_middleware_of_django_is_missing(missing, settings):
    settings.MIDDLEWARE = [each for each in project.MIDDLEWARE if not each.endswith(missing)]
    assert list(found()) == ["django_toopher.E009"]
    assert missing in found()["django_toopher.E009"]


def templates(**changes):
    """The project's templates with other options."""
    return [{**project.TEMPLATES[0], **changes}]


def test_E010_templates_are_not_found(settings):
    settings.TEMPLATES = templates(APP_DIRS=False)
    assert list(found()) == ["django_toopher.E010"]


@pytest.mark.parametrize("source", ["{% nonsense %}", '{% extends "django_toopher/base.html" %}{% block a %}'])
def test_E011_the_sites_own_template_is_broken(source, settings, tmp_path):
    (tmp_path / "django_toopher").mkdir()
    (tmp_path / "django_toopher" / "login.html").write_text(source)
    settings.TEMPLATES = templates(DIRS=[str(tmp_path)])
    assert list(found()) == ["django_toopher.E011"]


def test_E012_no_engine_for_djangos_templates(settings):
    settings.TEMPLATES = []
    assert "django_toopher.E012" in found()


@pytest.mark.parametrize("missing", ["request", "messages"])
def test_W009_a_context_processor_is_missing(missing, settings):
    names = project.TEMPLATES[0]["OPTIONS"]["context_processors"]
    settings.TEMPLATES = templates(OPTIONS={"context_processors": [n for n in names if not n.endswith(f".{missing}")]})
    assert list(found()) == ["django_toopher.W009"]


# Mistakes in URLs


def urlconf(*patterns) -> ModuleType:
    """A URLconf of these alone."""
    urls = ModuleType("urls")
    urls.urlpatterns = [*patterns]
    return urls


def test_W010_mounted_twice(settings):
    ours = "django_toopher.urls"
    service = path("toopher/", include("django_toopher.service.urls"))
    settings.ROOT_URLCONF = urlconf(
        path("a/", include(ours)), path("b/", include([path("c/", include(ours))])), service
    )
    assert list(found()) == ["django_toopher.W010"]


def test_E013_the_service_is_mounted_below_a_language(settings):
    service = path("toopher/", include("django_toopher.service.urls"))
    settings.ROOT_URLCONF = urlconf(path("accounts/", include("django_toopher.urls")), *i18n_patterns(service))
    assert list(found()) == ["django_toopher.E013"]


def test_the_login_may_be_mounted_below_a_language(settings):
    service = path("toopher/", include("django_toopher.service.urls"))
    settings.ROOT_URLCONF = urlconf(*i18n_patterns(path("accounts/", include("django_toopher.urls"))), service)
    assert found() == {}


@pytest.mark.parametrize("url", ["/nowhere/", "nobody:login"])
def test_W011_the_login_url_leads_nowhere(url, settings):
    settings.LOGIN_URL = url
    assert list(found()) == ["django_toopher.W011"]


@pytest.mark.parametrize("url", ["/accounts/login/?a=b", "https://sso.example.org/login", "django_toopher:login"])
def test_the_login_url_may_be_anybodys(url, settings):
    settings.LOGIN_URL = url
    assert found() == {}


# A site that others can reach


def test_W012_a_database_that_nobody_tried(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    assert list(found()) == ["django_toopher.W012"]


@table(
    ("key", "ids"),
    [
        ("django-insecure-" + "abcdefghij" * 5, ["django_toopher.W013"]),
        ("short", ["django_toopher.W013"]),
        ("a" * 60, ["django_toopher.W013"]),
        ("abcdefghij" * 5, []),
    ],
)
def test_W013_a_secret_key_that_can_be_guessed(key, ids, settings):
    settings.SECRET_KEY = key
    messages = run_checks(tags=["django_toopher"], include_deployment_checks=True)
    assert [message.id for message in messages] == ids
    assert not [message for message in messages if key in f"{message}"]


def test_W013_credentials_of_a_service_elsewhere_are_not_derived(settings):
    settings.SECRET_KEY = "short"
    settings.INSTALLED_APPS = [app for app in project.INSTALLED_APPS if app != "django_toopher.service"]
    settings.TOOPHER_BASE_URL = "https://2fa.example.org/v1"
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    assert run_checks(tags=["django_toopher"], include_deployment_checks=True) == []


@pytest.mark.servers
def test_the_example_has_nothing_to_complain_of_when_it_is_deployed(tmp_path):
    """With what ``.env.example`` says for a site that others can reach."""
    example = (Path(__file__).parents[2] / "example_project" / ".env.example").read_text()
    said = dict(re.findall(r"^#? ?([A-Z_]+)=(.*)$", example.partition("check --deploy")[2], re.MULTILINE))
    said |= {"DEBUG": "False", "SECRET_KEY": "".join(map(chr, range(40, 120))), "CACHE_URL": "redis://127.0.0.1:6379/0"}
    environment = {**os.environ, **said, "DJANGO_SETTINGS_MODULE": "example_project.settings"}
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
