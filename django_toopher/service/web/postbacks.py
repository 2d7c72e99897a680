"""The signed messages that the iframe hands back (PROTOCOL.md §3.4 and §3.5). All values are texts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ...client.signatures import sign_postback
from ..errors import (
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    ServiceError,
    TerminalUnknownError,
    UserDisabledError,
    UserUnknownError,
)
from ..models import AuthenticationRequest, Frame, Pairing, User

Fields = dict[str, str]

NOT_PAIRED = (UserUnknownError, PairingDeactivatedError, PairingNotAuthorizedError)
"""The user has no phone that can answer (PROTOCOL.md §8.2)."""

REPORTED = (UserDisabledError, TerminalUnknownError, *NOT_PAIRED)
"""What the requester hears of, whichever call it is that meets it (PROTOCOL.md §3.4)."""


def authentication_request(frame: Frame, request: AuthenticationRequest, now: datetime) -> Fields:
    """The result of ``web/authenticate``; beyond the row of §3.4 it names the pairing that answered.

    ``to_confirm`` is that pairing, where the site has not confirmed it yet.
    """
    reason = request.reason_at(now)
    to_confirm = {"to_confirm": str(request.asked_pairing_id)} if request.asked_pairing_id else {}
    return _signed(
        frame,
        now,
        {
            **to_confirm,
            "resource_type": "authentication_request",
            "id": str(request.pk),
            "pending": "false",
            "granted": _boolean(request.is_granted()),
            "automated": _boolean(request.automated),
            "reason": reason.untranslated,
            "reason_code": str(int(reason)),
            "terminal_id": str(request.terminal_id),
            "terminal_name": request.terminal.name,
            "terminal_requester_specified_id": request.terminal.extra,
            **_user(frame.user),
            "pairing_id": str(request.pairing_id or ""),
            "action_id": str(request.action_id),
            "action_name": request.action.name,
        },
    )


def pairing(frame: Frame, pairing: Pairing, now: datetime) -> Fields:
    """A phone was paired or removed on ``web/manage_user``."""
    return _signed(
        frame,
        now,
        {
            "resource_type": "pairing",
            "id": str(pairing.pk),
            "enabled": _boolean(pairing.is_enabled),
            "pending": _boolean(pairing.is_pending(now)),
            **_user(frame.user),
        },
    )


def proposal(frame: Frame, change: str, of: UUID, now: datetime, value: str = "") -> Fields:
    """What the user wishes on ``web/manage_user`` where the site confirms: a change of a pairing, automation or user.

    ``value`` is the new name, or whether to switch on.
    """
    told = {"resource_type": "proposal", "change": change, "id": str(of), "value": value, **_user(frame.user)}
    return _signed(frame, now, told)


def requester_user(frame: Frame, now: datetime) -> Fields:
    """The user was switched on or off, or reset, on ``web/manage_user``."""
    user = frame.user
    return _signed(
        frame,
        now,
        {
            "resource_type": "requester_user",
            "id": str(user.pk),
            "name": user.name,
            "toopher_authentication_enabled": _boolean(user.toopher_authentication_enabled),
        },
    )


def error(frame: Frame, error: ServiceError, now: datetime) -> Fields:
    """What the requester must hear of instead of a result; signed like every other message."""
    code = error.error_code or error.status
    return _signed(frame, now, {"error_code": str(code), "error_message": str(error)})


def _user(user: User) -> Fields:
    return {
        "pairing_user_id": str(user.pk),
        "user_name": user.name,
        "user_toopher_authentication_enabled": _boolean(user.toopher_authentication_enabled),
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"  # lower-case: clients compare the texts (PROTOCOL.md §3.4)


def _signed(frame: Frame, now: datetime, fields: Fields) -> Fields:
    """With what the requester sent along, the time, and the signature by its newest secret."""
    given, requester = frame.parameters, frame.user.requester
    # published validators want a token, if blank; metadata goes back as it came, or not at all (PROTOCOL.md §3.4)
    fields |= {"session_token": given.get("session_token", ""), "timestamp": str(int(now.timestamp()))}
    if "requester_metadata" in given:
        fields["requester_metadata"] = given["requester_metadata"]
    secret = requester.consumer_secrets()[0]
    encoding: Any = requester.postback_encoding  # the choices are the encodings' names
    return {**fields, "toopher_sig": sign_postback(fields, secret, encoding)}
