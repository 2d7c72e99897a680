"""Wrong tries in a row: past a limit a wait that doubles with each, and in the end none any more (SECURITY.md S23).

For rows with ``failures`` and ``blocked_until``: the app's accounts, the service's users. A try is counted before it is
compared, in one UPDATE, so that of fifty at once as many are compared as of fifty one after the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When

MOST_FAILURES = 100
"""In a row, after which only somebody else can help (NIST SP 800-63B-4 §3.2.2)."""

LONGEST_WAIT = 24 * 3600
"""Seconds that one waits at the most."""

FOR_EVER = timedelta(days=3650)


def count_try(
    rows: QuerySet[Any], now: datetime, *, most: int, wait: int, last: int = MOST_FAILURES, waits: bool = True
) -> bool:
    """One more try, unless ``rows`` (one row) have to wait; whether it may be compared. ``forget`` what was right.

    After ``most`` in a row it is ``wait`` seconds; ``last`` is how many there may be. A try that does not wait
    (``waits``) is counted all the same. MariaDB assigns in this order, and reads what it has assigned.
    """
    free = Q(blocked_until=None) | Q(blocked_until__lte=now) if waits else Q()
    counted = rows.filter(free, failures__lt=last)
    return bool(counted.update(blocked_until=_blocked_until(now, most, wait), failures=F("failures") + 1))


def forget(rows: QuerySet[Any]) -> None:
    """It was right: what was wrong before counts no more. Writes only where there is something."""
    rows.filter(Q(failures__gt=0) | Q(blocked_until__isnull=False)).update(failures=0, blocked_until=None)


def seconds_until(then: datetime | None, now: datetime) -> int:
    """Whole seconds to wait, 1 at least."""
    return max(1, int((then - now).total_seconds()) + 1) if then else 1


def minutes(seconds: int) -> int:
    """As whole minutes, the last one begun counts."""
    return -(-seconds // 60)


def _blocked_until(now: datetime, most: int, wait: int) -> Case:
    """Until when a row waits whose ``failures`` are about to be one more."""
    first = min(most, MOST_FAILURES)
    waits = [min(wait * 2**n, LONGEST_WAIT) for n in range(20)]  # by then even one second is LONGEST_WAIT
    each = [When(failures=first - 1 + n, then=Value(now + timedelta(seconds=wait))) for n, wait in enumerate(waits)]
    return Case(
        When(failures__gte=MOST_FAILURES - 1, then=Value(now + FOR_EVER)),
        *each,
        When(failures__gte=first, then=Value(now + timedelta(seconds=LONGEST_WAIT))),
        default=F("blocked_until"),
    )
