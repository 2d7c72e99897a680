"""How often something may happen (SECURITY.md S23, S24; PROTOCOL.md §8.9).

What protects people is counted in the database, in one statement that counts and checks, so a limit holds with fifty
calls at once, several processes and a restart. Only polls, which protect nothing but the service itself, are counted in
Django's cache: there they cost no query. With a cache per process, each process has the limit to itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from .. import backoff
from ..addresses import network_of
from .conf import conf
from .errors import TooManyError
from .models import AuthenticationRequest, Requester, Tally, User, digest

logger = logging.getLogger(__name__)

State = AuthenticationRequest.State

FRAME_FACTOR = 2
"""How much oftener than a requester an iframe page may poll: a browser that wakes up may catch up."""


class UnansweredError(TooManyError):
    """The phone was asked again and again, and nobody said yes."""

    message = _("The phone was asked several times, and nobody said yes. Please wait before you try again.")


class BusyError(TooManyError):
    """The site asks more than its operator has agreed to."""

    message = _("This site asks too many people at once. Please wait a moment.")


class TooManyPhrasesError(TooManyError):
    """Wrong phrases in a row."""

    message = _("Too many incorrect words. Please wait before you try again.")


class CrowdedError(TooManyError):
    """One address does too much."""

    message = _("Too many pages or phones were opened from your network. Please wait a moment.")


class LockedError(TooManyError):
    """Wrong numbers and codes up to the last that may be."""

    message = _("There were too many wrong numbers and codes. Ask the site's support to reset your phones.")


class ReportedError(TooManyError):
    """The person has reported a sign-in as not theirs."""

    message = _("A sign-in was reported on the phone. For safety, nobody can sign in with this phone for a while.")


def count_request(user: User, now: datetime) -> None:
    """Count an authentication request that the user's phones are about to show.

    ``UnansweredError`` when as many as may be were made in this period without a yes, or when the last ones were all
    denied or left unanswered; one that was prolonged counts as soon as it would have without that. Two queries, and one
    for a site that has a limit of its own (``BusyError``).
    """
    limits = conf.TOOPHER_SERVICE_LIMITS
    site = user.requester
    if site.question_limit is not None:
        _take(_key("site requests", site.pk.hex), site.question_limit, BusyError, now)
    key = _key("requests", user.pk.hex)
    if _take(key, limits.requests, UnansweredError, now):
        return  # nothing was asked since the last yes
    most, since = limits.unanswered, now - timedelta(seconds=limits.period)
    first_time = timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE)
    unanswered = Q(state=State.PENDING) & (Q(expires__lte=now) | Q(created__lte=now - first_time))
    ended = Q(state__in=[State.GRANTED, State.DENIED]) | unanswered
    # those that were taken back are not among them: the limit `requests` counts them
    earlier = user.authentication_requests.filter(ended, automated=False, created__gt=since).order_by("-created")
    last = list(earlier.values_list("state", "created")[:most])
    if len(last) == most and all(state != State.GRANTED for state, _created in last):
        # until the oldest of them is out of the period
        raise UnansweredError(backoff.seconds_until(last[-1][1] + (now - since), now))


def forget_requests(user: User) -> None:
    """The person has said yes: what was asked before was no bombing."""
    Tally.objects.filter(pk=_key("requests", user.pk.hex)).delete()


@contextmanager
def phrase_tried(requester: Requester, user_name: str, now: datetime) -> Iterator[None]:
    """Count a phrase before it is looked up; ``TooManyPhrasesError`` when that were too many for this user.

    Where nothing is raised inside, it was right, and those before are forgotten.
    """
    key = _phrases_key(requester, user_name)
    _take(key, conf.TOOPHER_SERVICE_LIMITS.phrases, TooManyPhrasesError, now)
    yield
    Tally.objects.filter(pk=key).delete()


def count_registration(address: str, now: datetime) -> None:
    """Count the registration of a phone; ``CrowdedError`` when there were too many from this address."""
    _take_for_address("registrations", address, conf.TOOPHER_SERVICE_LIMITS.registrations, now)


def count_frame(address: str, now: datetime) -> None:
    """Count the opening of an iframe page; ``CrowdedError`` when there were too many from this address."""
    _take_for_address("frames", address, conf.TOOPHER_SERVICE_LIMITS.frames, now)


def count_poll(polled: str, now: datetime, *, factor: int = 1) -> None:
    """Count a poll of whatever ``polled`` names; ``TooManyError`` beyond the limit of this second. No query.

    A cache that fails, or that keeps nothing, limits nothing: nobody is kept from signing in by it.
    """
    key = f"toopher_service:polls:{polled}:{int(now.timestamp())}"
    try:
        polls = 1 if cache.add(key, 1, timeout=2) else cache.incr(key)
    except ValueError:  # the entry was dropped in between
        return
    except Exception:  # each back end has its own
        logger.warning("The cache failed; polls are not limited.", exc_info=True)
        return
    if polls > factor * conf.TOOPHER_SERVICE_LIMITS.polls:
        raise TooManyError(1)


def require_not_blocked(user: User, now: datetime) -> None:
    """``TooManyError`` while wrong numbers and codes, or a report, make the user wait (SECURITY.md S23, S24)."""
    if user.failures >= backoff.MOST_FAILURES:
        raise LockedError(backoff.LONGEST_WAIT)
    if user.reported_until and user.reported_until > now:
        raise ReportedError(backoff.seconds_until(user.reported_until, now))
    if user.blocked_until and user.blocked_until > now:
        raise TooManyError(backoff.seconds_until(user.blocked_until, now))


def count_try(user: User, now: datetime) -> None:
    """Count a number or code before it is compared; ``TooManyError`` while the user has to wait.

    A right one then calls ``forget_tries``.
    """
    limits, asked = conf.TOOPHER_SERVICE_LIMITS, User.objects.filter(_is_over("reported_until", now), pk=user.pk)
    if not backoff.count_try(asked, now, most=limits.failures, wait=limits.failure_wait):
        # the UPDATE has seen the row, `user` may be older
        user.refresh_from_db(fields=["failures", "blocked_until", "reported_until"])
        require_not_blocked(user, now)
        raise TooManyError(1)  # it was freed in between


def forget_tries(user: User) -> None:
    """One was right."""
    backoff.forget(User.objects.filter(pk=user.pk))


def lift(user: User) -> bool:
    """Whatever makes the user wait ends: wrong numbers, codes and words, a report, sign-in requests without a yes.

    Whether anything did.
    """
    counted = Q(failures__gt=0) | Q(blocked_until__isnull=False) | Q(reported_until__isnull=False)
    lifted = User.objects.filter(counted, pk=user.pk).update(failures=0, blocked_until=None, reported_until=None)
    tallies = [_key("requests", user.pk.hex), _phrases_key(user.requester, user.name)]
    return bool(lifted + Tally.objects.filter(pk__in=tallies).delete()[0])


def block_after_report(user: User, now: datetime) -> None:
    """The user is asked nothing new for a while; only the time or a reset ends it, no success."""
    until = now + timedelta(seconds=conf.TOOPHER_SERVICE_LIMITS.report_wait)
    User.objects.filter(_is_over("reported_until", now), pk=user.pk).update(reported_until=until)


def _is_over(field: str, now: datetime) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__lte": now})


def _take_for_address(what: str, address: str, most: int, now: datetime) -> None:
    """Only public addresses count: the others are mostly a proxy, behind which everybody is. IPv6 counts by /64."""
    if address and ip_address(address).is_global:
        _take(_key(what, network_of(address, 32)), most, CrowdedError, now)


def _phrases_key(requester: Requester, user_name: str) -> str:
    return _key("phrases", f"{requester.pk.hex}\n{user_name}")


def _key(what: str, whose: str) -> str:
    return digest(f"{what}\n{whose}")


def _take(key: str, most: int, error: type[TooManyError], now: datetime) -> bool:
    """Count one more; ``error`` when ``most`` were counted in this period. Whether it is the first ever (or since).

    The UPDATE is the check. ``count`` stands before ``expires`` in it: MariaDB assigns in this order and reads what it
    has assigned.
    """
    if _count_up(key, most, now):
        return False
    try:
        if most < 1:
            raise error(conf.TOOPHER_SERVICE_LIMITS.period)
        with transaction.atomic():
            Tally.objects.create(pk=key, expires=_end_of_period(now))
    except IntegrityError:
        if _count_up(key, most, now):  # another call was first to create it
            return False
        expires = Tally.objects.filter(pk=key).values_list("expires", flat=True).first()
        raise error(backoff.seconds_until(expires or now, now)) from None
    return True


def _count_up(key: str, most: int, now: datetime) -> bool:
    is_over = Q(expires__lte=now)
    return bool(
        Tally.objects.filter(is_over | Q(count__lt=most), pk=key).update(
            # before `expires`, which it reads: MariaDB assigns in this order
            count=Case(When(is_over, then=Value(1)), default=F("count") + 1),
            expires=Case(When(is_over, then=Value(_end_of_period(now))), default=F("expires")),
        )
    )


def _end_of_period(now: datetime) -> datetime:
    return now + timedelta(seconds=conf.TOOPHER_SERVICE_LIMITS.period)
