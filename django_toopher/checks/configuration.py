"""Whether the settings say something that can be meant."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from .. import typed_settings
from ..conf import conf
from ..service_link import endpoint


@register("django_toopher")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Every setting has a value that can be used."""
    return typed_settings.check_values(conf, "django_toopher.E001")


@register("django_toopher")
def check_connection(**kwargs: Any) -> list[CheckMessage]:
    """There is a service to ask, and credentials for it."""
    try:
        endpoint.credentials()
    except ImproperlyConfigured as error:
        hint = "Set both TOOPHER_CONSUMER_KEY and TOOPHER_CONSUMER_SECRET, as the service's operator gave them."
        return [Error(str(error), hint=hint, id="django_toopher.E002")]
    try:
        endpoint.base_url()
    except ImproperlyConfigured as error:
        hint = "The embedded service needs no other setting; a service elsewhere needs TOOPHER_BASE_URL."
        return [Error(str(error), hint=hint, id="django_toopher.E003")]
    return []


@register("django_toopher")
def check_transport(**kwargs: Any) -> list[CheckMessage]:
    """The service's answers come over TLS, unless it is on this machine."""
    try:
        url = conf.TOOPHER_BASE_URL
    except ImproperlyConfigured:  # E001 says so
        return []
    if url is None or url.startswith("https://") or urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}:
        return []
    hint = "Use https://, so that nobody between site and service reads or changes what they say."
    return [checks.Warning(f"TOOPHER_BASE_URL is {url}, without TLS.", hint=hint, id="django_toopher.W001")]


@register("django_toopher")
def check_fail_open(**kwargs: Any) -> list[CheckMessage]:
    """Every exception from the second factor is named (DESIGN.md, rule 1)."""
    try:
        if not conf.TOOPHER_FAIL_OPEN:
            return []
    except ImproperlyConfigured:  # E001 says so
        return []
    hint = "Whoever can make the service unreachable needs a password only. Leave TOOPHER_FAIL_OPEN at False."
    return [
        checks.Warning("TOOPHER_FAIL_OPEN lets people in without a second factor.", hint=hint, id="django_toopher.W002")
    ]


@register("django_toopher")
def check_names(**kwargs: Any) -> list[CheckMessage]:
    """No setting is misspelt. The service's are the service's to check."""
    return typed_settings.check_names(conf, _is_ours, "django_toopher.W004")


def _is_ours(name: str) -> bool:
    return name.startswith("TOOPHER_") and not name.startswith("TOOPHER_SERVICE")


@register("django_toopher")
def check_policy(**kwargs: Any) -> list[CheckMessage]:
    """A policy of the site's own can be called as it will be."""
    try:
        policy: Any = conf.TOOPHER_POLICY
    except ImproperlyConfigured:  # E001 says so
        return []
    rules = policy if isinstance(policy, tuple) else (policy,)
    hint = "It is called with two arguments: the user and the request. It returns whether a second factor is due."
    return [
        Error(f"TOOPHER_POLICY: {rule!r} does not take (user, request).", hint=hint, id="django_toopher.E006")
        for rule in rules
        if callable(rule) and not _takes_two(rule)
    ]


def _takes_two(rule: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(rule):
        return False  # what it returns, a coroutine, is always true
    try:
        inspect.signature(rule).bind(None, None)
    except TypeError:
        return False
    except ValueError:
        pass  # a callable in C tells nothing of itself
    return True


@register("django_toopher")
def check_base_url(**kwargs: Any) -> list[CheckMessage]:
    """A service elsewhere is named by the root of its API, and there is one service."""
    try:
        url = conf.TOOPHER_BASE_URL
    except ImproperlyConfigured:  # E001 says so
        return []
    found: list[CheckMessage] = []
    if url is not None and not re.search(r"/v\d+/?$", urlsplit(url).path):
        hint = "It is the root of the API, with its version: https://2fa.example.org/toopher/v1"
        found.append(checks.Warning(f"TOOPHER_BASE_URL is {url}, without a version.", hint=hint, id=_VERSION))
    if url is not None and apps.is_installed("django_toopher.service"):
        hint = (
            "Without TOOPHER_BASE_URL the service in INSTALLED_APPS is asked, in the same process. Remove one of them, "
            "or silence this check where this project serves others and asks somebody else itself."
        )
        what = "django_toopher.service is installed, and TOOPHER_BASE_URL names another."
        found.append(checks.Warning(what, hint=hint, id="django_toopher.W006"))
    return found


_VERSION = "django_toopher.W005"


@register("django_toopher")
def check_session_cookie(**kwargs: Any) -> list[CheckMessage]:
    """The session's cookie is one that browsers keep."""
    samesite, secure = settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE
    # the text "None" is meant; the value None leaves the attribute out
    if str(samesite).lower() != "none" or samesite is None or secure:
        return []
    hint = 'Set SESSION_COOKIE_SECURE = True, or leave SESSION_COOKIE_SAMESITE at "Lax": the iframe needs no cookie.'
    what = 'SESSION_COOKIE_SAMESITE is "None" without SESSION_COOKIE_SECURE: browsers drop the cookie, nobody gets in.'
    return [Error(what, hint=hint, id="django_toopher.E007")]
