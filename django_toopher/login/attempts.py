"""Begin and complete: a login, a change of phones. Values in, values or errors out, no responses."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import signals
from ..client import (
    AuthenticationRequest,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    PostbackError,
    ServiceUnavailableError,
    ToopherApi,
    ToopherApiError,
    ToopherIframe,
    UserDisabledError,
    UserUnknownError,
)
from ..conf import conf
from ..errors import (
    ChangedUserError,
    ExpiredAttemptError,
    InvalidPostbackError,
    NotApprovedError,
    NothingPendingError,
    OptedOutError,
    PhoneRemovedError,
    SecondFactorError,
    ServiceDownError,
    TooManyCodesError,
    WrongCodeError,
)
from ..factors import recovery_codes
from ..models import Attempt, ToopherAccount, digest
from ..service_link import lookups
from ..session.state import Pending

logger = logging.getLogger(__name__)

Kind = Attempt.Kind
Method = Attempt.Method
Outcome = Attempt.Outcome

_CODE = 110
"""The service's reason of a request that a one-time code has answered."""

UNPAIRED = (UserUnknownError, PairingDeactivatedError, PairingNotAuthorizedError)
"""The service's errors for a user who has no phone, or none any more."""


@dataclass(frozen=True)
class Approval:
    """An attempt that was granted: who may be logged in now, and whether the first phone was paired on the way."""

    user: AbstractBaseUser
    attempt: Attempt
    paired_now: bool = False


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
        browser="".join(filter(str.isprintable, browser))[:255],  # PostgreSQL keeps no NUL
        expires=now + timedelta(seconds=conf.TOOPHER_ATTEMPT_AGE),
        request_digest=digest(token + subject) if subject else "",
    )
    attempt.save(force_insert=True)
    attempt.announce(signals.asked)
    return Pending(attempt=attempt.pk.hex, token=token, next_url=next_url, backend=backend)


def auth_digest(user: Any) -> str:
    """Changes when the user's password does."""
    return digest(_auth_hashes(user)[0])


def _auth_hashes(user: Any) -> list[str]:
    """What changes with the password, as ``SECRET_KEY`` gives it and as each of ``SECRET_KEY_FALLBACKS`` does.

    A user model without passwords has nothing to compare.
    """
    if not hasattr(user, "get_session_auth_hash"):
        return [""]
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def find_open(pending: Pending | None, kind: Attempt.Kind = Kind.LOGIN, *, terminal: str = "") -> Attempt:
    """The attempt that can still be granted; ``NothingPendingError``, ``ExpiredAttemptError``. One query.

    It comes with ``has_recovery_codes``, and ``known_as``: how its user calls the computer with this secret id.
    """
    if pending is None:
        raise NothingPendingError
    earlier = Attempt.objects.filter(user=OuterRef("user"), outcome=Outcome.GRANTED, terminal_digest=digest(terminal))
    attempts = Attempt.objects.filter(pk=pending.attempt, kind=kind).annotate(
        has_recovery_codes=recovery_codes.any_left(),
        known_as=Subquery(earlier.order_by("-created").values("terminal_name")[:1]),
    )
    attempt = attempts.select_related("user__toopher_account").first()
    if attempt is None or not constant_time_compare(attempt.token_digest, digest(pending.token)):
        raise NothingPendingError
    if attempt.outcome != Outcome.PENDING or attempt.expires <= timezone.now():
        raise ExpiredAttemptError
    return attempt


def is_pending(pending: Pending | None, user: AbstractBaseUser) -> bool:
    """Whether a login of this user waits for its second factor."""
    try:
        return bool(find_open(pending).user_id == user.pk)
    except SecondFactorError:
        return False


def abandon(pending: Pending | None) -> None:
    """The person turned back: nobody can complete the attempt any more."""
    attempt = Attempt.objects.filter(pk=pending.attempt).first() if pending else None
    if pending and attempt and constant_time_compare(attempt.token_digest, digest(pending.token)):
        attempt.finish(Outcome.FAILED, timezone.now(), reason="abandoned")


def complete_login(iframe: ToopherIframe, pending: Pending | None, fields: Mapping[str, Any]) -> Approval:
    """The user who may be logged in now. Raises a ``SecondFactorError``, and nobody is logged in."""
    return complete(iframe, pending, fields, Kind.LOGIN)


def complete(iframe: ToopherIframe, pending: Pending | None, fields: Mapping[str, Any], kind: Attempt.Kind) -> Approval:
    """The attempt that the phone has approved, by the postback's ``fields``.

    The signature first, then age, token, kind and action, then the user (DESIGN.md, rule 4); then the attempt is spent.
    """
    attempt = find_open(pending, kind)
    return _granted(attempt, _verified(iframe, pending, attempt, fields, "authentication_request"))


def complete_with_answer(attempt: Attempt, asked: AuthenticationRequest) -> Approval:
    """The same, by what the service says of the very question that this attempt asked (``native``)."""
    if asked.id != attempt.request_id:
        raise InvalidPostbackError
    account = getattr(attempt.user, "toopher_account", None)
    told = {
        "id": asked.id,
        "granted": str(asked.granted).lower(),
        "pending": str(asked.pending).lower(),
        "automated": str(asked.automated).lower(),
        "reason_code": str(asked.reason_code),
        "action_name": asked.action.name,
        "user_name": asked.user.name,
        "pairing_user_id": asked.user.id,
        "pairing_id": attempt.pairing_id or getattr(account, "pairing_id", ""),  # which one answered is not told
        "terminal_id": asked.terminal.id,
        "terminal_name": asked.terminal.name,
        "terminal_requester_specified_id": asked.terminal.requester_specified_id,
    }
    return _granted(attempt, told)


def _granted(attempt: Attempt, verified: Mapping[str, str]) -> Approval:
    """Spend the attempt, when what the service said is a yes to it."""
    if verified.get("action_name") != attempt.action:
        raise InvalidPostbackError
    if verified.get("granted") != "true" or verified.get("pending") != "false":
        fail(attempt, NotApprovedError(), Outcome.DENIED, verified)
    user = _unchanged_user(attempt, verified)
    with transaction.atomic():
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=_method_of(verified), **_told(verified)):
            raise ExpiredAttemptError
        paired_now = _remember_pairing(attempt, verified)
    return Approval(user, attempt, paired_now)


def complete_with_recovery_code(pending: Pending | None, typed: str) -> Approval:
    """The user who may be logged in now, by one of the codes on their paper. Needs no service.

    ``WrongCodeError`` and ``TooManyCodesError`` leave the attempt waiting. Code and attempt are spent together.
    """
    attempt = find_open(pending)
    user: Any = attempt.user
    if not is_same(user, attempt):
        fail(attempt, ChangedUserError())
    code = recovery_codes.match(user.toopher_account, typed)
    if code is None:
        raise WrongCodeError
    with transaction.atomic():
        if not recovery_codes.spend(code, user):
            raise WrongCodeError
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.RECOVERY):
            raise ExpiredAttemptError
    return Approval(user, attempt)


def _method_of(verified: Mapping[str, str]) -> Attempt.Method:
    if verified.get("automated") == "true":
        return Method.AUTOMATION
    return Method.CODE if verified.get("reason_code") == str(_CODE) else Method.PHONE


def _told(verified: Mapping[str, str]) -> dict[str, str]:
    """What the attempt keeps of a postback; of the computer's secret id only the digest."""
    extra = verified.get("terminal_requester_specified_id", "")
    return {
        "request_id": verified.get("id", ""),
        "terminal_id": verified.get("terminal_id", ""),
        "terminal_name": verified.get("terminal_name", ""),
        "terminal_digest": digest(extra) if extra else "",
    }


def _verified(
    iframe: ToopherIframe, pending: Pending | None, attempt: Attempt, fields: Mapping[str, Any], kind: str
) -> dict[str, str]:
    """The fields that the service signed for this attempt; its signed errors become ours."""
    token = pending.token if pending else None
    try:
        return iframe.validate_postback(fields, token, ttl=conf.TOOPHER_POSTBACK_TTL, resource_type=kind)
    except PostbackError as exc:
        logger.warning("postback refused: %s", type(exc).__name__, extra={"attempt": attempt.pk.hex})
        raise InvalidPostbackError from exc
    except ToopherApiError as exc:
        refused(attempt, exc)


def refused(attempt: Attempt, error: ToopherApiError) -> NoReturn:
    """The service does not ask this person: what it says of them is remembered, and its error becomes ours.

    Not what it said before the second factor changed: kept back and handed in later, that would undo the change
    (SECURITY.md S07).
    """
    if isinstance(error, UserDisabledError):
        _remember(attempt, enabled=False)
        fail(attempt, OptedOutError(), cause=error)
    if isinstance(error, UNPAIRED):
        if _remember(attempt, paired=False, pairing_id=""):
            ToopherAccount.objects.get(user=attempt.user_id).announce(signals.unpaired)
        fail(attempt, PhoneRemovedError(), cause=error)
    fail(attempt, SecondFactorError(), cause=error)


def _remember(attempt: Attempt, **told: Any) -> bool:
    """Write down what the service says, if that is news to the account and nothing else has changed it meanwhile."""
    account = ToopherAccount.objects.filter(user=attempt.user_id, generation=attempt.generation)
    news = account.exclude(**{name: value for name, value in told.items() if isinstance(value, bool)})
    return bool(news.update(generation=F("generation") + 1, **told))


def fail(
    attempt: Attempt,
    error: SecondFactorError,
    outcome: Attempt.Outcome = Outcome.FAILED,
    verified: Mapping[str, str] | None = None,
    cause: Exception | None = None,
) -> NoReturn:
    """Spend the attempt without a login, and raise ``error``."""
    method = _method_of(verified) if verified else ""
    attempt.finish(outcome, timezone.now(), reason=error.reason, method=method, **_told(verified or {}))
    raise error from cause


def _unchanged_user(attempt: Attempt, verified: Mapping[str, str]) -> AbstractBaseUser:
    """The user whose password was checked, when the service names the same one (SECURITY.md S06)."""
    user: Any = attempt.user
    if not is_same(user, attempt):
        fail(attempt, ChangedUserError(), verified=verified)
    account = user.toopher_account
    known = account.toopher_user_id in {"", verified.get("pairing_user_id")}
    if verified.get("user_name") != account.name or not known:
        fail(attempt, ChangedUserError(), verified=verified)
    return user  # type: ignore[no-any-return]


def is_same(user: Any, attempt: Attempt) -> bool:
    """Still active, with the same names and password, and untouched by support since the password (SECURITY.md S07)."""
    account = getattr(user, "toopher_account", None)
    return (
        account is not None
        and user.is_active
        and str(user.get_username()) == attempt.username
        and account.name == attempt.toopher_name
        and account.generation == attempt.generation
        and any(constant_time_compare(attempt.auth_digest, digest(each)) for each in _auth_hashes(user))
    )


def let_in_unverified(pending: Pending | None) -> AbstractBaseUser:
    """The user to log in without a second factor while the service is down; only for ``TOOPHER_FAIL_OPEN``."""
    attempt = find_open(pending)
    user: Any = attempt.user
    if not is_same(user, attempt):
        fail(attempt, ChangedUserError())
    if not attempt.finish(Outcome.LET_IN, timezone.now(), reason=ServiceDownError.reason, method=Method.PASSWORD):
        raise ExpiredAttemptError
    logger.warning("let in without a second factor: the service is down", extra={"attempt": attempt.pk.hex})
    return user  # type: ignore[no-any-return]


def _remember_pairing(attempt: Attempt, verified: Mapping[str, str]) -> bool:
    """Cache the ids that were told; writes only what is new. Whether it is the first phone, which ends what other sessions earned."""
    told = {
        "paired": True,
        "pairing_id": verified.get("pairing_id", "")[:36],
        "toopher_user_id": verified.get("pairing_user_id", "")[:36],
    }
    account: Any = getattr(attempt.user, "toopher_account", None)
    if account.pairing_id != told["pairing_id"]:
        told["device"] = ""  # the name of another phone
    if not account.paired:
        account.change(**told)
        account.announce(signals.paired)
        return True
    if any(getattr(account, name) != value for name, value in told.items()):
        ToopherAccount.objects.filter(pk=account.pk).update(**told)
    return False


def complete_pairing(
    iframe: ToopherIframe, api: ToopherApi, pending: Pending | None, fields: Mapping[str, Any], user_pk: Any
) -> bool:
    """A phone was paired (True) or removed (False) on the account page of the user with this primary key.

    Verified as a login is, of its own kinds: a change of a phone, or of the user, who has removed all of them or
    switched the second factor on or off. After a removal the service is asked whether another phone is left; while it
    does not answer, the account stays paired, so that a second factor stays due.
    """
    attempt = find_open(pending, Kind.PAIRING)
    if attempt.user_id != user_pk:
        raise NothingPendingError
    is_user = fields.get("resource_type") == "requester_user"  # believed only once it is verified
    verified = _verified(iframe, pending, attempt, fields, "requester_user" if is_user else "pairing")
    if is_user:
        if not {"id", "name", "toopher_authentication_enabled"} <= verified.keys():
            raise InvalidPostbackError
        verified |= {"user_name": verified["name"], "pairing_user_id": verified["id"], "id": ""}
    account: Any = _unchanged_user(attempt, verified).toopher_account  # type: ignore[attr-defined]
    if is_user:
        account.enabled = verified["toopher_authentication_enabled"] == "true"
    account.toopher_user_id = verified.get("pairing_user_id", "")[:36]
    added = verified.get("enabled") == "true"
    if added:
        account.paired, account.pairing_id, account.device = True, verified.get("id", "")[:36], ""
    else:
        _read_pairings(account, api)
    with transaction.atomic():  # killed in between, nothing is spent and nothing forgotten (SECURITY.md S36)
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.PHONE, request_id=verified.get("id", "")):
            raise ExpiredAttemptError
        changed = ("paired", "pairing_id", "device", "toopher_user_id", "enabled")
        account.change(**{name: getattr(account, name) for name in changed})
        if not (is_user and account.paired):  # switched on or off, with its phones
            account.announce(signals.paired if added else signals.unpaired)
    if added:
        learn_phone(api, account)
    return added


def complete_pairing_with(api: ToopherApi, pending: Pending | None, user_pk: Any) -> bool:
    """The same without a postback, by what the service says of the pairing that this attempt began (``native``).

    False while the phone has not said yes. Raises ``ToopherApiError`` beside the rest.
    """
    attempt = find_open(pending, Kind.PAIRING)
    if attempt.user_id != user_pk or not attempt.pairing_id:
        raise NothingPendingError
    pairing = api.get_pairing_by_id(attempt.pairing_id)
    if not pairing.enabled:
        return False
    told = {"pairing_user_id": pairing.user.id, "user_name": pairing.user.name}
    account: Any = _unchanged_user(attempt, told).toopher_account  # type: ignore[attr-defined]
    with transaction.atomic():
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.PHONE):
            raise ExpiredAttemptError
        account.change(paired=True, pairing_id=pairing.id[:36], toopher_user_id=pairing.user.id[:36], device="")
        account.announce(signals.paired)
    learn_phone(api, account)
    return True


def learn_phone(api: ToopherApi, account: ToopherAccount) -> None:
    """Write down the name of the phone that was paired just now, for support's list; without it, things go on too."""
    if not account.pairing_id:
        return
    with suppress(ToopherApiError):
        account.device = lookups.phone(api, account.pairing_id).name
        rows = ToopherAccount.objects.filter(pk=account.pk, pairing_id=account.pairing_id)
        rows.update(device=account.device)


def _read_pairings(account: ToopherAccount, api: ToopherApi) -> None:
    try:
        phones = lookups.phones(api, account.toopher_user_id)
    except (ToopherApiError, ValueError):  # ValueError: the service named no user
        logger.warning("could not ask which phones are left", exc_info=True)
        return
    lookups.remember_phones(account, phones)


def require_service(api: ToopherApi, attempt: Attempt) -> None:
    """Raise ``ServiceDownError`` unless the service answers a signed question, within ``TOOPHER_TIMEOUT``."""
    try:
        api.get("users", user_name=attempt.toopher_name)
    except ToopherApiError as exc:
        unavailable = isinstance(exc, ServiceUnavailableError)
        logger.error("the Toopher service can't be used: %s", exc)  # noqa: TRY400 (its text says it all)
        raise ServiceDownError(may_fail_open=unavailable) from exc
