"""Deletes what has expired, in batches, while the service goes on serving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ..conf import conf
from ..models import (
    AuthenticationRequest,
    Authenticator,
    Automation,
    Frame,
    Pairing,
    PairingPhrase,
    ResetLink,
    SpentNonce,
    Tally,
)

BATCH = 500
"""Rows of one DELETE: short enough that nobody waits for its locks."""

GRACE = timedelta(days=1)
"""What was begun and not finished is kept that long, for whoever looks into a complaint."""


def _stale(now: datetime) -> dict[str, Callable[[], QuerySet]]:  # type: ignore[type-arg]
    """What can go, by the name that the command prints. Requests before what they refer to."""
    kept_since = now - timedelta(days=conf.TOOPHER_SERVICE_KEEP_DAYS)
    unfinished = [Pairing.State.PENDING, Pairing.State.AGREED, Pairing.State.DENIED]
    asked = AuthenticationRequest.objects.filter(asked_pairing=OuterRef("pk"))  # goes first, and not with its pairing
    return {
        "nonces": lambda: SpentNonce.objects.filter(expires__lt=now),
        "phrases": lambda: PairingPhrase.objects.filter(expires__lt=now),
        "tallies": lambda: Tally.objects.filter(expires__lt=now),
        "reset links": lambda: ResetLink.objects.filter(expires__lt=now - GRACE),
        "automations": lambda: Automation.objects.filter(expires__lt=now - GRACE),
        "frames": lambda: Frame.objects.filter(expires__lt=now),
        "requests": lambda: AuthenticationRequest.objects.filter(expires__lt=min(kept_since, now - GRACE)),
        "unfinished pairings": lambda: Pairing.objects.filter(
            ~Exists(asked), state__in=unfinished, expires__lt=now - GRACE
        ),
        "unpaired phones": lambda: Authenticator.objects.filter(
            ~Exists(Pairing.objects.filter(authenticator=OuterRef("pk"))), created__lt=now - GRACE
        ),
    }


def purge(now: datetime | None = None) -> Iterator[tuple[str, int]]:
    """Delete what has expired; yields (what, how many rows) for each kind. It can be stopped and run again anywhere.

    Nothing that can still be answered, used or replayed is touched: a spent nonce goes only when its timestamp could
    not pass any more. Two runs at once do no harm. Actions and terminals stay: a request may refer to one at
    any moment.
    """
    for name, stale in _stale(now or timezone.now()).items():
        yield name, _delete_in_batches(stale)


def _delete_in_batches(stale: Callable[[], QuerySet]) -> int:  # type: ignore[type-arg]
    deleted = 0
    while keys := list(stale().values_list("pk", flat=True)[:BATCH]):
        # asked again: since the look a tally may have begun anew, or a phone been paired
        stale().filter(pk__in=keys).delete()
        deleted += len(keys)
    return deleted
