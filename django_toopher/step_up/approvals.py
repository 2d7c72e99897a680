"""Step-ups: this person confirms this action, which this very request is about to carry out (SECURITY.md S13).

An approval is bound to its subject: the person, the action's words, the session (or, without one, the credentials) and
the request itself, method, path, query and body. ``request_approval`` writes the subject's digest down,
``require_subject`` holds a request against it, ``spend`` uses the approval up: once, before the view runs, so that
nothing is carried out twice, whatever happens to the view. Phones answer through the iframe's postback
(``complete_with_postback``) or through the API (``ask_phone``, ``poll``); people who have no phone and need none
confirm with their password.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import SESSION_KEY, authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import escape_leading_slashes

from .. import connection, limits
from ..addresses import address_of
from ..client import ToopherApi, ToopherIframe
from ..errors import (
    ChangedRequestError,
    ChangedUserError,
    ExpiredAttemptError,
    NotAnsweredYetError,
    NotApprovedError,
    NothingPendingError,
    OptedOutError,
    PhoneRemovedError,
    SecondFactorError,
    TooManyPasswordsError,
    TooManyRequestsError,
    WrongCodeError,
    WrongPasswordError,
)
from ..impersonation import is_impersonating
from ..login import answers, attempts, due, native
from ..login.attempts import OpenAttempt
from ..login.native import Progress
from ..models import Attempt, ToopherAccount, digest
from ..session import computer, state
from ..session.state import Pending
from .held_request import Held
from .requirement import Requirement

Kind, Method, Outcome = Attempt.Kind, Attempt.Method, Attempt.Outcome

_FAILURES: dict[str, type[SecondFactorError]] = {
    error.reason: error for error in (ExpiredAttemptError, ChangedUserError, OptedOutError, PhoneRemovedError)
}
"""What a failed attempt has recorded, as the error that it was; of any other reason nothing is told."""


@dataclass(frozen=True)
class Subject:
    """What an approval is for."""

    user: AbstractBaseUser
    action: str
    caller: str
    method: str
    path: str
    body: str

    def __str__(self) -> str:
        return json.dumps([str(self.user.pk), self.action, self.caller, self.method, self.path, self.body])


def subject_of(request: HttpRequest, user: Any, action: str, held: Held) -> Subject:
    """``request``, with the body ``held``, as the subject of an approval."""
    path = escape_leading_slashes(request.get_full_path())  # two would name another site, where it becomes a link
    return Subject(user, action, caller_of(request), str(request.method), path, held.canonical())


def caller_of(request: HttpRequest) -> str:
    """The session that a request belongs to; without a logged-in one, the credentials that it shows. And where."""
    kept: Any = getattr(request, "session", None)
    if kept is not None and SESSION_KEY in kept:
        # whoever acts as somebody else confirms it for them, and for no other whom they act as later
        whom = f" as {request.user.pk}" if is_impersonating(request) else ""
        return f"session {state.step_up_secret(kept)}{whom} at {request.get_host()}"
    return f"authorization {request.headers.get('Authorization', '')} at {request.get_host()}"


def asks_phone(user: AbstractBaseUser, request: HttpRequest) -> bool:
    """Whether this person confirms on a phone; the others, who have none and need none, with the password.

    What the service says of that counts (SECURITY.md S37), once for each request, and a step-up never fails open:
    raises as ``due.is_due``. As it may move the generation on, it is asked before an approval is requested.
    """
    account: ToopherAccount | None = getattr(user, "toopher_account", None)
    if account and account.paired and account.enabled:
        return True
    told: dict[Any, bool] = request.__dict__.setdefault("_toopher_asks_phone", {})
    if user.pk not in told:
        told[user.pk] = due.is_due(request, user, fails_open=False)
    return told[user.pk]


def is_confirmed(request: HttpRequest, user: Any, requirement: Requirement, words: str = "") -> bool:
    """Whether ``user`` has confirmed it lately in this session; with the password, where they have no phone."""
    return requirement.is_met(request.session, words) or (
        requirement.is_met_by_password(request.session, words) and not asks_phone(user, request)
    )


def request_approval(request: HttpRequest, subject: Subject) -> Pending:
    """Write down that somebody is asked to confirm ``subject``. No phone hears of it yet."""
    return attempts.begin(
        subject.user,
        Kind.STEP_UP,
        action=subject.action,
        address=address_of(request),
        browser=request.headers.get("User-Agent", ""),
        subject=str(subject),
    )


def of_ticket(ticket: object) -> tuple[Pending, Attempt]:
    """The step-up that a ticket names, whatever became of it. Raises ``NothingPendingError``."""
    pending = Pending.of_ticket(ticket)
    if pending is None:
        raise NothingPendingError
    return pending, attempts.find_any(pending, Kind.STEP_UP)


def require_subject(pending: Pending, attempt: Attempt, subject: Subject) -> None:
    """Raise ``ChangedRequestError`` unless the attempt was begun for exactly this subject."""
    if not constant_time_compare(attempt.request_digest, digest(pending.token + str(subject))):
        raise ChangedRequestError


def complete_with_postback(iframe: ToopherIframe, api: ToopherApi, pending: Pending, fields: Mapping[str, Any]) -> None:
    """The phone's yes, as the iframe's postback tells it. Raises a ``SecondFactorError`` otherwise."""
    _accept_pairing(answers.complete_with_postback(iframe, api, pending, fields, Kind.STEP_UP))


def _accept_pairing(approval: answers.Approval) -> None:
    """A phone that was paired on the way has changed the account, which is no reason to refuse what it confirmed."""
    if approval.paired_now:
        Attempt.objects.filter(pk=approval.attempt.pk).update(generation=F("generation") + 1)


def ask_phone(request: HttpRequest, pending: Pending, here: OpenAttempt | None = None) -> Progress:
    """Ask the phone through the API, without an iframe; how far it is then. A step-up never fails open.

    ``here`` is what a page has found of it already: without a cookie yet, looking again would make another computer.
    """
    here = here or attempts.find_at(computer.of_request(request), pending, Kind.STEP_UP)
    progress = native.ask_phone(connection.api(request), here.attempt, here.computer, pairs=False)
    if progress.state == "hold":
        attempts.fail(here.attempt, TooManyRequestsError())
    return progress


def ask_again(request: HttpRequest, pending: Pending) -> None:
    """The same, of somebody who was told to wait; nothing where the phone waits for an answer, or may not be asked."""
    here = attempts.find_at(computer.of_request(request), pending, Kind.STEP_UP)
    progress = poll(connection.api(request), here.attempt)
    if progress.state == "code" and progress.may_ask:
        ask_phone(request, pending, here)


def poll(api: ToopherApi, attempt: Attempt) -> Progress:
    """Ask the service what became of the request, and write the answer down; how far it is.

    ``attempt`` has the outcome afterwards. Raises ``NotAnsweredYetError`` when the service was asked too often.
    """
    if attempt.outcome != Outcome.PENDING or not attempt.request_id or attempt.expires <= timezone.now():
        return Progress("new")
    progress = native.poll(api, attempt)
    if progress.state == "hold":
        raise NotAnsweredYetError
    return _written(api, attempt, progress)


def enter_code(api: ToopherApi, attempt: Attempt, code: str) -> None:
    """Confirm with the phone's one-time code; ``attempt`` has the outcome afterwards.

    ``WrongCodeError`` and ``TooManyCodesError`` leave it waiting.
    """
    progress = poll(api, attempt)
    if progress.reply is None or not progress.takes_code:
        return
    if _written(api, attempt, native.enter_code(api, attempt, progress.reply, code)).takes_code:
        raise WrongCodeError


def _written(api: ToopherApi, attempt: Attempt, progress: Progress) -> Progress:
    """``progress``, and what it says of the answer in the attempt."""
    with suppress(SecondFactorError):  # the attempt tells of it
        if progress.state in {"unanswered", "late"}:
            attempts.fail(attempt, ExpiredAttemptError())
        if progress.state == "answered" and progress.reply is not None:
            _accept_pairing(answers.complete_with_reply(api, attempt, progress.reply))
    attempt.refresh_from_db()
    return progress


def complete_with_password(request: HttpRequest, pending: Pending, password: str) -> AbstractBaseUser:
    """The password of somebody who confirms without a phone; every wrong one is an attempt that failed."""
    attempt = attempts.find_open(pending, Kind.STEP_UP)
    user = attempts.unchanged_user(attempt)
    if asks_phone(user, request):  # whoever has one does not get round it by posting a password instead (S13)
        attempts.fail(attempt, ChangedUserError())
    try:
        limits.begin_try(user.toopher_account, TooManyPasswordsError)
    except TooManyPasswordsError as error:
        attempts.fail(attempt, error, told={"method": Method.PASSWORD})
    confirmed = authenticate(request, username=attempt.username, password=password)
    # back ends know people by a name; the same primary key is what counts (DESIGN.md, rule 4)
    if confirmed is None or confirmed.pk != user.pk:
        attempts.fail(attempt, WrongPasswordError(), told={"method": Method.PASSWORD})
    with transaction.atomic():
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.PASSWORD):
            raise ExpiredAttemptError
        limits.forget(user)
        if not attempts.is_same(confirmed, attempt):  # the same password was hashed anew
            Attempt.objects.filter(pk=attempt.pk).update(auth_digest=attempts.auth_digest(confirmed))
    return confirmed


def require_granted(attempt: Attempt) -> None:
    """Raise what became of the attempt instead, as the database says now; ``NotAnsweredYetError`` while it is open."""
    attempt.refresh_from_db()
    if attempt.outcome == Outcome.PENDING and attempt.expires > timezone.now():
        raise NotAnsweredYetError
    if attempt.outcome == Outcome.DENIED:
        raise NotApprovedError
    if attempt.outcome == Outcome.FAILED:
        raise _FAILURES.get(attempt.reason, SecondFactorError)
    if attempt.outcome != Outcome.GRANTED:
        raise ExpiredAttemptError
    if not attempts.is_same(attempt.user, attempt):
        raise ChangedUserError


def spend(attempt: Attempt) -> None:
    """Use the approval up: now the request may be carried out, and never again. Raises a ``SecondFactorError``."""
    require_granted(attempt)
    if not attempt.spend(timezone.now()):
        raise ExpiredAttemptError


def redeem(api: ToopherApi, ticket: object, subject: Subject) -> Attempt:
    """Spend the approval that a client has come back with, if it is for ``subject``. Raises a ``SecondFactorError``."""
    pending, attempt = of_ticket(ticket)
    require_subject(pending, attempt, subject)
    poll(api, attempt)
    spend(attempt)
    return attempt


def progress_of(attempt: Attempt) -> str:
    """``pending``, ``granted``, ``denied``, ``failed``; ``expired``, and ``spent`` when it was carried out."""
    if attempt.spent:
        return "spent"
    if attempt.outcome in {Outcome.PENDING, Outcome.GRANTED} and attempt.expires <= timezone.now():
        return "expired"
    return str(attempt.outcome)
