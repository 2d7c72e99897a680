"""What a login page does: ask the phone, take a one-time code instead of its yes, give more time."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...errors import GoneError, WrongNumberError
from ...models import Frame
from ...requests import answering, asking, waiting
from ..postbacks import NOT_PAIRED
from . import permissions
from .opening import by_id
from .pairing import begin_pairing
from .state import state_of


class WrongCodeError(WrongNumberError):
    """A one-time code that is not right, or was used before."""

    message = _("That code is not right, or was used already. Wait for the next one.")


def ask_or_pair(frame: Frame) -> Frame:
    """Ask the phone, unless it is being asked; without a phone, begin to pair one where the URL allows it.

    An error that the requester must hear of (PROTOCOL.md §3.1, page ``auth``) is raised as it is.
    """
    permissions.require_login(frame)
    if frame.request and state_of(frame, timezone.now())["state"] not in {"unanswered", "late"}:
        return frame
    given, agreed = frame.parameters, frame.pairing and frame.pairing.is_agreed(timezone.now())
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
        )
    except NOT_PAIRED:
        # whoever has had a list of codes pairs no phone with the password alone (S06)
        if frame.user.has_had_codes or not permissions.flag(frame, "allow_inline_pairing", True):
            raise
        return begin_pairing(frame)
    if not Frame.objects.filter(pk=frame.pk, request=frame.request_id).update(request=request):
        answering.cancel(request)  # another call of this page was first
    return by_id(frame.pk)


def enter_code(frame: Frame, code: str) -> Frame:
    """Answer with the one-time code of the phone, or one from the user's list; ``WrongCodeError`` for a wrong one."""
    frame = ask_or_pair(frame)  # login pages only; asks anew where the time ran out while the person typed
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
