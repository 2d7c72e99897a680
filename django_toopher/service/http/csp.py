"""Content security policies of the service's pages (W3C CSP 3): own files and own calls only, nothing inline."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.templatetags.static import static


def static_source() -> str:
    """The CSP source of the static files: ``'self'``, and their own origin when they are elsewhere."""
    parts = urlsplit(static("toopher_service/phone/app.js"))
    if not parts.netloc:
        return "'self'"
    return f"'self' {parts.scheme}://{parts.netloc}" if parts.scheme else f"'self' {parts.netloc}"


def content_security_policy(ancestors: Iterable[str] = (), **sources: str) -> str:
    """A policy that allows ``sources`` (``script_src="'self'"``) and nothing else, framed by ``ancestors`` alone."""
    directives = {
        "default-src": "'none'",
        # these three do not fall back to default-src
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
        **{name.replace("_", "-"): value for name, value in sources.items()},
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())
