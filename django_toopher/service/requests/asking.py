"""A requester asks: who is asked, what stands in the request, and whether a phone hears of it at all."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from .. import limits
from ..codes import lists
from ..conf import conf
from ..errors import (
    BadParameterError,
    NotAllowedError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    TooManyError,
    UserDisabledError,
    UserUnknownError,
)
from ..models import NAME_LENGTH, Action, AuthenticationRequest, Automation, Pairing, Requester, User, digest
from ..people import terminals, users
from ..phones import pairings, push
from ..retry import retry_on_deadlock
from . import automations, waiting

State = AuthenticationRequest.State
Reason = AuthenticationRequest.Reason


def user_to_ask(requester: Requester, pairing_id: UUID | None, user_name: str) -> tuple[User, Pairing | None]:
    """Whom a requester asks about: a pairing when its id is given, else a user, made when there is none yet."""
    if pairing_id is None:
        # made even where 705 follows: openam looks the user up right after it (PROTOCOL.md §2.3)
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
    terminal_id: UUID | None = None,
    automation_allowed: bool = True,
    challenge_required: bool = False,
    address: str = "",
    silently: bool = False,
    by_code: bool = False,
    waits_for_code: bool = False,
    numbered: bool = True,
) -> AuthenticationRequest:
    """Ask the user's phones; of a user who has no phone but a list of codes, wait for one of these.

    A ``pairing`` that the site has not confirmed yet is asked alone, and no automation answers in its stead.

    Where an automation fits, the request is answered by it at once and no phone hears of it. ``silently`` asks for
    that alone: without one, the request is taken back before anybody sees it. ``by_code`` asks no phone either: the
    request waits for a one-time code.

    Where the phone may not be asked so soon again, the request is denied at once, and says why; with
    ``waits_for_code`` it waits for a one-time code instead (SECURITY.md S45). After a report it is denied in any case.

    Where it is not ``numbered``, one tap approves it: the requester has said that it can't show a number (S22).

    Raises what forbids it, in the order of PROTOCOL.md §2.3: ``NotAllowedError``, ``UserDisabledError``, what
    ``pairings.require_enabled`` and ``terminals.at`` raise. No limit raises anything: clients that let
    people in when the service fails would take it for a failure (S49).
    """
    now = timezone.now()
    if challenge_required and not user.requester.permitted_challenge_required:
        raise NotAllowedError("This site may not demand that a person answers.")
    if not user.toopher_authentication_enabled:
        raise UserDisabledError
    asked = _asked_alone(pairing, now)
    reason = Reason.NONE if asked else _require_factor(user, pairing)
    _require_storable(action_name)
    terminal = terminals.at(user, terminal_name, terminal_extra, terminal_id)
    request = AuthenticationRequest(
        user=user,
        asked_pairing=asked,
        terminal=terminal,
        action=_action(user.requester, action_name),
        reason_code=reason,
        automation_allowed=automation_allowed,
        challenge_required=challenge_required,
        address=address,
        at_known=terminal.is_known,
        expires=now + timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE),
    )
    asks_phone = False
    try:
        limits.require_not_blocked(request, now)
        # our id of the terminal is no secret (S27)
        if terminal_extra and not asked and _answer_by_automation(request, now):
            pass
        elif silently:
            request.state, request.reason_code, request.answered = State.CANCELLED, Reason.CANCELLED, now
        elif reason == Reason.OTP_REQUIRED:  # which no phone shows
            pass
        elif by_code:
            request.withheld_until = now
        else:
            # after the automation: what is answered silently troubles nobody, and does not count (S24)
            limits.count_request(request, now)
            asks_phone = True
    except TooManyError as error:
        _withhold(request, error, now, waits_for_code=waits_for_code)
    if numbered and request.state == State.PENDING and not request.is_withheld:
        request.number = _new_number()
    retry_on_deadlock(request.save)(force_insert=True)  # whoever lifts a limit holds the user's row meanwhile
    if asks_phone:
        push.wake(user, request.expires, asked)
    return request


_QUESTIONS = {limits.UnansweredError: Reason.ASKED_TOO_OFTEN, limits.BusyError: Reason.SITE_BUSY}
"""What keeps back the question alone; anything else forbids every answer."""


def _withhold(request: AuthenticationRequest, error: TooManyError, now: datetime, *, waits_for_code: bool) -> None:
    """No phone is asked: the request waits for a one-time code, where that helps and is wanted, or is denied."""
    request.withheld_until = now + timedelta(seconds=error.retry_after)
    request.reason_code = _QUESTIONS.get(type(error), Reason.BLOCKED)
    if waits_for_code and type(error) in _QUESTIONS:
        request.expires = now + waiting.LONGEST  # nobody is to hurry: the phone may be asked again only then
    else:
        request.state, request.answered = State.DENIED, now


def _answer_by_automation(request: AuthenticationRequest, now: datetime) -> bool:
    """Fill in what the person has decided before for a request like this, if anything (SECURITY.md S27)."""
    terminal = request.terminal
    is_known = terminal.extra_digest is not None and terminal.created < now  # a new one has no automation
    if not automations.seconds_offered(
        automation_allowed=request.automation_allowed,
        challenge_required=request.challenge_required,
        terminal_is_known=is_known,
    ):
        return False
    automation = automations.apply(request.user, terminal, request.action, request.address, now)
    if automation is None:
        return False
    allows = automation.answer == Automation.Answer.ALLOW
    request.state, request.reason_code = (State.GRANTED, Reason.NONE) if allows else (State.DENIED, Reason.DENIED)
    request.automated, request.pairing, request.answered = True, automation.pairing, now
    return True


def _asked_alone(pairing: Pairing | None, now: datetime) -> Pairing | None:
    """``pairing``, where it is one that its site may still confirm (SECURITY.md S39)."""
    if pairing is None or not pairing.is_agreed(now):
        return None
    if pairing.only_first and (pairing.user.has_had_codes or pairing.user.pairings.enabled().exists()):
        raise PairingNotAuthorizedError
    return pairing


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
    user.has_phone = True  # saves the reply a query
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
