"""Lists of one-time codes, made beforehand and kept on paper (PROTOCOL.md §4.2)."""

from __future__ import annotations

import re
import secrets

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from ..models import PregeneratedCode, User

CODES = 10
"""Codes of one list."""

DIGITS = 8
"""Digits of a code. No other code of a user has as many, so none is tried as another kind."""

_SALT = "django_toopher.service.otp-list"


def activate(user: User) -> list[str]:
    """A fresh list, told here and never again; the codes that were left of an earlier one are void.

    Of two lists activated at once one remains: the UPDATE locks the user's row.
    """
    codes: set[str] = set()
    while len(codes) < CODES:
        codes.add(f"{secrets.randbelow(10**DIGITS):0{DIGITS}}")
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(has_had_codes=True, modified=timezone.now())
        user.pregenerated_codes.all().delete()
        PregeneratedCode.objects.bulk_create(
            PregeneratedCode(user=user, code_digest=_digests(user, code)[0]) for code in codes
        )
    return secrets.SystemRandom().sample(sorted(codes), CODES)


def has_codes(user: User) -> bool:
    """Whether the user has a code that was not used."""
    return user.pregenerated_codes.exists()


def spend(user: User, code: str) -> bool:
    """Use up the user's code; ``False`` for a wrong or used one. Spaces and hyphens in ``code`` are ignored.

    The DELETE is the check, so of two processes one succeeds.
    """
    code = re.sub(r"[\s-]", "", code)
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", code):
        return False
    spent, _ = user.pregenerated_codes.filter(code_digest__in=_digests(user, code)).delete()
    return bool(spent)


def _digests(user: User, code: str) -> list[str]:
    """How the code is stored, by the current ``SECRET_KEY`` first, then by each of ``SECRET_KEY_FALLBACKS``.

    Eight digits are few enough to try them all, however slow the hash: what protects them in a dump is a key that is
    not in it (SECURITY.md S34).
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    text = f"{user.pk.hex}\n{code}"
    return [salted_hmac(_SALT, text, secret=key, algorithm="sha256").hexdigest() for key in keys]
