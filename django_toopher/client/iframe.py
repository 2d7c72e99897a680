"""Pages of the service inside the requester's own: signed URLs out, signed postbacks in (PROTOCOL §3)."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode

from oauthlib.oauth1 import SIGNATURE_TYPE_QUERY, Client

from .exceptions import (
    ExpiredError,
    FutureDatedError,
    KindError,
    MalformedPostbackError,
    SignatureError,
    TokenError,
    UserMismatchError,
    refusal,
)
from .signatures import is_signed_postback
from .transport import service_root

DEFAULT_TTL = 100
"""Seconds for which a signed URL may be opened, and for which a postback may be handed in."""

CLOCK_TOLERANCE = 30
"""Seconds by which the service's clock may be ahead of ours."""

WRAPPER_FIELDS = frozenset({"toopher_iframe_data", "iframe_postback_data"})
"""Fields in which some scripts post the whole postback as one form-encoded text (PROTOCOL §3.3)."""

Postback: TypeAlias = str | Mapping[str, str | Sequence[str]]
"""A form-encoded text, a dict of texts or of lists of texts, or a Django ``QueryDict``."""


class ToopherIframe:
    """Makes the URLs of the service's pages for one requester, and checks what these pages bring back.

    ``client`` is the oauthlib `Client` that signs the URLs; its ``nonce`` and ``timestamp`` may be set to
    make them reproducible. ``clock`` tells the time in seconds since the epoch.
    """

    def __init__(
        self, key: str, secret: str, api_uri: str | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        if not key or not secret:
            raise ValueError("A requester needs a key and a secret")
        self.base_uri = service_root(api_uri)
        self.secret = secret
        self.client = Client(key, client_secret=secret, signature_type=SIGNATURE_TYPE_QUERY)
        self.clock = clock

    def get_auth_iframe_url(
        self,
        username: str,
        reset_email: str,
        request_token: str,
        action_name: str = "Log In",
        requester_metadata: str | None = None,
        **kwargs: Any,
    ) -> str:
        """Sign the URL of the page that pairs the user's phone, if need be, and asks it to approve an action.

        ``request_token`` comes back in the postback and has to be random and fresh; keep it in the session.
        ``requester_metadata`` comes back unchanged, None as the text ``None``.

        Keywords: ``ttl`` (seconds until the URL can't be opened any more, default 100),
        ``automation_allowed`` (True), ``challenge_required`` (False), ``allow_inline_pairing`` (True). Any
        other is signed into the URL as well, unless it is None.
        """
        options = {
            "automation_allowed": True,
            "challenge_required": False,
            "allow_inline_pairing": True,
            **kwargs,
        }
        return self._signed_url(
            "authenticate",
            username=username,
            reset_email=reset_email,
            session_token=request_token,
            action_name=action_name,
            requester_metadata=str(requester_metadata),
            **options,
        )

    def get_user_management_iframe_url(self, username: str, reset_email: str, **kwargs: Any) -> str:
        """Sign the URL of the page on which users pair and remove their phones.

        Keywords: ``ttl``, and any others to be signed into the URL, as for `get_auth_iframe_url`. With
        ``session_token``, random and fresh, the page's postbacks can be verified: they carry it, and
        `validate_postback` takes it as its ``request_token``. Without one, no postback is believed.
        """
        return self._signed_url("manage_user", username=username, reset_email=reset_email, **kwargs)

    get_auth_url = get_auth_iframe_url
    get_user_management_url = get_user_management_iframe_url

    def validate_postback(
        self,
        data: Postback,
        request_token: str | None = None,
        *,
        ttl: float = DEFAULT_TTL,
        resource_type: str | None = None,
        username: str | None = None,
    ) -> dict[str, str]:
        """Verify a postback and return its fields.

        ``request_token`` is the one that went into the URL; without one no postback is accepted. ``ttl`` is
        how many seconds old the postback may be. ``resource_type`` demands one kind of postback (PROTOCOL
        §3.4), ``username`` that it is about this very user.

        Nothing is believed before the signature holds. So what isn't a set of texts raises
        `MalformedPostbackError`, then `SignatureError` comes first of all, then `ExpiredError`,
        `FutureDatedError` and `TokenError`. Only then a postback that tells of an error raises the
        `RequestRefusedError` of its code, and the rest may raise `KindError` or `UserMismatchError`. That a
        postback is accepted only once is for the caller to see to, by spending the request token.
        """
        fields = _flattened(data)
        self._check_signature(fields)
        self._check_age(fields, ttl)
        _check_token(fields, request_token)
        _raise_reported_error(fields)
        _check_kind(fields, resource_type)
        _check_user(fields, username)
        return fields

    def _signed_url(self, page: str, /, *, ttl: float = DEFAULT_TTL, **parameters: Any) -> str:
        expires = int(self.clock()) + int(ttl)
        # dict(): a keyword that is fixed here raises instead of replacing it
        query = dict(v=2, expires=expires, **_without_none(parameters))
        url, _, _ = self.client.sign(f"{self.base_uri}/web/{page}?{urlencode(query)}")
        return str(url)

    def _check_signature(self, fields: Mapping[str, str]) -> None:
        if not is_signed_postback(fields, self.secret):
            raise SignatureError("The postback's signature is missing or wrong")

    def _check_age(self, fields: Mapping[str, str], ttl: float) -> None:
        age = self.clock() - _timestamp(fields)
        if age >= ttl:
            raise ExpiredError("The postback is too old")
        if age < -CLOCK_TOLERANCE:
            raise FutureDatedError("The postback is from the future")


def _without_none(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _flattened(data: Postback) -> dict[str, str]:
    """Bring a postback to one text per name, in whichever of its forms it came."""
    if isinstance(data, str):
        return _unwrapped(data)
    fields = {_text(name): _only_text(value) for name, value in _entries(data)}
    if fields and fields.keys() <= WRAPPER_FIELDS:
        return _unwrapped(_only_text([*fields.values()]))  # both may be there, with one text (PROTOCOL §3.3)
    return fields


def _entries(data: Any) -> Iterable[tuple[Any, Any]]:
    if not isinstance(data, Mapping):
        raise MalformedPostbackError("The postback is not a set of fields")
    # a QueryDict's items() hides all values but the last: a field posted twice has to be seen (S01)
    return data.lists() if hasattr(data, "lists") else data.items()


def _unwrapped(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError as exc:
        raise MalformedPostbackError("The postback is not form-encoded") from exc
    entries: dict[str, list[str]] = {}
    for name, value in pairs:
        entries.setdefault(name, []).append(value)
    return {_text(name): _only_text(values) for name, values in entries.items()}


def _only_text(value: Any) -> str:
    """The one text that a field has; the same text several times over counts as one."""
    texts = {_text(value)} if isinstance(value, str) else {_text(text) for text in _sequence(value)}
    if len(texts) != 1:
        raise MalformedPostbackError("A field of the postback has no value, or several")
    return texts.pop()


def _sequence(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise MalformedPostbackError("A field of the postback is not text")
    return value


def _text(value: Any) -> str:
    """Let through what is text and can be written in UTF-8, as the signature needs it."""
    try:
        value.encode()
    except (AttributeError, UnicodeEncodeError) as exc:
        raise MalformedPostbackError("A field of the postback is not text") from exc
    return str(value)


def _timestamp(fields: Mapping[str, str]) -> int:
    text = fields.get("timestamp", "")
    # int() alone takes blanks, signs, underscores and the digits of other scripts
    if not re.fullmatch("[0-9]{1,12}", text):
        raise MalformedPostbackError("The postback's timestamp is missing or no number of seconds")
    return int(text)


def _check_token(fields: Mapping[str, str], request_token: str | None) -> None:
    if not request_token or request_token.isspace():
        raise TokenError("There is no request token that the postback could answer")
    # as bytes: of texts, compare_digest takes ASCII only
    if not hmac.compare_digest(fields.get("session_token", "").encode(), request_token.encode()):
        raise TokenError("The postback answers another request")


def _raise_reported_error(fields: Mapping[str, str]) -> None:
    if fields.keys() & {"error_code", "error_message"}:
        code = fields.get("error_code", "")
        raise refusal(int(code) if re.fullmatch("[0-9]{1,9}", code) else None, fields.get("error_message", ""))


def _check_kind(fields: Mapping[str, str], resource_type: str | None) -> None:
    if resource_type is not None and fields.get("resource_type") != resource_type:
        raise KindError("The postback answers another kind of question")


def _check_user(fields: Mapping[str, str], username: str | None) -> None:
    name_field = "name" if fields.get("resource_type") == "requester_user" else "user_name"
    if username is not None and fields.get(name_field) != username:
        raise UserMismatchError("The postback is about another user")
