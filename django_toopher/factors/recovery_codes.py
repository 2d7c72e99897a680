"""Recovery codes: what a person keeps on paper for the day when the phone is gone (NIST SP 800-63B-4 §3.1.2).

A code has 60 bits, too few for a bare hash in a stolen database and enough for a slow one that is not very slow: with
``ROUNDS`` of PBKDF2 a code costs an attacker 2**74 hashes, and us some milliseconds. So they are kept with Django's own
password hasher, each with its salt, and a try is compared with all that are left.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import limits
from ..conf import conf
from ..errors import TooManyCodesError
from ..models import RecoveryCode, ToopherAccount

logger = logging.getLogger(__name__)

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o and u."""

LENGTH = 12
"""Characters of a code, shown in groups of four."""

ROUNDS = 20_000

FEW = 3
"""From here on a person is told to make new ones."""

_HASHER = PBKDF2PasswordHasher()
_CONFUSED = str.maketrans("oil", "011")


def remaining(user: Any) -> int:
    """How many codes of this user are left. One query."""
    return RecoveryCode.objects.filter(user=user.pk, used=None).count()


def any_left(user_field: str = "user") -> Exists:
    """For a query: whether the row's user has codes left."""
    return Exists(RecoveryCode.objects.filter(user=OuterRef(user_field), used=None))


def make(user: Any) -> list[str]:
    """New codes for this user, told here only; the ones from before are void."""
    codes = [_new() for _ in range(conf.TOOPHER_RECOVERY_CODES)]
    rows = [RecoveryCode(user=user, encoded=_HASHER.encode(code, _HASHER.salt(), ROUNDS)) for code in codes]
    account = ToopherAccount.objects.for_user(user)
    with transaction.atomic():
        # The UPDATE locks the account: of two who make codes at once, the later one's replace the earlier one's.
        # And with new codes, whoever typed a hundred wrong ones may try again (SECURITY.md S23).
        ToopherAccount.objects.filter(pk=account.pk).update(failures=0, blocked_until=None)
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(rows)
        _tell(user, "recovery_made", _("New recovery codes for your account"))
    return [_spaced(code) for code in codes]


def _new() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _spaced(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, LENGTH, 4))


def normalized(typed: str) -> str:
    """A code as it was made, from what somebody typed; ``""`` for what can't be one."""
    code = "".join(character for character in typed[:100].lower() if character.isalnum()).translate(_CONFUSED)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else ""


def match(account: ToopherAccount, typed: str) -> RecoveryCode | None:
    """The code that was typed, not spent yet; ``None`` for a wrong one. ``TooManyCodesError`` before it is looked at.

    The try is counted before it is compared, so that no more are compared at once than one after the other.
    """
    limits.begin_try(account, TooManyCodesError)
    code = normalized(typed)
    left = RecoveryCode.objects.filter(user=account.user_id, used=None)
    return next((row for row in left if code and _HASHER.verify(code, row.encoded)), None)


def spend(code: RecoveryCode, user: Any) -> bool:
    """Use the code up; False when it was used or replaced meanwhile. The person is told by mail."""
    if not RecoveryCode.objects.filter(pk=code.pk, used=None).update(used=timezone.now()):
        return False
    limits.forget(user)
    _tell(user, "recovery_used", _("A recovery code of your account was used"), left=remaining(user))
    return True


def _tell(user: Any, template: str, subject: str, **context: Any) -> None:
    """Mail the user once the change is committed. A mail server that fails is logged, and changes nothing."""
    address = getattr(user, "email", "")
    if not address:
        return
    context = {"username": user.get_username(), "when": timezone.now(), **context}
    message = EmailMessage(subject, render_to_string(f"django_toopher/mail/{template}.txt", context), None, [address])

    def deliver() -> None:
        try:
            message.send()
        except OSError as exc:  # smtplib's errors are ones
            logger.warning("mail %s to user %s was not sent: %s", template, user.pk, type(exc).__name__)

    transaction.on_commit(deliver, robust=True)
