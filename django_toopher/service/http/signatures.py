"""Verifies signed requests: OAuth 1.0a, two-legged, HMAC-SHA1 (PROTOCOL.md §1, RFC 5849).

oauthlib's server side does the arithmetic. Ours is whom to believe: the requester's secrets, the nonces, and that only
parameters which were signed are ever read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.http import HttpRequest
from django.utils import timezone
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from ..errors import NotAllowedError, NotSignedError
from ..models import Requester, SpentNonce, digest
from ..people import requesters

CLOCK_SKEW = 300
"""Seconds that a timestamp may lie in the past or the future (SECURITY.md S20)."""

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class SignedRequest:
    """A request whose signature holds: who sent it, and the parameters that were signed.

    Of a parameter given twice the last value counts (PROTOCOL.md §1.3-4). ``signature`` is the digest of the OAuth
    signature: the same request has the same one, and no other has it.
    """

    requester: Requester
    parameters: Mapping[str, str]
    signature: str


class _Validator(RequestValidator):
    """Tells oauthlib whose request it is; keys and nonces of every published client's shape pass (PROTOCOL.md §1.4)."""

    enforce_ssl = False
    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = CLOCK_SKEW
    dummy_client = "dummy"

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host
        self.requester: Requester | None = None
        self.untried: list[str] = []

    def check_client_key(self, client_key: str) -> bool:
        return 1 <= len(client_key) <= 100 and client_key.isprintable()

    def check_nonce(self, nonce: str) -> bool:
        return 1 <= len(nonce) <= 255 and nonce.isprintable()

    def validate_timestamp_and_nonce(self, *args: object, **kwargs: object) -> bool:
        return True  # spent by `verify`, and only once the signature holds

    def validate_client_key(self, client_key: str, request: object) -> bool:
        if self.requester is None:  # oauthlib asks anew for each secret that is tried
            self.requester = requesters.by_key(client_key, self.host)
            self.untried = self.requester.consumer_secrets() if self.requester else []
        return self.requester is not None

    def get_client_secret(self, client_key: str, request: object) -> str:
        # a random one for an unknown key: it is verified all the same, and takes as long (S20)
        return self.untried.pop(0) if self.untried else secrets.token_hex()

    def get_access_token_secret(self, client_key: str, token: str, request: object) -> str:
        return secrets.token_hex()  # two-legged: no token exists, so none verifies


def verify(request: HttpRequest, *, spend_nonce: bool = True) -> SignedRequest:
    """The signed request in ``request``, its nonce spent.

    ``spend_nonce=False`` is for iframe pages, which a browser may reload (PROTOCOL.md §1.4). Raises ``NotSignedError``
    with one text for every cause, and ``NotAllowedError`` for a requester that was switched off.
    """
    found = next(filter(None, (_signed(request, reading) for reading in _readings(request))), None)
    if found is None:
        raise NotSignedError
    requester, signed = found
    # only now: a bad signature must not tell that a requester is switched off (S20)
    if not requester.is_active:
        raise NotAllowedError("This requester has been deactivated.")
    if spend_nonce:
        _spend(signed)
    parameters = {name: value for name, value in signed.params if not name.startswith("oauth_")}
    parameters |= _latin_1(request, parameters)
    return SignedRequest(requester, parameters, digest(f"{signed.client_key}\n{signed.signature}"))


class _Reading(NamedTuple):
    """What of a request its sender may have signed: address with query, and form. Nothing else is ever read of it."""

    uri: str
    body: str


def _readings(request: HttpRequest) -> Iterator[_Reading]:
    """What came, by the book; then what published clients sign when they send that (PROTOCOL.md §1.3)."""
    came = _Reading(request.build_absolute_uri(), _form(request))
    address, _mark, query = came.uri.partition("?")
    yield came
    if request.method == "POST" and query and request.content_type == FORM:
        yield came._replace(uri=address)  # .NET repeats the form in the query, and signs it once
    signed = [pair for pair in query.split("&") if not pair or "=" in pair]
    if len(signed) <= query.count("&"):
        yield came._replace(uri=f"{address}?{'&'.join(signed)}")  # Java sends the name of a null, and signs without it
    if request.method == "POST" and request.path.endswith("/generate_reset_link"):
        given = dict(parse_qsl(came.body, keep_blank_values=True))
        blanks = [f"{name}=" for name in ("security_question", "security_answer") if name not in given]
        yield came._replace(body="&".join(filter(None, [came.body, *blanks])))  # PHP signs what it leaves out as blank


def _form(request: HttpRequest) -> str:
    """A body counts only as a form, and its undecodable bytes as U+FFFD (PROTOCOL.md §1.1)."""
    return request.body.decode("utf-8", "replace") if request.content_type == FORM else ""


def _latin_1(request: HttpRequest, parameters: Mapping[str, str]) -> dict[str, str]:
    """Those of a form's values that are no UTF-8, read again: Java writes ISO-8859-1 (PROTOCOL.md §1.1).

    What was signed of such a value has U+FFFD in place of each letter that is not ASCII.
    """
    if request.content_type != FORM or not any("\ufffd" in value for value in parameters.values()):
        return {}
    came = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    again = {name: value for name, value in came if not _is_utf_8(value.encode("latin-1"))}
    return {
        name: value
        for name, value in again.items()
        if parameters.get(name) == value.encode("latin-1").decode("utf-8", "replace")
    }


def _is_utf_8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _signed(request: HttpRequest, reading: _Reading) -> tuple[Requester, Any] | None:
    """Who signed ``reading``, and oauthlib's view of it, when one of the requester's secrets made the signature."""
    validator = _Validator(request.get_host())
    endpoint = SignatureOnlyEndpoint(validator)
    while True:
        try:
            valid, signed = endpoint.validate_request(**_signed_parts(request, reading))
        except ValueError:  # what oauthlib raises for a header or query that it can't take apart
            return None
        if valid and validator.requester is not None:
            return validator.requester, signed
        if not validator.untried:
            return None


def _signed_parts(request: HttpRequest, reading: _Reading) -> dict[str, Any]:
    """What a signature covers, as oauthlib takes it."""
    authorization = request.headers.get("Authorization", "")
    headers = {"Authorization": authorization} if authorization[:6].lower() == "oauth " else {}
    return {
        "uri": reading.uri,
        "http_method": request.method,
        "body": reading.body,
        # oauthlib reads no body but a form's, and `_form` has let no other through
        "headers": {**headers, "Content-Type": FORM},
    }


def _spend(signed: Any) -> None:
    """(key, timestamp, nonce) once, for as long as the timestamp could pass (RFC 5849 §3.3)."""
    nonce = f"oauth\n{signed.client_key}\n{signed.timestamp}\n{signed.nonce}"
    # twice, as the timestamp may lie ahead of the clock
    if not SpentNonce.spend(nonce, timezone.now() + timedelta(seconds=2 * CLOCK_SKEW)):
        raise NotSignedError
