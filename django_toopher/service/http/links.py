"""Addresses that people open, with the secret in them that proves who they are."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from ..models import Pairing
from ..phones import pairings


def pairing_link(request: HttpRequest, pairing: Pairing) -> str:
    """What the phone opens; the secret stands behind ``#``, so that no server's log sees it."""
    return f"{request.build_absolute_uri(reverse('toopher_service:phone'))}#pair={pairings.link_token(pairing)}"


def reset_link(request: HttpRequest, pairing: Pairing, token: str) -> str:
    """The page on which a person who lost the phone removes the pairing (PROTOCOL.md §5)."""
    page = request.build_absolute_uri(reverse("toopher_service:reset", args=[pairing.pk]))
    return f"{page}?{urlencode({'reset_authorization': token})}"
