"""JSON out: the objects of PROTOCOL.md §2.4, every field that some published client reads, with its type."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from ..codes.totp import DIGITS
from ..http.calls import Json
from ..limits import Wait
from ..models import Action, AuthenticationRequest, Automation, Dated, Pairing, Requester, Terminal, User


def _date(moment: datetime) -> str:
    """UTC, without zone."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _dates(row: Dated) -> Json:
    return {"created": _date(row.created), "modified": _date(row.modified)}


def requester(row: Requester) -> Json:
    """The site; never its secret."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "consumer": {"key": row.consumer_key},
        "permitted_challenge_required": row.permitted_challenge_required,
        "permitted_critical_actions": False,  # nothing here is one
        "permitted_sms_authentication": row.permitted_sms_authentication,
        **_dates(row),
    }


def user(row: User) -> Json:
    """A user, with the flag in both families' spelling.

    ``has_second_factor``, our own: a phone that can answer, or a list of codes, used up or not.
    """
    return {
        "id": str(row.pk),
        "name": row.name,
        "toopher_authentication_enabled": row.toopher_authentication_enabled,
        "disable_toopher_auth": not row.toopher_authentication_enabled,
        "number_of_pregenerated_otps_remaining": row.number_of_pregenerated_otps_remaining,
        "has_second_factor": row.has_had_codes or row.has_phone,
        "requester": requester(row.requester),
        **_dates(row),
    }


def pairing(row: Pairing) -> Json:
    """A pairing; ``enabled`` is false once it is deactivated, ``pending`` once its time is over.

    ``agreed``, our own: the phone has said yes, and it waits for the site.
    """
    authenticator, now = row.authenticator, timezone.now()
    agreed = row.is_agreed(now)
    return {
        "id": str(row.pk),
        "enabled": row.is_enabled,
        "pending": agreed or row.is_pending(now),
        "agreed": agreed,
        "deactivated": row.state == Pairing.State.DEACTIVATED,
        "user": user(row.user),
        "reason": "",
        "reason_code": 0,
        "totp_length": DIGITS,
        "authenticator": {"id": str(authenticator.pk), "name": row.phone_name} if authenticator else {},
        "created_seconds_since_epoch": int(row.created.timestamp()),
        **_dates(row),
    }


def terminal(row: Terminal) -> Json:
    """A terminal, its secret in both families' spelling: only its own requester is told it.

    ``approved``, our own: whether its user was approved there before, by the phone or a code.
    """
    return {
        "id": str(row.pk),
        "name": row.name,
        "name_extra": row.extra,
        "requester_specified_id": row.extra,
        "approved": row.approved is not None,
        "user": user(row.user),
        **_dates(row),
    }


def wait(row: Wait) -> Json:
    """Our own: what counts against a user; ``until`` is blank where nothing waits."""
    until = _date(row.until) if row.until else ""
    return {"what": row.what, "computer": row.computer, "count": row.times, "until": until}


def action(row: Action) -> Json:
    return {"id": str(row.pk), "name": row.name, **_dates(row)}


def automation(row: Automation) -> Json:
    """An automation; ``network`` is blank where the terminal may be anywhere, ``last_used`` where it never was."""
    return {
        "id": str(row.pk),
        "answer": row.answer,
        "action": action(row.action),
        "terminal": {"id": str(row.terminal.pk), "name": row.terminal.name},
        "network": row.network,
        "expires": _date(row.expires),
        "last_used": _date(row.last_used) if row.last_used else "",
        **_dates(row),
    }


def authentication_request(row: AuthenticationRequest, now: datetime) -> Json:
    """An authentication request. ``number`` is what the requester's terminal has to show while it waits.

    Our own: ``withheld``, whether no phone is asked of it, and ``retry_after``, for how many seconds none may be.
    ``to_confirm``, our own: the pairing, asked alone, that the requester has not confirmed; blank where there is none.
    """
    waiting = row.is_waiting(now)
    reason = row.reason_at(now)
    row.terminal.user = row.user  # the same person; saves a query
    return {
        "id": str(row.pk),
        "pending": waiting,
        "granted": row.is_granted(),
        "automated": row.automated,
        "cancelled": row.state == AuthenticationRequest.State.CANCELLED,
        "reason": reason.untranslated,
        "reason_code": int(reason),
        "totp_valid": reason == AuthenticationRequest.Reason.CODE,
        "number": row.number if waiting else "",
        "withheld": row.is_withheld,
        "retry_after": row.seconds_withheld(now),
        "automation_allowed": row.automation_allowed,
        "challenge_required": row.challenge_required,
        "to_confirm": str(row.asked_pairing_id or ""),
        "terminal": terminal(row.terminal),
        "user": user(row.user),
        "action": action(row.action),
        "created_seconds_since_epoch": int(row.created.timestamp()),
        **_dates(row),
    }
