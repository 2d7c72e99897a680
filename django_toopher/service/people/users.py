"""A requester's users."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import mail
from ..conf import conf
from ..errors import BadParameterError, NotFoundError, TooManyError, UserUnknownError
from ..models import NAME_LENGTH, AuthenticationRequest, Frame, Pairing, Requester, User, digest, only
from ..retry import begun_anew

MOST_FAILURES = 100
"""Wrong numbers and codes in a row after which only a reset helps (NIST SP 800-63B-4 §3.2.2)."""

EMAIL_LENGTH = 254
"""Characters of an e-mail address (RFC 5321 §4.5.3.1.3)."""

LONGEST_WAIT = 24 * 3600
"""Seconds that a user waits at the most after a wrong number or code."""

FOR_EVER = timedelta(days=3650)
"""What ends by a reset only."""


def checked_name(name: str, what: str = "user_name") -> str:
    """``name`` as it came: names are matched exactly (PROTOCOL.md §5). ``BadParameterError`` for one that can't be."""
    if not name.strip():
        raise BadParameterError(f"{what} is missing.")
    if len(name) > NAME_LENGTH:
        raise BadParameterError(f"{what} is longer than {NAME_LENGTH} characters.")
    if "\ufffd" in name:  # what a Latin-1 client's bytes turn into: two people could become one (SECURITY.md S12)
        raise BadParameterError(f"{what} has a character that can't be read; send it in UTF-8.")
    if "\0" in name:
        raise BadParameterError(f"{what} has a character that can't be stored.")
    return name


def find(requester: Requester, name: str) -> User | None:
    """The requester's user of exactly this name."""
    return only(requester.users.filter(name_digest=digest(name)))


def get(requester: Requester, name: str) -> User:
    """As ``find``, but raises ``UserUnknownError``."""
    user = find(requester, checked_name(name))
    if user is None:
        raise UserUnknownError
    return user


def get_by_id(requester: Requester, user_id: UUID) -> User:
    """The requester's user with this id; another requester's is not found (SECURITY.md S21)."""
    user = requester.users.filter(pk=user_id).first()
    if user is None:
        raise NotFoundError("No such user.")
    return user


def get_or_create(requester: Requester, name: str) -> User:
    """The requester's user of exactly this name, made when there is none yet."""
    name = checked_name(name)
    user, _created = User.objects.get_or_create(requester=requester, name_digest=digest(name), defaults={"name": name})
    user.requester = requester
    return user


def identify(requester: Requester, name: str, user_id: UUID | None) -> User:
    """The user whom a requester names, by name, by id, or by both to rename (PROTOCOL.md §2.2)."""
    if user_id is None:
        return get_or_create(requester, name)
    user = get_by_id(requester, user_id)
    if name and name != user.name:
        user.name = checked_name(name)
        try:
            with transaction.atomic():
                user.save(update_fields=["name", "name_digest", "modified"])
        except IntegrityError as exc:
            raise BadParameterError("Another user has this name.") from exc
    return user


def checked_email(address: str) -> str:
    """``address`` without white space around it; ``BadParameterError`` when no mail can go there."""
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise BadParameterError("reset_email must be an e-mail address.") from None
    if len(address) > EMAIL_LENGTH:
        raise BadParameterError("reset_email is too long.")
    return address


def keep_email(user: User, address: str) -> None:
    """Remember where to tell the user what happens to their phones (SECURITY.md S30).

    Blank, or no address at all, leaves the one that is known: a login does not fail for it.
    """
    try:
        address = checked_email(address)
    except BadParameterError:
        return
    if address != user.email:
        user.email = address
        user.save(update_fields=["email", "modified"])


def set_enabled(user: User, enabled: bool) -> User:
    """Switch the user's second factor on or off. What waits is not answered any more while it is off."""
    user.toopher_authentication_enabled = enabled
    user.save(update_fields=["toopher_authentication_enabled", "modified"])
    return user


@begun_anew
def set_enabled_all(requester: Requester, user_ids: Collection[UUID], enabled: bool) -> list[User]:
    """As ``set_enabled``, for those of these ids that are the requester's. How they stand now, in two statements."""
    these = requester.users.filter(pk__in=user_ids)
    these.update(toopher_authentication_enabled=enabled, modified=timezone.now())
    switched: list[User] = list(these.annotate(codes_left=Count("pregenerated_codes")))
    for user in switched:
        user.requester, user.number_of_pregenerated_otps_remaining = requester, vars(user)["codes_left"]
    return switched


def reset(user: User) -> None:
    """Remove all the user's phones and codes, and forget the failures.

    Whether the user is enabled stays (PROTOCOL.md §5). The first UPDATE locks the user's row, as a phone's yes to a
    pairing does, so the mail names every phone that was removed.
    """
    now = timezone.now()
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(has_had_codes=False, modified=now)
        removed = list(user.pairings.enabled().select_related("authenticator"))
        user.pairings.filter(state__in=[Pairing.State.PENDING, Pairing.State.ENABLED]).update(
            state=Pairing.State.DEACTIVATED, otp_seed="", modified=now
        )
        user.pregenerated_codes.all().delete()
        user.authentication_requests.waiting(now).update(  # no phone that is paired next is asked what was asked before
            state=AuthenticationRequest.State.CANCELLED,
            reason_code=AuthenticationRequest.Reason.CANCELLED,
            answered=now,
        )
        mail.phones_removed(user, removed)
    succeeded(user)
    User.objects.filter(pk=user.pk, reported_until__isnull=False).update(reported_until=None)


def close_pages(user: User) -> None:
    """Pages on which somebody manages the user's phones show and do nothing any more: the site has begun anew."""
    now = timezone.now()
    Frame.objects.filter(user=user, page=Frame.Page.MANAGE_USER, expires__gt=now).update(expires=now)


class LockedError(TooManyError):
    """Wrong numbers and codes up to the last that may be."""

    message = _("There were too many wrong numbers and codes. Ask the site's support to reset your phones.")


class ReportedError(TooManyError):
    """The person has reported a sign-in as not theirs."""

    message = _("A sign-in was reported on the phone. For safety, nobody can sign in with this phone for a while.")


def require_not_blocked(user: User, now: datetime) -> None:
    """``TooManyError`` while wrong numbers and codes, or a report, make the user wait (SECURITY.md S23, S24)."""
    if user.failures >= MOST_FAILURES:
        raise LockedError(LONGEST_WAIT)
    if user.reported_until and user.reported_until > now:
        raise ReportedError(_seconds_until(user.reported_until, now))
    if user.blocked_until and user.blocked_until > now:
        raise TooManyError(_seconds_until(user.blocked_until, now))


def begin_try(user: User, now: datetime) -> None:
    """Count a number or code before it is compared; ``TooManyError`` while the user has to wait.

    One UPDATE checks, counts and blocks: of fifty guesses at once, as many are compared as may be. A right one then
    calls ``succeeded``.
    """
    free = _until(now, "blocked_until") & _until(now, "reported_until") & Q(failures__lt=MOST_FAILURES)
    if not _count_failure(User.objects.filter(free, pk=user.pk), now):
        user.refresh_from_db(fields=["failures", "blocked_until", "reported_until"])
        require_not_blocked(user, now)
        raise TooManyError(1)  # it was freed in between


def failed(user: User, now: datetime) -> None:
    """Count a wrong number or code that ``begin_try`` has not counted."""
    _count_failure(User.objects.filter(pk=user.pk), now)


def _until(now: datetime, field: str) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__lte": now})


def _count_failure(rows: QuerySet[User], now: datetime) -> bool:
    """One more, and past the limit a wait that doubles with each. MariaDB assigns in this order."""
    return bool(rows.update(blocked_until=_blocked_until(now), failures=F("failures") + 1))


def _blocked_until(now: datetime) -> Case:
    """Until when a user is blocked whose ``failures`` are about to be one more."""
    first = min(conf.TOOPHER_SERVICE_FAILURE_LIMIT, MOST_FAILURES)
    waits = [min(conf.TOOPHER_SERVICE_FAILURE_WAIT * 2**n, LONGEST_WAIT) for n in range(20)]
    each = [When(failures=first - 1 + n, then=Value(now + timedelta(seconds=wait))) for n, wait in enumerate(waits)]
    return Case(
        When(failures__gte=MOST_FAILURES - 1, then=Value(now + FOR_EVER)),
        *each,
        When(failures__gte=first, then=Value(now + timedelta(seconds=LONGEST_WAIT))),
        default=F("blocked_until"),
    )


def succeeded(user: User) -> None:
    """Forget the failures. Writes only when there are any."""
    User.objects.filter(Q(failures__gt=0) | Q(blocked_until__isnull=False), pk=user.pk).update(
        failures=0, blocked_until=None
    )


def block_after_report(user: User, now: datetime) -> None:
    """The user is asked nothing new for a while; only the time or a reset ends it, no success."""
    until = now + timedelta(seconds=conf.TOOPHER_SERVICE_REPORT_WAIT)
    User.objects.filter(_until(until, "reported_until"), pk=user.pk).update(reported_until=until)


def _seconds_until(then: datetime, now: datetime) -> int:
    return int((then - now).total_seconds()) + 1
