"""Where a person is sent on to: nowhere but to this very host (SECURITY.md S10)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def is_ours(request: HttpRequest, url: str) -> bool:
    """Whether ``url`` leads to the host that ``request`` came to, and not from HTTPS to HTTP."""
    # not ALLOWED_HOSTS: ["*"] would allow every site there is
    return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())


def safe_next(request: HttpRequest, url: str) -> str:
    """``url`` when it is ours, else the page that a login leads to."""
    return url if is_ours(request, url) else resolve_url(settings.LOGIN_REDIRECT_URL)
