"""The signature of a postback, ``toopher_sig`` (PROTOCOL §3.5), for those who sign and those who verify.

It is an HMAC-SHA1, keyed with the requester's bare secret, over the form-encoded fields in the order of their
names. Languages disagree on how to form-encode ``~`` and ``*``, hence the three encodings. No two sets of
fields give the same signed text, not even in two encodings that one verifier accepts: ``%`` is escaped in all
of them.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

SIGNATURE_FIELD = "toopher_sig"

PostbackEncoding: TypeAlias = Literal["python-php", "java-ruby", "dotnet-py3"]
"""How ``~`` and ``*`` are written: ``%7E %2A`` (the canonical form), ``%7E *``, ``~ %2A``."""

ACCEPTED_ENCODINGS: tuple[PostbackEncoding, ...] = ("python-php", "dotnet-py3")
"""What our own validator accepts: the canonical form and that of RFC 3986 (PROTOCOL §8.6)."""


def sign_postback(fields: Mapping[str, str], secret: str, encoding: PostbackEncoding = "python-php") -> str:
    """Sign the fields of a postback: 28 characters of base64.

    A ``toopher_sig`` among the fields is left out, as it is when verifying.
    Raises `UnicodeEncodeError` for text that UTF-8 can't carry (lone surrogates).
    """
    signed = "&".join(
        f"{_encode(name, encoding)}={_encode(fields[name], encoding)}"
        for name in sorted(fields)
        if name != SIGNATURE_FIELD
    )
    digest = hmac.digest(secret.encode(), signed.encode("ascii"), "sha1")
    return base64.b64encode(digest).decode("ascii")


def is_signed_postback(fields: Mapping[str, str], secret: str) -> bool:
    """Tell whether ``toopher_sig`` is the signature of the other fields, in one of `ACCEPTED_ENCODINGS`.

    Compares in constant time, and says only yes or no: the expected signature does not outlive this call.
    Raises `UnicodeEncodeError` as `sign_postback` does.
    """
    given = fields.get(SIGNATURE_FIELD, "").encode()
    # a list: both are compared, whichever of them fits
    matches = [
        hmac.compare_digest(given, sign_postback(fields, secret, encoding).encode("ascii"))
        for encoding in ACCEPTED_ENCODINGS
    ]
    return any(matches)


def _encode(text: str, encoding: PostbackEncoding) -> str:
    quoted = quote_plus(text, safe="*" if encoding == "java-ruby" else "")
    return quoted if encoding == "dotnet-py3" else quoted.replace("~", "%7E")
