"""What a page shows: how far its frame is, and on the management page what there is to manage."""

from __future__ import annotations

from datetime import datetime

from ...http.calls import Json
from ...models import AuthenticationRequest, Automation, Frame, Pairing
from ...requests import automations, waiting
from .. import postbacks
from . import permissions


def state_of(frame: Frame, now: datetime) -> Json:
    """How far the frame is. Reads only what ``opening.by_token`` loaded."""
    if frame.request:
        return _request_state(frame, frame.request, now)
    if frame.pairing:
        return _pairing_state(frame, frame.pairing, now)
    return {"state": "new"}


def _request_state(frame: Frame, request: AuthenticationRequest, now: datetime) -> Json:
    by_code = request.reason_code == request.Reason.OTP_REQUIRED  # a person without a phone
    if request.is_waiting(now):
        return {
            "state": "code" if by_code else "withheld" if request.is_withheld else "waiting",
            "number": request.number,
            "listed": frame.user.has_had_codes,
            "wait": request.seconds_withheld(now),
            "now": int(now.timestamp()),
            "expires": int(request.expires.timestamp()),
            "latest": int(waiting.latest_expiry(request.created, frame.expires).timestamp()),
        }
    if request.state in {request.State.GRANTED, request.State.DENIED}:
        return {
            "state": "finished",
            "granted": request.is_granted(),
            "reported": request.reason_code == request.Reason.REPORTED,
            "postback": postbacks.authentication_request(frame, request, now),
        }
    return {"state": "late" if by_code or request.is_withheld else "unanswered"}


def _pairing_state(frame: Frame, pairing: Pairing, now: datetime) -> Json:
    if pairing.is_pending(now):
        return {"state": "pairing", "expires": int(pairing.expires.timestamp())}
    if permissions.is_management(frame) and pairing.is_agreed(now):
        return {
            "state": "finished",
            "proposed": True,
            "granted": True,
            "postback": postbacks.proposal(frame, "pair", pairing.pk, now),
        }
    if permissions.is_management(frame) and pairing.state in {Pairing.State.ENABLED, Pairing.State.DEACTIVATED}:
        return {
            "state": "finished",
            "granted": True,  # what was wished here is done, a removal too
            "postback": postbacks.pairing(frame, pairing, now),
        }
    return {"state": "paired" if pairing.is_enabled or pairing.is_agreed(now) else "unpaired"}


def managed(frame: Frame, now: datetime) -> Json:
    """What the management page lists: the user's phones and automations, and whether the second factor is on."""
    phones = frame.user.pairings.enabled().select_related("authenticator")
    return {
        "phones": [_phone(pairing) for pairing in phones],
        "automations": [_automation(row) for row in automations.of_user(frame.user, now)],
        "enabled": frame.user.toopher_authentication_enabled,
        "may_opt_out": permissions.may_opt_out(frame),
        "keeps_one": permissions.keeps_one(frame),
    }


def _phone(pairing: Pairing) -> Json:
    return {
        "id": str(pairing.pk),
        "name": pairing.phone_name,
        "paired": int((pairing.answered or pairing.created).timestamp()),
        "used": int(pairing.last_used.timestamp()) if pairing.last_used else None,
    }


def _automation(automation: Automation) -> Json:
    return {
        "id": str(automation.pk),
        "allow": automation.answer == Automation.Answer.ALLOW,
        "action": automation.action.name,
        "terminal": automation.terminal.name,
        "network": automation.network,
        "expires": int(automation.expires.timestamp()),
    }
