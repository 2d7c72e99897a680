"""What a login page does: ask the phone, take a one-time code instead of its yes, give more time."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import limits
from ...errors import GoneError, WrongNumberError
from ...models import AuthenticationRequest, Frame
from ...requests import answering, asking, waiting
from ..postbacks import NOT_PAIRED
from . import permissions
from .opening import by_id
from .pairing import begin_pairing

Reason = AuthenticationRequest.Reason


class WrongCodeError(WrongNumberError):
    """A one-time code that is not right, or was used before."""

    message = _("That code is not right, or was used already. Wait for the next one.")


def ask_or_pair(frame: Frame) -> Frame:
    """Ask the phone, unless it is being asked; without a phone, begin to pair one where the URL allows it.

    An error that the requester must hear of (PROTOCOL.md §3.1, page ``auth``) is raised as it is.
    """
    permissions.require_login(frame)
    now = timezone.now()
    if frame.request and not _is_over(frame.request, now) and not _may_ask_again(frame.request, now):
        return frame
    return _initiate(frame, by_code=False)


def _is_over(request: AuthenticationRequest, now: datetime) -> bool:
    """Whether it was neither answered in time nor is waited for any more."""
    return request.state not in {request.State.GRANTED, request.State.DENIED} and not request.is_waiting(now)


def _may_ask_again(request: AuthenticationRequest, now: datetime) -> bool:
    """Whether it waits for a code, and the phone might be asked by now."""
    return request.is_waiting(now) and request.is_withheld and not request.seconds_withheld(now)


def _initiate(frame: Frame, *, by_code: bool) -> Frame:
    given, before = frame.parameters, frame.request
    agreed = frame.pairing and frame.pairing.is_agreed(timezone.now())
    try:
        request = asking.initiate(
            frame.user,
            given.get("action_name") or "Log In",
            pairing=frame.pairing if agreed else None,
            terminal_name=given.get("terminal_name", ""),
            terminal_extra=given.get("requester_specified_terminal_id", ""),
            automation_allowed=permissions.flag(frame, "automation_allowed", True),
            challenge_required=permissions.flag(frame, "challenge_required", False),
            address=frame.address,
            by_code=by_code,
            waits_for_code=True,
        )
    except NOT_PAIRED:
        # whoever has had a list of codes pairs no phone with the password alone (S06)
        if frame.user.has_had_codes or not permissions.flag(frame, "allow_inline_pairing", True):
            raise
        return begin_pairing(frame)
    if request.reason_code == Reason.BLOCKED:
        limits.require_not_blocked(request, timezone.now())  # raises, and this page can be used again later
    if Frame.objects.filter(pk=frame.pk, request=frame.request_id).update(request=request):
        if before and before.is_withheld:  # any other is over, and counts as unanswered
            answering.cancel(before)
    else:
        answering.cancel(request)  # another call of this page was first
    return by_id(frame.pk)


def enter_code(frame: Frame, code: str) -> Frame:
    """Answer with the one-time code of the phone, or one from the user's list; ``WrongCodeError`` for a wrong one."""
    permissions.require_login(frame)
    if frame.request and _is_over(frame.request, timezone.now()):  # the time ran out while the person typed
        frame = _initiate(frame, by_code=True)
    if frame.request is None:
        raise GoneError
    request = answering.authenticate_with_otp(frame.request, code)
    if request.state == request.State.PENDING:
        raise WrongCodeError(answering.tries_left(request))
    return by_id(frame.pk)


def extend(frame: Frame) -> Frame:
    """Give the person more time for the request that waits."""
    if frame.request is None:
        raise GoneError
    waiting.extend(frame.request)
    return by_id(frame.pk)
