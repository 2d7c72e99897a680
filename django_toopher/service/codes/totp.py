"""The code on the phone that works without network: RFC 6238, HMAC-SHA1, 6 digits, 30 s (PROTOCOL.md §4.1, §8.5)."""

from __future__ import annotations

import re
from datetime import datetime

import pyotp
from django.db.models import Q
from pyotp.utils import strings_equal

from ..models.pairings import Pairing, PairingQuerySet

DIGITS = 6
PERIOD = 30
"""Seconds of one time step."""

WINDOW = 1
"""Time steps that a phone's clock may be off, either way (SECURITY.md S28)."""


def new_seed() -> str:
    """160 random bits in base32 (RFC 4226 §4 R6)."""
    return pyotp.random_base32(32)


def spend(pairings: PairingQuerySet, code: str, now: datetime) -> Pairing | None:
    """The one of these pairings whose code this is, its time step used up; ``None`` for a wrong or used code.

    Spaces in ``code`` are ignored. A step that was used, and every earlier one, never passes again: the UPDATE that
    records it is the check, so of two processes one succeeds.
    """
    code = re.sub(r"\s", "", code)
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", code):
        return None
    for pairing in pairings:
        step = _matching_step(pairing, code, now)
        if step is not None and _spend_step(pairings, pairing, step):
            return pairing
    return None


def _matching_step(pairing: Pairing, code: str, now: datetime) -> int | None:
    totp = pyotp.TOTP(pairing.otp_seed, digits=DIGITS, interval=PERIOD)
    current = int(now.timestamp()) // PERIOD
    for step in range(current - WINDOW, current + WINDOW + 1):
        if strings_equal(totp.generate_otp(step), code):  # in constant time (S28)
            return step
    return None


def _spend_step(pairings: PairingQuerySet, pairing: Pairing, step: int) -> bool:
    unused = Q(otp_last_step__isnull=True) | Q(otp_last_step__lt=step)
    return bool(pairings.filter(unused, pk=pairing.pk).update(otp_last_step=step))
