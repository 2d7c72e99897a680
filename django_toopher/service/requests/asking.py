"""One question put to the phone: asked, answered once, told to whoever asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .. import limits
from ..codes import lists, totp
from ..conf import conf
from ..errors import (
    BadParameterError,
    GoneError,
    MismatchError,
    NotAllowedError,
    NotFoundError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    UserDisabledError,
    UserUnknownError,
    WrongNumberError,
)
from ..models import (
    NAME_LENGTH,
    Action,
    AuthenticationRequest,
    Authenticator,
    Automation,
    Frame,
    Pairing,
    PregeneratedCode,
    Requester,
    User,
    digest,
    only,
)
from ..people import terminals, users
from ..phones import pairings, push
from ..retry import begun_anew
from . import alarms, automations

State = AuthenticationRequest.State
Reason = AuthenticationRequest.Reason

LONGEST = timedelta(minutes=10)
"""From a question to its answer, however often it is prolonged (SECURITY.md S22, NIST SP 800-63B-4 §3.1.3.2)."""


HAND_OVER = timedelta(seconds=10)
"""What a page needs, before its own time is over, to hand the answer on."""


@dataclass(frozen=True)
class Answer:
    """What the phone says: the texts as it showed them, the decision, the number typed, the signed message."""

    requester: str
    user: str
    action: str
    terminal: str
    address: str
    allow: bool
    number: str
    evidence: str
    automate: automations.Wish | None = None

    @property
    def shown(self) -> tuple[str, str, str, str, str]:
        """The texts, in the order of ``_as_asked``."""
        return self.requester, self.user, self.action, self.terminal, self.address


@dataclass(frozen=True)
class Question:
    """A request as a phone shows it; it can be prolonged until ``latest``.

    ``automate`` is for how many seconds the answer may be made a standing one.
    """

    id: UUID
    requester: str
    user: str
    action: str
    terminal: str
    address: str
    created: datetime
    expires: datetime
    latest: datetime
    number_length: int
    automate: int


@dataclass(frozen=True)
class Offer:
    """A pairing that waits for this phone's yes: its phrase was typed at a site."""

    id: UUID
    requester: str
    user: str
    created: datetime
    expires: datetime


def subject(requester: Requester, pairing_id: UUID | None, user_name: str) -> tuple[User, Pairing | None]:
    """Whom a requester asks about: a pairing when its id is given, else a user, made when there is none yet."""
    if pairing_id is None:
        return users.get_or_create(requester, user_name), None
    pairing = pairings.get_by_id(requester, pairing_id)
    return pairing.user, pairing


def initiate(
    user: User,
    action_name: str,
    *,
    pairing: Pairing | None = None,
    terminal_name: str = "",
    terminal_extra: str = "",
    automation_allowed: bool = True,
    challenge_required: bool = False,
    address: str = "",
    silently: bool = False,
) -> AuthenticationRequest:
    """Ask the user's phones; of a user who has no phone but a list of codes, wait for one of these.

    Where a standing answer fits, the request is answered by it at once and no phone hears of it. ``silently`` asks for
    that alone: without one, the request is taken back before anybody sees it.

    Raises what forbids it, in the order of PROTOCOL.md §2.3: ``NotAllowedError``, ``UserDisabledError``, what
    ``pairings.require_enabled`` and ``terminals.get_or_create`` raise, ``TooManyError``.
    """
    now = timezone.now()
    if challenge_required and not user.requester.permitted_challenge_required:
        raise NotAllowedError("This site may not demand that a person answers.")
    if not user.toopher_authentication_enabled:
        raise UserDisabledError
    reason = _require_factor(user, pairing)
    _require_storable(action_name)
    terminal = terminals.get_or_create(user, terminal_name, terminal_extra)
    users.require_not_blocked(user, now)
    request = AuthenticationRequest(
        user=user,
        terminal=terminal,
        action=_action(user.requester, action_name),
        reason_code=reason,
        automation_allowed=automation_allowed,
        challenge_required=challenge_required,
        address=address,
        expires=now + timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE),
    )
    if not _answer_by_automation(request, now) and silently:
        request.state, request.reason_code, request.answered = State.CANCELLED, Reason.CANCELLED, now
    asks_phone = request.state == State.PENDING and reason != Reason.OTP_REQUIRED  # which no phone shows
    if asks_phone:
        limits.count_question(user, now)
    if request.state == State.PENDING:
        request.number = _new_number()
    request.save(force_insert=True)
    if asks_phone:
        push.wake(user, request.expires)
    return request


def _answer_by_automation(request: AuthenticationRequest, now: datetime) -> bool:
    """Fill in the standing answer, if there is one for a request like this (SECURITY.md S27)."""
    terminal = request.terminal
    is_known = terminal.extra_digest is not None and terminal.created < now  # a new one has no automation
    if not automations.offered(
        automation_allowed=request.automation_allowed,
        challenge_required=request.challenge_required,
        terminal_is_known=is_known,
    ):
        return False
    automation = automations.use(request.user, terminal, request.action, request.address, now)
    if automation is None:
        return False
    allows = automation.answer == Automation.Answer.ALLOW
    request.state, request.reason_code = (State.GRANTED, Reason.NONE) if allows else (State.DENIED, Reason.DENIED)
    request.automated, request.pairing, request.answered = True, automation.pairing, now
    return True


def _require_factor(user: User, pairing: Pairing | None) -> AuthenticationRequest.Reason:
    """Why the request will wait: for a phone ``NONE``, for a code from the user's list 708 (PROTOCOL.md §2.5).

    Raises what ``pairings.require_enabled`` raises for a user who has neither.
    """
    try:
        pairings.require_enabled(user, pairing)
    except (UserUnknownError, PairingDeactivatedError, PairingNotAuthorizedError):
        if pairing or not lists.has_codes(user):
            raise
        return Reason.OTP_REQUIRED
    return Reason.NONE


def _new_number() -> str:
    """Random digits, made here and nowhere else (SECURITY.md S22)."""
    return "".join(secrets.choice("0123456789") for _ in range(conf.TOOPHER_SERVICE_NUMBER_LENGTH))


def _require_storable(name: str) -> None:
    if not name or len(name) > NAME_LENGTH or "\0" in name:
        raise BadParameterError("The action's name is blank or too long, or has a character that can't be stored.")


def _action(requester: Requester, name: str) -> Action:
    action, _ = Action.objects.get_or_create(requester=requester, name_digest=digest(name), defaults={"name": name})
    return action


def get_by_id(requester: Requester, request_id: UUID) -> AuthenticationRequest:
    """The requester's authentication request; another requester's is not found (SECURITY.md S21)."""
    return _found(_of_requester(requester, request_id), requester)


def poll(requester: Requester, request_id: UUID) -> AuthenticationRequest:
    """As ``get_by_id``, with the user's count of codes in the same query: requesters poll it again and again."""
    codes = PregeneratedCode.objects.filter(user=OuterRef("user")).order_by().values("user")
    count = Subquery(codes.annotate(count=Count("pk")).values("count"))
    request = _found(_of_requester(requester, request_id).annotate(codes_left=count), requester)
    request.user.number_of_pregenerated_otps_remaining = vars(request)["codes_left"] or 0
    return request


def _of_requester(requester: Requester, request_id: UUID) -> QuerySet[AuthenticationRequest]:
    rows = AuthenticationRequest.objects.filter(pk=request_id, user__requester=requester)
    return rows.select_related("user", "terminal", "action")


def _found(rows: QuerySet[AuthenticationRequest], requester: Requester) -> AuthenticationRequest:
    request = only(rows)
    if request is None:
        raise NotFoundError("No such authentication request.")
    request.user.requester = requester
    return request


def waiting_for(authenticator: Authenticator, now: datetime) -> tuple[list[Question], list[Offer]]:
    """What waits for an answer from this phone: requests and pairings, newest first. One query.

    Each row is one of the phone's pairings, beside each request that waits for its user, or beside none.
    """
    asked = FilteredRelation(
        "user__authentication_requests",
        condition=Q(
            user__authentication_requests__state=State.PENDING,
            user__authentication_requests__expires__gt=now,
        ),
    )
    answering = Q(state=Pairing.State.ENABLED, user__toopher_authentication_enabled=True, asked__isnull=False)
    page = Frame.objects.filter(request=OuterRef("asked__id")).values("expires")[:1]
    rows = (
        Pairing.objects.annotate(asked=asked, page_expires=Subquery(page))
        .filter(answering | Q(state=Pairing.State.PENDING, expires__gt=now), authenticator=authenticator)
        .values_list("state", *_OFFER, *_QUESTION, named=True)
    )
    questions = {row.asked__id: _question(row) for row in rows if row.state == Pairing.State.ENABLED}
    offers = {
        row.id: Offer(row.id, row.user__requester__name, row.user__name, row.created, row.expires)
        for row in rows
        if row.state == Pairing.State.PENDING
    }
    return _newest_first(questions), _newest_first(offers)


_OFFER = ("id", "user__requester__name", "user__name", "created", "expires")
_QUESTION = (
    "asked__id",
    "asked__action__name",
    "asked__terminal__name",
    "asked__terminal__extra_digest",
    "asked__address",
    "asked__created",
    "asked__expires",
    "asked__number",
    "asked__automation_allowed",
    "asked__challenge_required",
    "page_expires",
)

Waiting = TypeVar("Waiting", Question, Offer)


def _question(row: Any) -> Question:
    is_known = row.asked__terminal__extra_digest is not None
    return Question(
        id=row.asked__id,
        requester=row.user__requester__name,
        user=row.user__name,
        action=row.asked__action__name,
        terminal=row.asked__terminal__name,
        address=row.asked__address,
        created=row.asked__created,
        expires=row.asked__expires,
        latest=latest(row.asked__created, row.page_expires),
        number_length=len(row.asked__number),
        automate=automations.offered(
            automation_allowed=row.asked__automation_allowed,
            challenge_required=row.asked__challenge_required,
            terminal_is_known=is_known,
        ),
    )


def latest(created: datetime, page_expires: datetime | None) -> datetime:
    """Until when a question can be prolonged: no page waits for an answer longer than it can use one."""
    longest = created + LONGEST
    return min(longest, page_expires - HAND_OVER) if page_expires else longest


def _newest_first(waiting: dict[UUID, Waiting]) -> list[Waiting]:
    return sorted(waiting.values(), key=lambda one: one.created, reverse=True)


@begun_anew
def answer(request_id: UUID, authenticator: Authenticator, said: Answer) -> AuthenticationRequest:
    """Carry out the phone's answer (SECURITY.md S22, S23, S25, S26).

    Raises ``NotFoundError`` for a request that this phone was never asked, ``MismatchError`` when it showed something
    else, ``GoneError`` when it was answered or is over, ``WrongNumberError``, ``TooManyError``; ``BadParameterError``
    when this answer can't be made a standing one.
    """
    now = timezone.now()
    pairing, request = _asked(request_id, authenticator)
    if _as_asked(request) != said.shown:
        raise MismatchError
    if not request.is_waiting(now) or not request.user.toopher_authentication_enabled:
        raise GoneError
    if said.automate:
        automations.require_possible(request, said.automate)
    if not said.allow:
        return _answered(request, State.DENIED, now, pairing, said)
    users.require_not_blocked(request.user, now)
    if request.number:
        _begin_try(request, now)
        if not constant_time_compare(request.number, said.number):
            raise WrongNumberError(_fail_try(request, now))
    granted = _answered(request, State.GRANTED, now, pairing, said, wrong_tries=-1 if request.number else 0)
    _succeeded(request.user)
    return granted


def _answered(
    request: AuthenticationRequest,
    state: AuthenticationRequest.State,
    now: datetime,
    pairing: Pairing,
    said: Answer,
    *,
    wrong_tries: int = 0,
) -> AuthenticationRequest:
    """Finish, and make the answer a standing one where that is wished: both or neither."""
    reason = Reason.NONE if said.allow else Reason.DENIED
    with transaction.atomic():
        finished = _finish(
            request, state, now, pairing=pairing, reason=reason, evidence=said.evidence, wrong_tries=wrong_tries
        )
        if said.automate:
            kind = Automation.Answer.ALLOW if said.allow else Automation.Answer.DENY
            automations.create(request, pairing, kind, said.automate, now)
    return finished


def _succeeded(user: User) -> None:
    """What was wrong, or left unanswered, before this yes does not count any more."""
    users.succeeded(user)
    limits.forget_questions(user)


@begun_anew
def report(
    request_id: UUID, authenticator: Authenticator, shown: tuple[str, str, str, str, str], evidence: str
) -> None:
    """Carry out the phone's "it wasn't me" (SECURITY.md S24).

    The request and all that wait with it are denied, the user is asked nothing new for a while, nothing is answered
    silently for that terminal any more, and support is told. A second report of the same request changes nothing.

    Raises ``NotFoundError`` and ``MismatchError`` as ``answer`` does, ``GoneError`` for one that was approved.
    """
    now = timezone.now()
    pairing, request = _asked(request_id, authenticator)
    if _as_asked(request) != shown:
        raise MismatchError
    not_granted = AuthenticationRequest.objects.exclude(state=State.GRANTED).filter(pk=request.pk)
    with transaction.atomic():
        won = not_granted.exclude(reason_code=Reason.REPORTED).update(
            state=Case(When(state=State.PENDING, then=Value(State.DENIED)), default=F("state")),
            reason_code=Reason.REPORTED,
            pairing=pairing,
            answered=now,
            evidence=evidence,
        )
        if won:
            _follow_report(request, pairing, now)
    if not won and not not_granted.exists():
        raise GoneError


def _follow_report(request: AuthenticationRequest, pairing: Pairing, now: datetime) -> None:
    users.block_after_report(request.user, now)
    request.user.authentication_requests.waiting(now).update(
        state=State.DENIED, reason_code=Reason.REPORTED, pairing=pairing, answered=now
    )
    automations.remove_for_terminal(request.terminal)
    alarms.raise_alarm(request)


@begun_anew
def extend(request: AuthenticationRequest) -> None:
    """Give the person as much time, from now on, as for a new question, but not beyond ``latest`` (WCAG 2.2.1).

    One that has all of it is left as it is. Tries and limits count on as before (SECURITY.md S23, S24).

    Raises ``GoneError`` for one that was answered or is over.
    """
    now = timezone.now()
    page_expires = Frame.objects.filter(request=request).values_list("expires", flat=True).first()
    age = timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE)
    expires = min(now + age, latest(request.created, page_expires))
    holds = Exists(User.objects.filter(pk=request.user_id, toopher_authentication_enabled=True))
    waiting = AuthenticationRequest.objects.waiting(now).filter(holds, pk=request.pk)
    if not waiting.filter(expires__lt=expires).update(expires=expires) and not waiting.exists():
        raise GoneError


def extend_by(request_id: UUID, authenticator: Authenticator) -> AuthenticationRequest:
    """As ``extend``, wished by a phone that may answer. ``NotFoundError`` for one that was never asked."""
    _pairing, request = _asked(request_id, authenticator)
    extend(request)
    request.refresh_from_db(fields=["expires"])
    return request


def _asked(request_id: UUID, authenticator: Authenticator) -> tuple[Pairing, AuthenticationRequest]:
    """The enabled pairing by which this phone may answer, and the request."""
    request = (
        AuthenticationRequest.objects.filter(pk=request_id)
        .select_related("user__requester", "terminal", "action")
        .first()
    )
    if request is None:
        raise NotFoundError
    pairing = authenticator.pairings.filter(user=request.user).order_by("state").exclude(state=Pairing.State.PENDING)
    enabled = next((one for one in pairing if one.is_enabled), None)
    if enabled is None:
        raise GoneError if pairing else NotFoundError
    return enabled, request


def _as_asked(request: AuthenticationRequest) -> tuple[str, str, str, str, str]:
    user = request.user
    return user.requester.name, user.name, request.action.name, request.terminal.name, request.address


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
    _begin_try(request, now)
    pairing = totp.spend(request.user, code, now)
    if pairing is None and not lists.spend(request.user, code):
        _fail_try(request, now)
        request.refresh_from_db(fields=["state", "reason_code", "failures", "answered"])
        return request
    granted = _finish(request, State.GRANTED, now, pairing=pairing, reason=Reason.CODE, wrong_tries=-1)
    _succeeded(request.user)
    return granted


def _begin_try(request: AuthenticationRequest, now: datetime) -> None:
    """Count a number or code before it is compared, so that no more are compared at once than one after the other."""
    users.begin_try(request.user, now)
    tries = AuthenticationRequest.objects.waiting(now).filter(
        pk=request.pk, failures__lt=conf.TOOPHER_SERVICE_NUMBER_TRIES
    )
    if not tries.update(failures=F("failures") + 1):
        raise GoneError


def _fail_try(request: AuthenticationRequest, now: datetime) -> int:
    """It was wrong; how many tries remain. The last one denies the request."""
    request.refresh_from_db(fields=["failures"])
    left = conf.TOOPHER_SERVICE_NUMBER_TRIES - request.failures
    if left <= 0:
        AuthenticationRequest.objects.waiting(now).filter(pk=request.pk).update(
            state=State.DENIED, reason_code=Reason.TOO_MANY, answered=now
        )
    return max(left, 0)


def cancel(request: AuthenticationRequest) -> bool:
    """Take the question back; whether this call was the one that did."""
    return bool(
        AuthenticationRequest.objects.filter(pk=request.pk, state=State.PENDING).update(
            state=State.CANCELLED, reason_code=Reason.CANCELLED, answered=timezone.now()
        )
    )


def cancel_asked_by(pages: QuerySet[Frame]) -> int:
    """Take back what these iframe pages have asked; how many questions. Pages that name no login are left alone."""
    asked = pages.exclude(session_digest="").filter(request__state=State.PENDING)
    return sum(map(cancel, AuthenticationRequest.objects.filter(pk__in=asked.values("request"))))


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
        holds = Exists(Pairing.objects.enabled().filter(pk=pairing.pk, user__toopher_authentication_enabled=True))
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
    request.state, request.reason_code, request.pairing, request.answered = state, reason, pairing, now
    return request
