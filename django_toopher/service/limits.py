"""How often something may happen (SECURITY.md S23, S24; PROTOCOL.md §8.9).

What protects people is counted in the database, in one statement that counts and checks, so a limit holds with fifty
calls at once, several processes and a restart. Only polls, which protect nothing but the service itself, are counted in
Django's cache: there they cost no query. With a cache per process, each process has the limit to itself.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from .conf import conf
from .errors import TooManyError
from .models import AuthenticationRequest, Requester, Tally, User, digest

logger = logging.getLogger(__name__)

State = AuthenticationRequest.State

FRAME_FACTOR = 2
"""How much oftener than a requester an iframe page may poll: a browser that wakes up may catch up."""


class TooManyQuestionsError(TooManyError):
    """The phone was asked again and again, and nobody said yes."""

    message = _("The phone was asked several times, and nobody said yes. Please wait before you try again.")


class BusyError(TooManyError):
    """The site asks more than its operator has agreed to."""

    message = _("This site asks too many people at once. Please wait a moment.")


class TooManyPhrasesError(TooManyError):
    """Wrong phrases in a row."""

    message = _("That were too many wrong words. Please wait before you try again.")


class CrowdedError(TooManyError):
    """One address does too much."""

    message = _("Too many pages or phones were opened from your network. Please wait a moment.")


def count_question(user: User, now: datetime) -> None:
    """Count a question that the user's phones are about to show.

    ``TooManyQuestionsError`` when as many as may be were asked in this period without a yes, or when the last ones were
    all denied or left unanswered; one that was prolonged counts as soon as it would have without that. Two queries, and
    one for a site that has a limit of its own (``BusyError``).
    """
    site = user.requester
    if site.question_limit is not None:
        _take(_key("site questions", site.pk.hex), site.question_limit, BusyError, now)
    key = _key("questions", user.pk.hex)
    if _take(key, conf.TOOPHER_SERVICE_QUESTION_LIMIT, TooManyQuestionsError, now):
        return  # nothing was asked since the last yes
    most, since = conf.TOOPHER_SERVICE_UNANSWERED_LIMIT, now - timedelta(seconds=conf.TOOPHER_SERVICE_LIMIT_PERIOD)
    first_time = timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE)
    unanswered = Q(state=State.PENDING) & (Q(expires__lte=now) | Q(created__lte=now - first_time))
    ended = Q(state__in=[State.GRANTED, State.DENIED]) | unanswered
    earlier = user.authentication_requests.filter(ended, automated=False, created__gt=since).order_by("-created")
    last = list(earlier.values_list("state", "created")[:most])
    if len(last) == most and all(state != State.GRANTED for state, _created in last):
        raise TooManyQuestionsError(_seconds_until(last[-1][1] + (now - since), now))


def forget_questions(user: User) -> None:
    """The person has said yes: what was asked before was no bombing."""
    Tally.objects.filter(pk=_key("questions", user.pk.hex)).delete()


def count_phrase(requester: Requester, user_name: str, now: datetime) -> None:
    """Count a phrase before it is looked up; ``TooManyPhrasesError`` when that were too many for this user."""
    _take(_phrase_key(requester, user_name), conf.TOOPHER_SERVICE_PHRASE_LIMIT, TooManyPhrasesError, now)


def forget_phrases(requester: Requester, user_name: str) -> None:
    """The phrase was right."""
    Tally.objects.filter(pk=_phrase_key(requester, user_name)).delete()


def count_registration(address: str, now: datetime) -> None:
    """Count the registration of a phone; ``CrowdedError`` when there were too many from this address."""
    _take_for_address("registrations", address, conf.TOOPHER_SERVICE_PHONE_LIMIT, now)


def count_frame(address: str, now: datetime) -> None:
    """Count the opening of an iframe page; ``CrowdedError`` when there were too many from this address."""
    _take_for_address("frames", address, conf.TOOPHER_SERVICE_FRAME_LIMIT, now)


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
    if polls > factor * conf.TOOPHER_SERVICE_POLL_LIMIT:
        raise TooManyError(1)


def _take_for_address(what: str, address: str, most: int, now: datetime) -> None:
    """Only public addresses count: the others are mostly a proxy, behind which everybody is. IPv6 counts by /64."""
    if not address or not ip_address(address).is_global:
        return
    whole = ip_network(f"{address}/{64 if ':' in address else 32}", strict=False)
    _take(_key(what, str(whole)), most, CrowdedError, now)


def _phrase_key(requester: Requester, user_name: str) -> str:
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
            raise error(conf.TOOPHER_SERVICE_LIMIT_PERIOD)
        with transaction.atomic():
            Tally.objects.create(pk=key, expires=_end_of_period(now))
    except IntegrityError:
        if _count_up(key, most, now):  # another call was first to create it
            return False
        expires = Tally.objects.filter(pk=key).values_list("expires", flat=True).first()
        raise error(_seconds_until(expires or now, now)) from None
    return True


def _count_up(key: str, most: int, now: datetime) -> bool:
    is_over = Q(expires__lte=now)
    return bool(
        Tally.objects.filter(is_over | Q(count__lt=most), pk=key).update(
            count=Case(When(is_over, then=Value(1)), default=F("count") + 1),
            expires=Case(When(is_over, then=Value(_end_of_period(now))), default=F("expires")),
        )
    )


def _end_of_period(now: datetime) -> datetime:
    return now + timedelta(seconds=conf.TOOPHER_SERVICE_LIMIT_PERIOD)


def _seconds_until(then: datetime, now: datetime) -> int:
    return max(1, int((then - now).total_seconds()) + 1)
