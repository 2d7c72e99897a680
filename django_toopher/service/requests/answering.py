"""The one answer that a request gets: from the phone, by a one-time code, or by whoever asked and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, F, QuerySet, Value, When
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import limits
from ..codes import lists, totp
from ..conf import conf
from ..errors import GoneError, MismatchError, TooManyError, UserDisabledError, WrongNumberError
from ..models import AuthenticationRequest, Authenticator, Automation, Frame, Pairing, Terminal, User
from ..retry import retry_on_deadlock
from ..shown import RequestTexts
from . import alarms, automations, waiting

State = AuthenticationRequest.State
Reason = AuthenticationRequest.Reason


@dataclass(frozen=True)
class Answer:
    """What the phone says: the texts as it showed them, the decision, the number typed, the signed message."""

    shown: RequestTexts
    allow: bool
    number: str
    evidence: str
    automate: automations.Terms | None = None


def answer(request_id: UUID, authenticator: Authenticator, said: Answer) -> AuthenticationRequest:
    """Carry out the phone's answer (SECURITY.md S22, S23, S25, S26).

    Raises ``NotFoundError`` for a request that this phone was never asked, ``MismatchError`` when it showed something
    else, ``GoneError`` when it was answered or is over, ``WrongNumberError``, ``TooManyError``; ``BadParameterError``
    when this answer can't become an automation. A deadlock has its step done anew, not the whole: a try counts once.
    """
    now = timezone.now()
    pairing, request = waiting.request_at(request_id, authenticator)
    if request.texts != said.shown:
        raise MismatchError
    # an early look, so that a late answer counts as no try; the UPDATE in `_finish` decides (S25)
    if not request.is_waiting(now) or not request.user.toopher_authentication_enabled:
        raise GoneError
    if said.automate:
        automations.require_possible(request, said.automate)
    if not said.allow:
        return _answered(request, State.DENIED, now, pairing, said)
    # below the no, which a blocked user may say; `_begin_try` would not stop a yes where no number is asked
    limits.require_not_blocked(request, now)
    if request.number:
        _begin_try(request, limits.count_number, now)
        if not constant_time_compare(request.number, said.number):
            raise WrongNumberError(_fail_try(request, now))
    granted = _answered(request, State.GRANTED, now, pairing, said, wrong_tries=-1 if request.number else 0)
    _succeeded(request)
    return granted


@retry_on_deadlock
def _answered(
    request: AuthenticationRequest,
    state: AuthenticationRequest.State,
    now: datetime,
    pairing: Pairing,
    said: Answer,
    *,
    wrong_tries: int = 0,
) -> AuthenticationRequest:
    """Finish, and make the answer an automation where that is wanted: both or neither."""
    reason = Reason.NONE if said.allow else Reason.DENIED
    with transaction.atomic():
        finished = _finish(
            request, state, now, pairing=pairing, reason=reason, evidence=said.evidence, wrong_tries=wrong_tries
        )
        if said.automate:
            kind = Automation.Answer.ALLOW if said.allow else Automation.Answer.DENY
            automations.create(request, pairing, kind, said.automate, now)
    return finished


@retry_on_deadlock
def _succeeded(request: AuthenticationRequest) -> None:
    """What was wrong there, or left unanswered, before this yes does not count any more."""
    limits.forget_tries(request)
    limits.forget_requests(request)


@retry_on_deadlock
def report(request_id: UUID, authenticator: Authenticator, shown: RequestTexts, evidence: str) -> None:
    """Carry out the phone's "it wasn't me" (SECURITY.md S24).

    The request and all that wait with it are denied, the user is asked nothing new for a while, that terminal's
    automations are gone, and support is told. A second report of the same request changes nothing.

    Raises ``NotFoundError`` and ``MismatchError`` as ``answer`` does, ``GoneError`` for one that was approved.
    """
    now = timezone.now()
    pairing, request = waiting.request_at(request_id, authenticator)
    if request.texts != shown:
        raise MismatchError
    not_granted = AuthenticationRequest.objects.exclude(state=State.GRANTED).filter(pk=request.pk)
    with transaction.atomic():
        won = not_granted.exclude(reason_code=Reason.REPORTED).update(
            # not only what waits: what was denied, cancelled or ran out can still be reported (S24)
            state=Case(When(state=State.PENDING, then=Value(State.DENIED)), default=F("state")),
            reason_code=Reason.REPORTED,
            pairing=pairing,
            answered=now,
            evidence=evidence,
        )
        if won and pairing.is_enabled:  # a phone that no site has confirmed blocks nobody (S39)
            _follow_report(request, pairing, now)
    if not won and not not_granted.exists():
        raise GoneError


def _follow_report(request: AuthenticationRequest, pairing: Pairing, now: datetime) -> None:
    limits.block_after_report(request.user, now)
    request.user.authentication_requests.waiting(now).update(
        state=State.DENIED, reason_code=Reason.REPORTED, pairing=pairing, answered=now
    )
    automations.remove_for_terminal(request.terminal)
    alarms.raise_alarm(request)


def authenticate_with_otp(request: AuthenticationRequest, code: str) -> AuthenticationRequest:
    """Answer a waiting request with a one-time code, from the phone or from the user's list.

    A wrong code leaves the request waiting and counts against the user (PROTOCOL.md §4.1, §8.5); the third denies it.
    The reply tells by its state, so nothing is raised but ``TooManyError``, ``GoneError`` for one that is over, and
    ``UserDisabledError``. One that an automation has answered stays as it is.
    """
    if request.automated:
        return request  # answered already, code or no code
    now = timezone.now()
    if not request.is_waiting(now):
        raise GoneError
    if not request.user.toopher_authentication_enabled:
        raise UserDisabledError
    _begin_try(request, limits.count_code, now)
    pairing = totp.spend(Pairing.objects.asked(request.user_id, request.asked_pairing_id, now), code, now)
    if pairing is None and not lists.spend(request.user, code):
        _fail_try(request, now)
        request.refresh_from_db(fields=["state", "reason_code", "failures", "answered"])
        return request
    granted = _finish(request, State.GRANTED, now, pairing=pairing, reason=Reason.CODE, wrong_tries=-1)
    _succeeded(request)
    return granted


@retry_on_deadlock
@transaction.atomic
def _begin_try(
    request: AuthenticationRequest, count: Callable[[AuthenticationRequest, datetime], None], now: datetime
) -> None:
    """Count a number or code before it is compared, so that no more are compared at once than one after the other.

    Counted at the request and, by ``count``, where it comes from: both or, where either has enough, neither.
    """
    count(request, now)
    tries = AuthenticationRequest.objects.waiting(now).filter(
        pk=request.pk, failures__lt=conf.TOOPHER_SERVICE_LIMITS.number_tries
    )
    if not tries.update(failures=F("failures") + 1):
        raise GoneError


@retry_on_deadlock
def _fail_try(request: AuthenticationRequest, now: datetime) -> int:
    """It was wrong; how many tries remain. The last one denies the request."""
    request.refresh_from_db(fields=["failures"])  # others may have guessed at the same moment (S23)
    left = tries_left(request)
    if not left:
        AuthenticationRequest.objects.waiting(now).filter(pk=request.pk).update(
            state=State.DENIED, reason_code=Reason.TOO_MANY, answered=now
        )
    return left


@retry_on_deadlock
def block(request: AuthenticationRequest, error: TooManyError) -> None:
    """No code is compared now: the request is denied, and says why."""
    now = timezone.now()
    AuthenticationRequest.objects.waiting(now).filter(pk=request.pk).update(
        state=State.DENIED,
        reason_code=Reason.BLOCKED,
        withheld_until=now + timedelta(seconds=error.retry_after),
        answered=now,
    )


def tries_left(request: AuthenticationRequest) -> int:
    """How many wrong numbers or codes the request still bears."""
    return max(conf.TOOPHER_SERVICE_LIMITS.number_tries - request.failures, 0)


@retry_on_deadlock
def cancel(request: AuthenticationRequest) -> bool:
    """Take the request back; whether this call was the one that did."""
    return bool(
        AuthenticationRequest.objects.filter(pk=request.pk, state=State.PENDING).update(
            state=State.CANCELLED, reason_code=Reason.CANCELLED, answered=timezone.now()
        )
    )


def cancel_asked_by(pages: QuerySet[Frame]) -> int:
    """Take back what these iframe pages have asked; how many requests. Pages that name no login are left alone."""
    asked = pages.exclude(session_digest="").filter(request__state=State.PENDING)
    return sum(map(cancel, AuthenticationRequest.objects.filter(pk__in=asked.values("request"))))


@retry_on_deadlock
@transaction.atomic
def _finish(
    request: AuthenticationRequest,
    state: AuthenticationRequest.State,
    now: datetime,
    *,
    pairing: Pairing | None,
    reason: AuthenticationRequest.Reason = Reason.NONE,
    evidence: str = "",
    wrong_tries: int = 0,
) -> AuthenticationRequest:
    """The one way out of ``PENDING`` by an answer: a conditional UPDATE that also asks whether the pairing still holds.

    A code from the user's list comes without a pairing; then the user must still be enabled. ``wrong_tries`` is -1 for
    a right number or code, which ``_begin_try`` had counted among them.

    The request's own conditions stand in the UPDATE itself, not in a joined subquery, so that the database looks at
    them again after waiting for another answer's lock.
    """
    if pairing:
        asked = Pairing.objects.asked(request.user_id, request.asked_pairing_id, now)
        holds = Exists(asked.filter(pk=pairing.pk, user__toopher_authentication_enabled=True))
    else:
        holds = Exists(User.objects.filter(pk=request.user_id, toopher_authentication_enabled=True))
    won = (
        AuthenticationRequest.objects.waiting(now)
        .filter(holds, pk=request.pk)
        .update(
            state=state,
            reason_code=reason,
            pairing=pairing,
            answered=now,
            evidence=evidence,
            failures=F("failures") + wrong_tries,
        )
    )
    if not won:
        raise GoneError
    if pairing:
        Pairing.objects.filter(pk=pairing.pk).update(last_used=now)
    # a phone that its site has not confirmed approves no computer (S39): `pairings.confirm` does
    if state == State.GRANTED and request.terminal.approved is None and (pairing is None or pairing.is_enabled):
        Terminal.objects.filter(pk=request.terminal_id, approved=None).update(
            approved=now,
            failures=0,
            blocked_until=None,  # what was wrong here before was counted at the user
        )
    request.state, request.reason_code, request.pairing, request.answered = state, reason, pairing, now
    return request
