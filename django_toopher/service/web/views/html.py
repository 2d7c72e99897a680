"""HTML for people, rendered without the request, so that no context processor of the site touches the session."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.loader import render_to_string

from ...http.calls import Json


def html_page(template: str, context: Json, status: int, policy: str) -> HttpResponse:
    """A page with its content security policy; its address, which may be a secret, is told to nobody."""
    response = HttpResponse(render_to_string(f"toopher_service/web/{template}", context), status=status)
    response["Content-Security-Policy"] = policy
    response["Referrer-Policy"] = "no-referrer"
    return response
