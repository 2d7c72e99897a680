"""Sites that ask for approvals: found by their key, registered, given new secrets, shut out."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import embedded
from ..conf import conf
from ..models import Requester, only

OVERLAP = 7 * 24 * 3600
"""Seconds that a rotated secret still verifies, unless somebody says otherwise."""

TAP_WARNING = _(
    "%s: no number is shown for its requests, so one tap on the phone approves them. Whoever knows a password can send "
    "requests until somebody taps Approve by mistake. Switch it off only for a client that can't show a number."
)
"""What whoever switches the number off is told."""

_NAME_LENGTH = 100
"""Characters of a requester's name that fit."""


def by_key(consumer_key: str, host: str) -> Requester | None:
    """The requester with this consumer key, compared exactly; ``None`` when there is none.

    The embedded requester comes into being when it is first asked for. Its name is ``TOOPHER_SERVICE_NAME``, whenever
    that changes; without the setting it is at first ``host``, the host that was called, and then the admin's matter.
    """
    requester = only(Requester.objects.filter(consumer_key=consumer_key))
    if requester is None and consumer_key == embedded.CONSUMER_KEY:
        return _create_embedded(host)
    if requester is None or requester.consumer_key != consumer_key:  # a collation may fold case
        return None
    if requester.is_embedded:
        _keep_named(requester)
    return requester


def _keep_named(requester: Requester) -> None:
    """By the setting, where there is one; writes only what is new."""
    name = (conf.TOOPHER_SERVICE_NAME or requester.name)[:_NAME_LENGTH]
    if requester.name != name:
        requester.name = name
        requester.save(update_fields=["name", "modified"])


def _create_embedded(host: str) -> Requester:
    name = conf.TOOPHER_SERVICE_NAME or host.rsplit(":", 1)[0] or "localhost"
    try:
        with transaction.atomic():
            return Requester.objects.create(name=name[:_NAME_LENGTH], consumer_key=embedded.CONSUMER_KEY)
    except IntegrityError:  # another process was first
        return Requester.objects.get(consumer_key=embedded.CONSUMER_KEY)


def create(name: str, origins: list[str], **fields: Any) -> Requester:
    """Register a site, with a fresh key (32 hex digits) and secret (256 bits); ``ValidationError`` for bad input.

    ``fields`` are the model's others: the postback's encoding, limits and permissions.
    """
    requester = Requester(name=name, consumer_key=new_key(), origins="\n".join(origins), **fields)
    issue_secret(requester)
    requester.full_clean()
    requester.save(force_insert=True)
    return requester


def new_key() -> str:
    """A fresh consumer key: 32 hex digits, that no other site has."""
    return secrets.token_hex(16)


def issue_secret(requester: Requester) -> str:
    """Give ``requester``, not yet saved, a fresh secret of 256 bits. It can be told now and never again."""
    requester.consumer_secret = secrets.token_urlsafe(32)
    return requester.consumer_secret


def rotate(requester: Requester, overlap: int = OVERLAP) -> str:
    """A fresh secret; the one before still verifies for ``overlap`` seconds, so that the site can change over.

    ``ValidationError`` for the embedded requester, whose secret follows ``SECRET_KEY``.
    """
    if requester.is_embedded:
        raise ValidationError("The embedded requester's secret is derived from SECRET_KEY: rotate that.")
    requester.previous_secret = requester.consumer_secret
    requester.previous_secret_expires = timezone.now() + timedelta(seconds=overlap)
    secret = issue_secret(requester)
    requester.save()
    return secret


def change(requester: Requester, **fields: Any) -> None:
    """Give the site another name, origins, limits or permissions; ``ValidationError`` for bad input."""
    for name, value in fields.items():
        setattr(requester, name, value)
    requester.full_clean()
    requester.save()


def restore(requester: Requester) -> None:
    """Let a site in again that was shut out."""
    requester.is_active = True
    requester.save(update_fields=["is_active", "modified"])


def revoke(requester: Requester) -> None:
    """Shut the site out: every call of it is answered with 403 from now on."""
    requester.is_active = False
    requester.save(update_fields=["is_active", "modified"])
