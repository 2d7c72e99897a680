"""Attempts: begun after the password, found again by their token, ended. Values in, values or errors out.

``answers`` grants one, ``phone_changes`` carries out what a management page says.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import signals
from ..client import (
    PairingDeactivatedError,
    ToopherApi,
    ToopherApiError,
    UserDisabledError,
    UserUnknownError,
)
from ..conf import conf
from ..errors import (
    ChangedUserError,
    ExpiredAttemptError,
    NothingPendingError,
    OptedOutError,
    PhoneRemovedError,
    SecondFactorError,
    ServiceDownError,
)
from ..factors import recovery_codes
from ..models import Attempt, ToopherAccount, digest, forget_computers, moved_on
from ..printable import printable
from ..service_link import lookups
from ..session import sitting
from ..session.computer import Browser, Computer, fresh_id
from ..session.state import Pending
from . import outage

logger = logging.getLogger(__name__)

Kind = Attempt.Kind
Method = Attempt.Method
Outcome = Attempt.Outcome

UNPAIRED = (UserUnknownError, PairingDeactivatedError)
"""The service's errors for a user who has no phone, or none any more."""


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt that can still be granted, at the computer before which the person sits.

    ``is_known``: the person was granted there before. Else the computer's id is a fresh one, which nobody knows yet.
    """

    attempt: Attempt
    computer: Computer
    has_recovery_codes: bool
    is_known: bool


def begin(
    user: AbstractBaseUser,
    kind: Attempt.Kind = Kind.LOGIN,
    *,
    backend: str = "",
    next_url: str = "",
    action: str = "",
    address: str = "",
    browser: str = "",
    subject: str = "",
) -> Pending:
    """Write down that a second factor is asked of ``user``, who has just shown the password, and make its token.

    The token (256 bits) exists only in what is returned; the attempt keeps its digest. A step-up has a ``subject``, the
    request that it is for; the attempt keeps the digest of token and subject, which tells nothing about the subject.
    """
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    account = ToopherAccount.objects.for_user(user)
    attempt = Attempt(
        kind=kind,
        user_id=user.pk,
        username=str(user.get_username()),
        toopher_name=account.name,
        generation=account.generation,
        auth_digest=auth_digest(user),
        token_digest=digest(token),
        action=action or conf.TOOPHER_ACTION_NAME,
        address=address,
        browser=printable(browser)[:255],
        expires=now + timedelta(seconds=conf.TOOPHER_ATTEMPT_AGE),
        request_digest=digest(token + subject) if subject else "",
    )
    attempt.save(force_insert=True)
    attempt.announce(signals.asked)
    return Pending(attempt=attempt.pk.hex, token=token, next_url=next_url, backend=backend)


def auth_digest(user: Any) -> str:
    """Changes when the user's password does."""
    return digest(sitting.hashes_of(user)[0])


def find_open(pending: Pending | None, kind: Attempt.Kind = Kind.LOGIN) -> Attempt:
    """The attempt that can still be granted; ``NothingPendingError``, ``ExpiredAttemptError``. One query."""
    return _open(Attempt.objects.all(), pending, kind)


def find_at(browser: Browser, pending: Pending | None, kind: Attempt.Kind = Kind.LOGIN) -> OpenAttempt:
    """As ``find_open``, with what a page that asks has to know; one query. The computer has its user's name for it.

    Of the browser's ids only one with which this very user was granted before is theirs (SECURITY.md S46).
    """
    ids = {digest(each): each for each in browser.ids}
    earlier = Attempt.objects.filter(user=OuterRef("user"), outcome=Outcome.GRANTED, terminal_digest__in=ids)
    earlier = earlier.order_by("-created")
    rows = Attempt.objects.annotate(
        has_recovery_codes=recovery_codes.any_left(),
        known_by=Subquery(earlier.values("terminal_digest")[:1]),
        known_as=Subquery(earlier.values("terminal_name")[:1]),
    )
    attempt: Any = _open(rows, pending, kind)
    known = ids.get(attempt.known_by)
    computer = Computer(known or fresh_id(), attempt.known_as or browser.name)
    return OpenAttempt(attempt, computer, attempt.has_recovery_codes, known is not None)


def recall(api: ToopherApi, here: OpenAttempt, asked: str) -> OpenAttempt:
    """``here``, by the id with which a page in this browser has ``asked`` before, if that was approved unheard by us.

    Whoever planted it gains nothing: the service knows an id as approved where this very user has approved what was
    asked with it, and each page asks with a fresh one, which no other browser has seen.
    """
    user: Any = here.attempt.user
    try:
        approved = lookups.approved_ids(api, user.toopher_account.toopher_user_id)
    except (ToopherApiError, ValueError):  # ValueError: the service has named no user yet
        return here
    return replace(here, computer=replace(here.computer, id=asked), is_known=True) if asked in approved else here


def find_any(pending: Pending, kind: Attempt.Kind, rows: QuerySet[Any] | None = None) -> Attempt:
    """The attempt, whatever became of it; ``NothingPendingError``. Its id is no secret: the token has to fit (S17)."""
    rows = Attempt.objects.all() if rows is None else rows
    attempt = rows.filter(pk=pending.attempt, kind=kind).select_related("user__toopher_account").first()
    if attempt is None or not constant_time_compare(attempt.token_digest, digest(pending.token)):
        raise NothingPendingError
    return attempt


def _open(rows: QuerySet[Any], pending: Pending | None, kind: Attempt.Kind) -> Attempt:
    if pending is None:
        raise NothingPendingError
    attempt = find_any(pending, kind, rows)
    # so that it is said early; what decides is the same condition in the UPDATE of ``Attempt.finish`` (S04)
    if attempt.outcome != Outcome.PENDING or attempt.expires <= timezone.now():
        raise ExpiredAttemptError
    return attempt


def allows_automation(attempt: Attempt) -> bool:
    """Whether an automation may answer: never a step-up, whose words a person has to read."""
    return conf.TOOPHER_AUTOMATION_ALLOWED and attempt.kind != Kind.STEP_UP


def is_open_for(pending: Pending | None, user: AbstractBaseUser) -> bool:
    """Whether a login of this user waits for its second factor."""
    try:
        return bool(find_open(pending).user_id == user.pk)
    except SecondFactorError:
        return False


def abandon(pending: Pending | None, kind: Attempt.Kind = Kind.LOGIN) -> Attempt | None:
    """The person cancelled: nobody can complete the attempt any more. ``None`` where none was open."""
    try:
        attempt = find_open(pending, kind)
    except SecondFactorError:
        return None
    attempt.finish(Outcome.FAILED, timezone.now(), reason="abandoned")
    return attempt


def refuse(attempt: Attempt, error: ToopherApiError) -> NoReturn:
    """The service does not ask this person: what it says of them is remembered, and its error becomes ours.

    Not what it said before the second factor changed: kept back and handed in later, that would undo the change
    (SECURITY.md S07).
    """
    if isinstance(error, UserDisabledError):
        _remember(attempt, enabled=False)
        fail(attempt, OptedOutError(), cause=error)
    if isinstance(error, UNPAIRED):
        if _remember(attempt, paired=False, pairing_id=""):
            forget_computers(attempt.user_id)
            ToopherAccount.objects.get(user=attempt.user_id).announce(signals.unpaired)
        fail(attempt, PhoneRemovedError(), cause=error)
    fail(attempt, SecondFactorError(), cause=error)


def _remember(attempt: Attempt, **told: Any) -> bool:
    """Write down what the service says, if that is news to the account and nothing else has changed it meanwhile."""
    account = ToopherAccount.objects.filter(user=attempt.user_id, generation=attempt.generation)
    # what is known already moves the generation no further: that would end what every session has earned
    news = account.exclude(**{name: value for name, value in told.items() if isinstance(value, bool)})
    return bool(news.update(**told, **moved_on()))


def fail(
    attempt: Attempt,
    error: SecondFactorError,
    outcome: Attempt.Outcome = Outcome.FAILED,
    cause: Exception | None = None,
    told: Mapping[str, str] | None = None,
) -> NoReturn:
    """Spend the attempt without a login, keep what was ``told`` of the answer, and raise ``error``."""
    attempt.finish(outcome, timezone.now(), reason=error.reason, **(told or {}))
    raise error from cause


def is_same(user: Any, attempt: Attempt) -> bool:
    """Still active, with the same names and password, and untouched by support since the password (SECURITY.md S07)."""
    account = getattr(user, "toopher_account", None)
    return (
        account is not None
        and user.is_active
        and str(user.get_username()) == attempt.username
        and account.name == attempt.toopher_name
        and account.generation == attempt.generation
        and any(constant_time_compare(attempt.auth_digest, digest(each)) for each in sitting.hashes_of(user))
    )


def read_again(attempt: Attempt) -> None:
    """The attempt's user as the database has them now: since they were read, the service may have taken seconds."""
    users: Any = get_user_model()._default_manager
    attempt.user = users.filter(pk=attempt.user_id).select_related("toopher_account").first()


def is_unchanged(user: Any) -> bool:
    """Whether whoever is logged in still may be, by what the database says now: active, with the same password."""
    now: Any = get_user_model()._default_manager.filter(pk=user.pk).first()
    return now is not None and now.is_active and auth_digest(now) == auth_digest(user)


def unchanged_user(attempt: Attempt) -> Any:
    """The attempt's user, as long as ``is_same`` holds; else the attempt ends with ``ChangedUserError``."""
    if not is_same(attempt.user, attempt):
        fail(attempt, ChangedUserError())
    return attempt.user


def require_same_at_service(attempt: Attempt, name: str, user_id: str, told: Mapping[str, str]) -> None:
    """``is_same_at_service``; else the attempt ends with ``ChangedUserError``, and keeps what was ``told``."""
    if not is_same_at_service(attempt, name, user_id):
        fail(attempt, ChangedUserError(), told=told)


def is_same_at_service(attempt: Attempt, name: str, user_id: str) -> bool:
    """As ``is_same``, and the service names the same user as well (SECURITY.md S06)."""
    user: Any = attempt.user
    if not is_same(user, attempt):
        return False
    account = user.toopher_account
    return name == account.name and account.toopher_user_id in {"", user_id}  # blank until the service has told it


def let_in_unverified(pending: Pending | None) -> AbstractBaseUser:
    """The user to log in without a second factor while the service is down; only for ``TOOPHER_FAIL_OPEN``."""
    attempt = find_open(pending)
    user = unchanged_user(attempt)
    if not attempt.finish(Outcome.LET_IN, timezone.now(), reason=ServiceDownError.reason, method=Method.PASSWORD):
        raise ExpiredAttemptError
    logger.warning("let in without a second factor: the service is down", extra={"attempt": attempt.pk.hex})
    return user  # type: ignore[no-any-return]


def require_service(api: ToopherApi, attempt: Attempt) -> None:
    """Raise ``ServiceDownError`` unless the service answers a signed question, within ``TOOPHER_TIMEOUT``."""
    try:
        api.get("users", user_name=attempt.toopher_name)
    except ToopherApiError as exc:
        raise service_down(exc) from exc


def service_down(error: ToopherApiError) -> ServiceDownError:
    """What the client's error is to us, after a line in the log."""
    logger.error("the Toopher service can't be used: %s", error)
    return ServiceDownError(may_fail_open=outage.is_outage(error))
