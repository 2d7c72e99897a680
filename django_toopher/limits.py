"""How many wrong recovery codes and passwords an account may give in a row, and how long it then waits."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from . import backoff
from .conf import conf
from .errors import TooManyError
from .models import ToopherAccount


def begin_try(account: ToopherAccount, error: type[TooManyError]) -> None:
    """Count a code or password before it is compared; ``error`` while the account has to wait."""
    rows, now, limits = ToopherAccount.objects.filter(pk=account.pk), timezone.now(), conf.TOOPHER_LIMITS
    if backoff.count_try(rows, now, most=limits.failures, wait=limits.failure_wait):
        return
    account.refresh_from_db(fields=["failures", "blocked_until"])
    if account.failures >= backoff.MOST_FAILURES:
        raise error(backoff.LONGEST_WAIT)
    raise error(backoff.seconds_until(account.blocked_until, now))


def forget(user: Any) -> None:
    """The user's code or password was right."""
    backoff.forget(ToopherAccount.objects.filter(user=user.pk))
