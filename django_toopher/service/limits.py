"""How often something may happen (SECURITY.md S23, S24, S45; PROTOCOL.md §8.9).

What is asked and tried counts by where it comes from. Each *known* computer of a user (``Terminal.is_known``) counts
for itself, all others together count at the user: who knows the password alone wears out the latter, while the user's
own computers go on, as do the phone's yes (``count_number``) and support (``lift``) everywhere. A success forgets what
was counted where it was made, and nothing else: the user's daily sign-ins at known computers forget no guess of a
stranger's; the phone's yes, or a right code, at a new computer does.

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
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import backoff
from ..addresses import network_of
from .conf import conf
from .errors import TooManyError
from .models import AuthenticationRequest, Requester, Tally, Terminal, User, digest
from .retry import retry_on_deadlock

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


class CodesLockedError(TooManyError):
    """Wrong codes up to the last that may be; a phone can still say yes."""

    message = _(
        "There were too many wrong codes. Approve the sign-in on the phone, or ask the site's support for help."
    )


class LockedError(TooManyError):
    """Wrong numbers and codes up to the last that may be."""

    message = _("There were too many wrong numbers and codes. Ask the site's support for help.")


class ReportedError(TooManyError):
    """The person has reported a sign-in as not theirs."""

    message = _("A sign-in was reported on the phone. For safety, nobody can sign in with this phone for a while.")


def count_request(request: AuthenticationRequest, now: datetime) -> None:
    """Count an authentication request that the user's phones are about to show.

    ``UnansweredError`` when as many as may be were made from there in this period without a yes, or when the last ones
    were all denied or left unanswered; one that was prolonged counts as soon as it would have without that. Two
    queries, and one for a site that has a limit of its own (``BusyError``).
    """
    limits, site, key = conf.TOOPHER_SERVICE_LIMITS, request.user.requester, _requests_key(request)
    is_first = _take(key, limits.requests, UnansweredError, now)
    try:
        if not is_first:
            _require_answered(request, limits.unanswered, now - timedelta(seconds=limits.period), now)
        if site.question_limit is not None:  # last: what asks no phone is none of the site's questions
            _take(_key("site requests", site.pk.hex), site.question_limit, BusyError, now)
    except TooManyError:
        Tally.objects.filter(pk=key, count__gt=0).update(count=F("count") - 1)  # no phone hears of it
        raise


def _require_answered(request: AuthenticationRequest, most: int, since: datetime, now: datetime) -> None:
    first_time = timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE)
    unanswered = Q(state=State.PENDING) & (Q(expires__lte=now) | Q(created__lte=now - first_time))
    # those that were taken back are not among them: the limit `requests` counts them; those of which no phone
    # heard are only where a code has granted them
    ended = Q(state=State.GRANTED) | Q(withheld_until=None) & (Q(state=State.DENIED) | unanswered)
    here = Q(at_known=True, terminal=request.terminal) if request.at_known else Q(at_known=False)
    counted = max(since, request.user.lifted or since)
    earlier = request.user.authentication_requests.filter(ended, here, automated=False, created__gt=counted)
    last = list(earlier.order_by("-created").values_list("state", "created")[:most])
    if len(last) == most and all(state != State.GRANTED for state, _created in last):
        # until the oldest of them is out of the period
        raise UnansweredError(backoff.seconds_until(last[-1][1] + (now - since), now))


def forget_requests(request: AuthenticationRequest) -> None:
    """The person has said yes: what was asked from there before was no bombing."""
    _forget(timezone.now(), _requests_key(request))


def _requests_key(request: AuthenticationRequest) -> str:
    return _key("requests", (request.terminal_id if request.at_known else request.user_id).hex)


@contextmanager
def phrase_tried(requester: Requester, user_name: str, now: datetime) -> Iterator[None]:
    """Count a phrase before it is looked up; ``TooManyPhrasesError`` when that were too many for this user.

    Where nothing is raised inside, it was right, and those before are forgotten.
    """
    key = _phrases_key(requester, user_name)
    _take(key, conf.TOOPHER_SERVICE_LIMITS.phrases, TooManyPhrasesError, now)
    yield
    _forget(now, key)


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


CODES = backoff.MOST_FAILURES - 10
"""Tries in a row after which no code is compared: the last ten are for numbers, which only the phone can type."""


def require_not_blocked(request: AuthenticationRequest, now: datetime) -> None:
    """``ReportedError`` after a report, ``LockedError`` after the last wrong number (SECURITY.md S23, S24).

    Nothing else keeps the phone from being asked and from saying yes: wrong codes are anybody's (S45).
    """
    user = request.user
    if user.reported_until and user.reported_until > now:
        raise ReportedError(backoff.seconds_until(user.reported_until, now))
    if _counted(request).failures >= backoff.MOST_FAILURES:
        raise LockedError(backoff.LONGEST_WAIT)


def count_code(request: AuthenticationRequest, now: datetime) -> None:
    """Count a code before it is compared; ``TooManyError`` while codes from there have to wait.

    A right one then calls ``forget_tries``.
    """
    if _count_try(request, now, last=CODES):
        return
    counted = _read_again(request, now)
    if counted.failures >= CODES:
        raise CodesLockedError(backoff.LONGEST_WAIT)
    raise TooManyError(backoff.seconds_until(counted.blocked_until, now))


def count_number(request: AuthenticationRequest, now: datetime) -> None:
    """The same of a number. It comes from the user's own phone, so no wait that others have caused keeps it back.

    What slows it down is that a request takes few, and that few requests are denied in a row (``count_request``).
    """
    if not _count_try(request, now, last=backoff.MOST_FAILURES, waits=False):
        _read_again(request, now)
        raise TooManyError(1)  # it was freed in between


def _count_try(request: AuthenticationRequest, now: datetime, *, last: int, waits: bool = True) -> bool:
    limits = conf.TOOPHER_SERVICE_LIMITS
    # in the UPDATE, as the one for the tries: `request` may be older than a report
    no_report = _is_over("reported_until", now)
    if request.at_known:  # of the user's own row MariaDB would lock twice what it reads and writes: a deadlock
        no_report = Q(Exists(User.objects.filter(no_report, pk=request.user_id)))
    rows = _rows(request).filter(no_report)
    return backoff.count_try(rows, now, most=limits.failures, wait=limits.failure_wait, last=last, waits=waits)


def _read_again(request: AuthenticationRequest, now: datetime) -> User | Terminal:
    """The row where the try was not counted, as the UPDATE has seen it; raises what ``require_not_blocked`` does."""
    request.user.refresh_from_db(fields=["failures", "blocked_until", "reported_until"])
    request.terminal.refresh_from_db(fields=["failures", "blocked_until"])
    require_not_blocked(request, now)
    return _counted(request)


def forget_tries(request: AuthenticationRequest) -> None:
    """One was right."""
    backoff.forget(_rows(request))


def _counted(request: AuthenticationRequest) -> User | Terminal:
    return request.terminal if request.at_known else request.user


def _rows(request: AuthenticationRequest) -> QuerySet[Any]:
    """Where what is wrong is counted, as one row."""
    if request.at_known:
        return Terminal.objects.filter(pk=request.terminal_id)
    return User.objects.filter(pk=request.user_id)


class Wait(NamedTuple):
    """What counts against a user: ``failures``, ``requests`` without a yes, ``phrases`` or a ``report``; until when.

    ``computer`` is the known one where that is; blank for all others together.
    """

    what: str
    computer: str
    times: int
    until: datetime | None


def waits(user: User, now: datetime) -> list[Wait]:
    """What ``lift`` would lift, and until when nothing is asked or compared. ``until`` is None where nothing waits."""
    found = []
    if user.reported_until and user.reported_until > now:
        found.append(Wait("report", "", 0, user.reported_until))
    known = list(user.terminals.exclude(approved=None).order_by("-failures", "-modified")[:_MOST_SHOWN])
    counted: list[tuple[User | Terminal, str]] = [(user, ""), *((each, each.name) for each in known)]
    keys = [_key("requests", each.pk.hex) for each, _name in counted]
    of_phrases = _phrases_key(user.requester, user.name)
    tallies = Tally.objects.filter(expires__gt=now, count__gt=0).in_bulk([*keys, of_phrases])
    for row, computer in counted:
        if row.failures:
            is_blocked = row.blocked_until is not None and row.blocked_until > now
            found.append(Wait("failures", computer, row.failures, row.blocked_until if is_blocked else None))
        tally = tallies.get(_key("requests", row.pk.hex))
        if tally:
            found.append(Wait("requests", computer, tally.count, _asked_again(user, row, tally, now)))
    if wrong := tallies.get(of_phrases):
        is_most = wrong.count >= conf.TOOPHER_SERVICE_LIMITS.phrases
        found.append(Wait("phrases", "", wrong.count, wrong.expires if is_most else None))
    return found


_MOST_SHOWN = 20


def _asked_again(user: User, row: User | Terminal, tally: Tally, now: datetime) -> datetime | None:
    """When the phone may be asked again from there; None: at once."""
    limits = conf.TOOPHER_SERVICE_LIMITS
    if tally.count >= limits.requests:
        return tally.expires
    next_one = AuthenticationRequest(user=user, at_known=row is not user)
    if isinstance(row, Terminal):
        next_one.terminal = row
    try:
        _require_answered(next_one, limits.unanswered, now - timedelta(seconds=limits.period), now)
    except UnansweredError as error:
        return now + timedelta(seconds=error.retry_after)
    return None


@retry_on_deadlock
@transaction.atomic
def lift(user: User) -> bool:
    """Nothing that was asked, tried or reported before makes the user wait any more, at any computer.

    Whether anything did.
    """
    now, counted = timezone.now(), Q(failures__gt=0) | Q(blocked_until__isnull=False)
    free = {"failures": 0, "blocked_until": None}
    row = User.objects.filter(pk=user.pk)
    waited = row.filter(counted | Q(reported_until__isnull=False)).update(reported_until=None, **free)
    row.update(lifted=now)
    waited += user.terminals.filter(counted).update(**free)
    known = user.terminals.exclude(approved=None).values_list("pk", flat=True)
    tallies = [_key("requests", each.hex) for each in (user.pk, *known)]
    waited += _forget(now, *tallies, _phrases_key(user.requester, user.name))
    user.authentication_requests.waiting(now).filter(withheld_until__gt=now).update(withheld_until=now)
    return bool(waited)


def block_after_report(user: User, now: datetime) -> None:
    """The user is asked nothing new for a while; only the time or ``lift`` ends it, no success."""
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


@retry_on_deadlock
def _take(key: str, most: int, error: type[TooManyError], now: datetime) -> bool:
    """Count one more; ``error`` when ``most`` were counted in this period. Whether it is the first ever.

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


def _forget(now: datetime, *keys: str) -> int:
    """Count from nothing again; of how many something was counted.

    Their period ends, and they stay: where a row is deleted while others count there, MariaDB ends these by deadlocks.
    """
    return Tally.objects.filter(pk__in=keys, count__gt=0, expires__gt=now).update(count=0, expires=now)


def _end_of_period(now: datetime) -> datetime:
    return now + timedelta(seconds=conf.TOOPHER_SERVICE_LIMITS.period)
