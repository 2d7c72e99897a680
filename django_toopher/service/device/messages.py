"""Verifies what an authenticator says: compact JWS, ES256 (docs/authenticator.rst, RFC 7515, RFC 7518 §3.4).

PyJWT does the arithmetic. Ours is which key, for which call, how old, and that a message is used once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from django.http import HttpRequest
from django.utils import timezone

from ..errors import BadParameterError, ClockError, NotSignedError, ReplayedError
from ..http.ids import parse_uuid
from ..models import Authenticator, SpentNonce, only
from ..phones import authenticators

CLOCK_SKEW = 300
"""Seconds that ``iat`` may lie in the past or the future."""

LARGEST = 16 * 1024
"""Bytes of a message."""

LAST_SECOND = 2**53
"""The largest ``iat`` that is a time at all; what is larger would not fit into a float."""


@dataclass(frozen=True)
class Message:
    """A message whose signature holds: its claims, and the text itself."""

    claims: Mapping[str, Any]
    evidence: str

    def text(self, name: str, *, most: int = 1000) -> str:
        """A claim that must be a text; blank is a text."""
        value = self.claims.get(name)
        if not isinstance(value, str) or len(value) > most or "\0" in value or not _is_unicode(value):
            raise BadParameterError(f"{name} must be a text of at most {most} characters.")
        return value

    def allows(self) -> bool:
        """The person's decision."""
        decision = self.text("decision")
        if decision not in {"allow", "deny"}:
            raise BadParameterError("decision must be allow or deny.")
        return decision == "allow"

    def uuid(self, name: str) -> UUID:
        """A claim that must be an id."""
        return parse_uuid(self.claims.get(name), name)


def from_authenticator(request: HttpRequest) -> tuple[Authenticator, Message]:
    """The authenticator that sent ``request``, by the key registered for it, and its message, used up."""
    token = _token(request)
    kid = _header(token).get("kid")
    authenticator = only(Authenticator.objects.filter(pk__in=_known_uuids(kid)))
    if authenticator is None:
        raise NotSignedError("This phone is not known here.")
    return authenticator, _verified(request, token, authenticator.public_key, authenticator.thumbprint)


def from_new_key(request: HttpRequest) -> tuple[dict[str, Any], Message]:
    """The public key that ``request`` carries, proved by a signature with it, and the message, used up."""
    token = _token(request)
    key = authenticators.checked_key(_header(token).get("jwk"))
    return key, _verified(request, token, key, authenticators.thumbprint(key))


def _token(request: HttpRequest) -> str:
    if len(request.body) > LARGEST:
        raise BadParameterError("The message is too long.")
    try:
        return request.body.decode("ascii")
    except UnicodeDecodeError:
        raise BadParameterError("The message is not a JWS.") from None


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise BadParameterError("The message is not a JWS.") from None


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can carry ``text``: JSON can spell half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _known_uuids(kid: object) -> list[UUID]:
    """The id that the header names, if it is one; something else is nobody's."""
    try:
        return [parse_uuid(kid, "kid")]
    except BadParameterError:
        return []


def _verified(request: HttpRequest, token: str, public_key: dict[str, Any], thumbprint: str) -> Message:
    try:
        key = jwt.PyJWK.from_dict(public_key, algorithm="ES256")
        claims = jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            audience=request.build_absolute_uri(request.path),
            options={
                "require": ["aud", "iat", "jti"],
                "verify_iat": False,  # `_check_age` does, and tells a wrong clock from a wrong signature
                "verify_exp": False,
                "verify_nbf": False,
                "strict_aud": True,  # a list of addresses would be good for several calls (S26)
            },
        )
    except jwt.MissingRequiredClaimError as exc:
        raise BadParameterError(f"The claim {exc.claim} is missing.") from None
    except (jwt.InvalidTokenError, jwt.PyJWKError, jwt.InvalidKeyError):
        raise NotSignedError("The phone's signature does not hold.") from None
    _check_age(claims["iat"])
    _spend(claims["jti"], thumbprint)  # after the signature: nobody else uses up a phone's jti
    return Message(claims, token)


def _check_age(issued: object) -> None:
    if not isinstance(issued, int) or isinstance(issued, bool) or abs(issued) > LAST_SECOND:
        raise BadParameterError("iat must be whole seconds.")
    if abs(timezone.now().timestamp() - issued) > CLOCK_SKEW:
        raise ClockError("The phone's clock is wrong.")


def _spend(jti: object, thumbprint: str) -> None:
    if not isinstance(jti, str) or not 16 <= len(jti) <= 64 or not jti.isprintable():
        raise BadParameterError("jti must be a text of 16 to 64 characters.")
    # twice, as `iat` may lie ahead of the clock
    expires = timezone.now() + timedelta(seconds=2 * CLOCK_SKEW)
    # by the key: who registers has no id yet
    if not SpentNonce.spend(f"device\n{thumbprint}\n{jti}", expires):
        raise ReplayedError("This message was received before.")
