"""An iframe whose clock stands still, and postbacks to it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from django_toopher.client import (
    ToopherIframe,
    sign_postback,
)

from .conftest import KEY, SECRET
from .test_signatures import ALWAYS

ROOT = "https://api.toopher.test/v1"
EMAIL = "jdoe@example.com"
TOKEN = "s9s7vsb"
WITHOUT_OPTIONS = {"automation_allowed": None, "challenge_required": None, "allow_inline_pairing": None}


def make_iframe(now=1000.0, root=ROOT):
    """A requester's iframe whose clock stands still and whose nonce is known."""
    iframe = ToopherIframe(KEY, SECRET, root, clock=lambda: now)
    iframe.client.nonce, iframe.client.timestamp = "12345678", "1000"
    return iframe


def parameters(url):
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True))


def signed(fields, secret=SECRET, **changes):
    fields = {**ALWAYS, **fields, **changes}
    return {**fields, "toopher_sig": sign_postback(fields, secret)}


class ManyValues(dict):
    """As much of Django's QueryDict as the client looks at."""

    def lists(self):
        return self.items()
