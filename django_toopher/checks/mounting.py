"""Whether the URLs are where people and the embedded service find them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.shortcuts import resolve_url
from django.urls import LocalePrefixPattern, NoReverseMatch, Resolver404, URLResolver, get_resolver, resolve, reverse


@register("django_toopher")
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """The login flow's URLs are mounted, once."""
    try:
        reverse("django_toopher:authenticate")
    except NoReverseMatch:
        hint = 'Add path("accounts/", include("django_toopher.urls")) to the URLconf.'
        what = "django_toopher is installed, but its URLs are not mounted."
        return [Error(what, hint=hint, id="django_toopher.E004")]
    if len(list(_mounted("django_toopher"))) > 1:
        hint = "Remove one include(): links lead to the last of them only."
        what = "The URLs of django_toopher are mounted more than once."
        return [checks.Warning(what, hint=hint, id="django_toopher.W010")]
    return []


@register("django_toopher")
def check_service_urls(**kwargs: Any) -> list[CheckMessage]:
    """The embedded service has one address, whatever language somebody reads."""
    if not any(has_language for has_language in _mounted("toopher_service")):
        return []
    hint = "Mount django_toopher.service.urls outside of i18n_patterns(): its calls are signed with their address."
    what = "The URLs of the Toopher service depend on the language."
    return [Error(what, hint=hint, id="django_toopher.E013")]


def _mounted(app_name: str, resolver: Any = None, has_language: bool = False) -> Iterator[bool]:
    """For each place where an app's URLs are mounted: whether it is below a prefix for the language."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            below = has_language or isinstance(each.pattern, LocalePrefixPattern)
            if each.app_name == app_name:
                yield below
            else:
                yield from _mounted(app_name, each, below)


@register("django_toopher")
def check_login_url(**kwargs: Any) -> list[CheckMessage]:
    """``LOGIN_URL`` leads to a login page: ours, or another one, which the middleware holds to the policy."""
    if not apps.is_installed("django.contrib.auth"):  # E008 says so
        return []
    hint = 'Set LOGIN_URL = "django_toopher:login".'
    try:
        url = resolve_url(settings.LOGIN_URL)
        if url.startswith("/") and not url.startswith("//"):
            resolve(url.partition("?")[0])
    except (NoReverseMatch, Resolver404):
        if settings.LOGIN_URL == "django_toopher:login":  # E004 says so
            return []
        return [
            checks.Warning(
                f"LOGIN_URL is {settings.LOGIN_URL!r}, where no page is.", hint=hint, id="django_toopher.W011"
            )
        ]
    return []
