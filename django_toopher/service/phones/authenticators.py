"""Phones: their keys, and the phrases they show."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from mnemonic import Mnemonic

from ..errors import BadParameterError
from ..models import Authenticator, PairingPhrase

PHRASE_WORDS = 4
"""Words of a phrase. Of 2048 each (BIP 39's English list), so 44 bits (SECURITY.md S29 asks for 40)."""


PAIRING_AGE = 600
"""Seconds that a phrase, and a pairing that nobody has confirmed, can be used (S29, NIST SP 800-63B-4 §4.1.2.2)."""


def register(public_key: dict[str, Any], name: str) -> Authenticator:
    """The authenticator with this P-256 key (a JWK, RFC 7517), made when it is new."""
    key = {member: public_key[member] for member in ("crv", "kty", "x", "y")}
    authenticator, _ = Authenticator.objects.get_or_create(
        thumbprint=thumbprint(key), defaults={"name": name, "public_key": key}
    )
    return authenticator


def thumbprint(key: dict[str, Any]) -> str:
    """RFC 7638: SHA-256 of the key's required members in order, as 64 hex digits."""
    canonical = json.dumps(key, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@cache
def _words() -> list[str]:
    return list(Mnemonic("english").wordlist)


def new_phrase(authenticator: Authenticator, now: datetime) -> tuple[str, datetime]:
    """A fresh pairing phrase and when it expires; the phrases that this phone showed before are void."""
    expires = now + timedelta(seconds=PAIRING_AGE)
    authenticator.phrases.all().delete()
    while True:
        phrase = " ".join(secrets.choice(_words()) for _ in range(PHRASE_WORDS))
        try:
            with transaction.atomic():
                authenticator.phrases.create(phrase_digest=_phrase_digest(phrase), expires=expires)
        except IntegrityError:  # another phone shows these words now
            continue
        return phrase, expires


def spend_phrase(phrase: str, now: datetime) -> Authenticator | None:
    """The phone that shows this phrase, the phrase used up; ``None`` when no phone does (any more)."""
    row = (
        PairingPhrase.objects.filter(phrase_digest=_phrase_digest(phrase), expires__gt=now)
        .select_related("authenticator")
        .first()
    )
    if row is None:
        return None
    # the DELETE decides: a phrase that two sites send at once pairs at one of them (S29)
    spent, _ = PairingPhrase.objects.filter(pk=row.pk).delete()
    return row.authenticator if spent else None


def is_shown(phrase: str, now: datetime) -> bool:
    """Whether some phone shows this phrase."""
    return PairingPhrase.objects.filter(phrase_digest=_phrase_digest(phrase), expires__gt=now).exists()


def _phrase_digest(phrase: str) -> str:
    """Case and white space do not matter in what a person types (PROTOCOL.md §2.2)."""
    words = re.sub(r"[\s,.-]+", " ", phrase).strip().lower()
    # keyed: a plain digest of 44 bits could be tried out in a dump (S34)
    return salted_hmac("django_toopher.service.phrase", words, algorithm="sha256").hexdigest()


def checked_key(key: Any) -> dict[str, Any]:
    """``key`` when it has the shape of a P-256 public JWK; ``BadParameterError`` otherwise."""
    if not isinstance(key, dict) or key.get("kty") != "EC" or key.get("crv") != "P-256":
        raise BadParameterError("The key must be an EC key on P-256.")
    for member in ("x", "y"):
        coordinate = key.get(member)
        if not isinstance(coordinate, str) or not re.fullmatch(r"[A-Za-z0-9_-]{43}", coordinate):
            raise BadParameterError(f"The key's {member} must be 32 bytes in base64url.")
    return key
