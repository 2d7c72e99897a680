"""Step-ups: this person confirms this action, which this very request is about to carry out (SECURITY.md S13).

An approval is bound to its subject: the person, the action's words, the session (or, without one, the credentials) and
the request itself, method, path, query and body. ``begin`` writes the subject's digest down, ``require_subject`` holds
a request against it, ``spend`` uses the approval up: once, before the view runs, so that nothing is carried out twice,
whatever happens to the view. Phones answer through the iframe's postback (``complete``) or through the API
(``ask_phone``, ``look``); people who have no phone and need none confirm with their password.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY, authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import Promise
from django.utils.http import escape_leading_slashes

from .. import policy
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
    UnusableActionError,
    WrongPasswordError,
)
from ..login import attempts, native
from ..models import Attempt, ToopherAccount, digest
from ..session import computer, state
from ..session.state import Pending
from .held_request import Held

Kind, Method, Outcome = Attempt.Kind, Attempt.Method, Attempt.Outcome

HEADER = "X-Toopher-Step-Up"
"""With it a client that has no page sends its request again, once it is approved."""

PASSWORDS = 5
"""Wrong passwords that a person may give within ``PASSWORD_WINDOW``."""

PASSWORD_WINDOW = timedelta(minutes=15)

_ACTION_LENGTH = 255  # PROTOCOL.md §2.3, and the service's own limit


_TOLD = (ExpiredAttemptError, ChangedUserError, OptedOutError, PhoneRemovedError)
_FAILURES: dict[str, type[SecondFactorError]] = {error.reason: error for error in _TOLD}


@dataclass(frozen=True)
class Requirement:
    """What a view demands: the action in words, or how to make them from a request; and how long a yes lasts.

    ``max_age=None``: every request is asked for. With ``max_age`` seconds, a fixed action is let through when the
    person has passed a second factor in this session within that time: at the login, where no standing answer did it,
    or for any fixed action. An action made from the request is let through only when these very words were confirmed.
    ``safe_methods=False``: GET, HEAD, OPTIONS and TRACE pass, so that a view can show the form that is to be confirmed.
    ``unless`` gets what the view gets and says which further requests pass: forms that the view will find to be wrong,
    say.
    """

    action: Any
    max_age: int | None = None
    safe_methods: bool = True
    unless: Callable[..., bool] | None = None

    def __post_init__(self) -> None:
        if self.max_age is not None and (type(self.max_age) is not int or self.max_age <= 0):
            raise ImproperlyConfigured(f"max_age must be whole seconds, or None, not {self.max_age!r}.")

    def is_for(self, request: HttpRequest) -> bool:
        """Whether requests of this method are stopped."""
        return self.safe_methods or request.method not in {"GET", "HEAD", "OPTIONS", "TRACE"}

    def passes(self, *args: Any, **kwargs: Any) -> bool:
        """Whether this request needs no confirmation."""
        return self.unless is not None and self.unless(*args, **kwargs) is True

    def words(self, *args: Any, **kwargs: Any) -> str:
        """The action for this request, as the phone shows it."""
        action = self.action(*args, **kwargs) if callable(self.action) else self.action
        if not isinstance(action, str | Promise):
            raise ImproperlyConfigured(f"The action of a step-up must be a text, not {action!r}.")
        shown = " ".join(str(action).split())
        hidden = any(unicodedata.category(character)[0] == "C" for character in shown)  # control, format, surrogate ...
        if not shown or len(shown) > _ACTION_LENGTH or hidden:
            raise UnusableActionError
        return shown

    def is_met(self, kept: Any, words: str) -> bool:
        """Whether the person has confirmed this in the session ``kept``, not long ago."""
        return self.max_age is not None and state.was_confirmed(kept, self._memory(words), self.max_age)

    def remember(self, kept: Any, words: str) -> None:
        """The person has confirmed this just now."""
        state.set_confirmed(kept, self._memory(words))

    def _memory(self, words: str) -> str:
        return digest(words) if callable(self.action) else ""


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
        return f"session {state.step_up_secret(kept)} at {request.get_host()}"
    return f"authorization {request.headers.get('Authorization', '')} at {request.get_host()}"


def asks_phone(user: AbstractBaseUser, request: HttpRequest) -> bool:
    """Whether this person confirms on a phone; the others, who have none and need none, with the password."""
    account: ToopherAccount | None = getattr(user, "toopher_account", None)
    return bool(account and account.paired and account.enabled) or policy.is_due(user, request)


def begin(request: HttpRequest, subject: Subject) -> Pending:
    """Write down that somebody is asked to confirm ``subject``."""
    return attempts.begin(
        subject.user,
        Kind.STEP_UP,
        action=subject.action,
        address=computer.address_of(request),
        browser=request.headers.get("User-Agent", ""),
        subject=str(subject),
    )


def find(ticket: object) -> tuple[Pending, Attempt]:
    """The step-up that a ticket names, whatever became of it. Raises ``NothingPendingError``."""
    pending = Pending.of_ticket(ticket)
    found = Attempt.objects.filter(pk=pending.attempt, kind=Kind.STEP_UP) if pending else Attempt.objects.none()
    attempt = found.select_related("user__toopher_account").first()
    if pending is None or attempt is None or not constant_time_compare(attempt.token_digest, digest(pending.token)):
        raise NothingPendingError
    return pending, attempt


def require_subject(pending: Pending, attempt: Attempt, subject: Subject) -> None:
    """Raise ``ChangedRequestError`` unless the attempt was begun for exactly this subject."""
    if not constant_time_compare(attempt.request_digest, digest(pending.token + str(subject))):
        raise ChangedRequestError


def complete(iframe: ToopherIframe, pending: Pending, fields: Mapping[str, Any]) -> None:
    """The phone's yes, as the iframe's postback tells it. Raises a ``SecondFactorError`` otherwise."""
    _keep_up(attempts.complete(iframe, pending, fields, Kind.STEP_UP))


def _keep_up(approval: attempts.Approval) -> None:
    """A phone that was paired on the way has changed the account, which is no reason to refuse what it confirmed."""
    if approval.paired_now:
        Attempt.objects.filter(pk=approval.attempt.pk).update(generation=F("generation") + 1)


def ask_phone(api: ToopherApi, pending: Pending, terminal: str, terminal_name: str) -> str:
    """Ask the phone through the API, without a page; the number to type there. A step-up never fails open."""
    attempt = attempts.find_open(pending, Kind.STEP_UP, terminal=terminal)
    computer = native.Computer(terminal, vars(attempt)["known_as"] or terminal_name)
    progress = native.ask_phone(api, attempt, computer, pairs=False)
    if progress.state == "hold":
        attempts.fail(attempt, TooManyRequestsError())
    return progress.number


def look(api: ToopherApi, attempt: Attempt) -> str:
    """Ask the service what became of the question, and write the answer down; the number, while it waits for one.

    ``attempt`` says afterwards how it stands. Raises ``NotAnsweredYetError`` when it was looked at too often.
    """
    if attempt.outcome != Outcome.PENDING or not attempt.request_id or attempt.expires <= timezone.now():
        return ""
    progress = native.poll(api, attempt)
    if progress.state == "hold":
        raise NotAnsweredYetError
    with suppress(SecondFactorError):  # the attempt tells of it
        if progress.state == "unanswered":
            attempts.fail(attempt, ExpiredAttemptError())
        if progress.state == "answered" and progress.asked is not None:
            _keep_up(attempts.complete_with_answer(attempt, progress.asked))
    attempt.refresh_from_db()
    return progress.number


def complete_with_password(request: HttpRequest, pending: Pending, password: str) -> AbstractBaseUser:
    """The password of somebody who confirms without a phone; every wrong one is an attempt that failed.

    The account is locked meanwhile, so that many guesses at the same moment are counted one after another.
    """
    attempt = attempts.find_open(pending, Kind.STEP_UP)
    user: Any = attempt.user
    if not attempts.is_same(user, attempt) or asks_phone(user, request):
        attempts.fail(attempt, ChangedUserError())
    with transaction.atomic():
        ToopherAccount.objects.filter(user=user).update(generation=F("generation"))  # the lock, on SQLite too
        guesser = None if _is_guessing(user) else authenticate(request, username=attempt.username, password=password)
        right = guesser is not None and guesser.pk == user.pk
        error = None if right else TooManyPasswordsError() if _is_guessing(user) else WrongPasswordError()
        outcome, reason = (Outcome.FAILED, error.reason) if error else (Outcome.GRANTED, "")
        finished = attempt.finish(outcome, timezone.now(), reason=reason, method=Method.PASSWORD)
        if guesser and right and not attempts.is_same(guesser, attempt):  # the same password was hashed anew
            Attempt.objects.filter(pk=attempt.pk).update(auth_digest=attempts.auth_digest(guesser))
    if error:
        raise error
    if guesser is None or not finished:
        raise ExpiredAttemptError
    return guesser


def _is_guessing(user: AbstractBaseUser) -> bool:
    wrong = Attempt.objects.filter(user=user.pk, kind=Kind.STEP_UP, reason=WrongPasswordError.reason)
    return wrong.filter(finished__gt=timezone.now() - PASSWORD_WINDOW).count() >= PASSWORDS


def require_granted(attempt: Attempt) -> None:
    """Raise what became of the attempt instead, as the database says now; ``NotAnsweredYetError`` while that is open."""
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
    """Use the approval up: from here on the request may be carried out, and never again. Raises a ``SecondFactorError``."""
    require_granted(attempt)
    if not attempt.spend(timezone.now()):
        raise ExpiredAttemptError


def state_of(attempt: Attempt) -> str:
    """``pending``, ``granted``, ``denied``, ``failed``; ``expired``, and ``spent`` when it was carried out."""
    if attempt.spent:
        return "spent"
    if attempt.outcome in {Outcome.PENDING, Outcome.GRANTED} and attempt.expires <= timezone.now():
        return "expired"
    return str(attempt.outcome)
