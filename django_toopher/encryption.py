"""Secrets at rest (SECURITY.md S34).

Fernet (AES-128-CBC with HMAC-SHA256), with keys from ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
    _JSONField = models.TextField[dict[str, str], dict[str, str]]
else:
    _TextField = _JSONField = models.TextField

# Stays so wherever this module goes: what is stored was encrypted with it.
_SALT = b"django_toopher.service.encryption"


def _fernet() -> MultiFernet:
    """The current key first: it encrypts; the fallbacks only decrypt."""
    return _fernet_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _fernet_of(keys: tuple[str | bytes, ...]) -> MultiFernet:
    """Kept, as the settings keep the keys themselves; what it decrypts is kept nowhere."""
    digests = [hashlib.sha256(_SALT + str(key).encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def encrypt(text: str) -> str:
    """``text`` as a Fernet token."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of a Fernet token; ``ImproperlyConfigured`` when no key of this site opens it."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as exc:
        raise ImproperlyConfigured(
            "A secret in the database was encrypted with another SECRET_KEY. Put that key into SECRET_KEY_FALLBACKS."
        ) from exc


def encrypt_anew(token: str) -> str:
    """The token with the current key; as it is where that has made it already. Raises what ``decrypt`` raises."""
    newest = _fernet_of((settings.SECRET_KEY,))
    try:
        newest.decrypt(token.encode())
    except InvalidToken:
        return encrypt(decrypt(token))
    return token


class EncryptedTextField(_TextField):
    """A text that is unreadable in a dump of the database. It can be read back, not searched."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database; blank stays blank."""
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Decrypt on the way back."""
        return decrypt(value) if value else value


class EncryptedJSONField(_JSONField):
    """A JSON object of texts, unreadable in a dump of the database; read back as a dict."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return None if value is None else encrypt(json.dumps(value))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Decrypt on the way back."""
        return None if value is None else json.loads(decrypt(value))
