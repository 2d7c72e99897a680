"""Clients that can't show a page: what they are told in JSON, so that their person can confirm and they come back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from .. import connection
from ..conf import conf
from ..errors import SecondFactorError
from ..login.error_texts import explanation_of_step_up
from ..login.native import Progress
from ..models import Attempt
from ..session.state import Pending
from . import approvals
from .approvals import Subject

HEADER = "X-Toopher-Step-Up"
"""With it, and the ticket in it, a client sends its request again once it is approved."""

POLL_SECONDS = 2
"""How long a client should wait between two polls of the status."""

BROWSERS_OWN = {"basic", "digest", "negotiate", "ntlm"}
"""Schemes of credentials that browsers send with every page; a site in the making often has such a door."""

Json = dict[str, Any]


def wants_json(request: HttpRequest) -> bool:
    """Whether whoever asks can't show a page: a script in a page, or a client of its own."""
    return (
        request.method not in {"GET", "HEAD", "POST"}
        or request.content_type == "application/json"
        # without credentials it may be a browser, as with those that browsers send
        or request.headers.get("Authorization", "basic").partition(" ")[0].lower() not in BROWSERS_OWN
        or request.headers.get("Sec-Fetch-Dest") == "empty"
        or request.headers.get("X-Requested-With") == "XMLHttpRequest"
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def challenge(request: HttpRequest, subject: Subject) -> Json:
    """Ask the phone, and say how to go on: what to show, where to look for the answer, how to come back with it."""
    by_phone = approvals.asks_phone(subject.user, request)
    pending = approvals.request_approval(request, subject)
    progress = approvals.ask_phone(request, pending) if by_phone else Progress("new")
    return {
        "reason": "second_factor_required",
        "action": subject.action,
        "method": method_of(progress) if by_phone else "password",
        "number": progress.number,
        "wait": progress.wait,
        "step_up": pending.ticket,
        "header": HEADER,
        "authenticate_url": request.build_absolute_uri(url_of("step-up", pending)),
        "status_url": request.build_absolute_uri(url_of("step-up-status", pending)),
        "poll_seconds": POLL_SECONDS,
        "expires_in": conf.TOOPHER_ATTEMPT_AGE,
    }


def method_of(progress: Progress) -> str:
    """By what somebody confirms who has a phone: ``code`` where the phone may not be asked so soon again."""
    return "code" if progress.state == "code" else "phone"


def url_of(name: str, pending: Pending) -> str:
    """The path of one of this step-up's own pages; whoever has it may see and confirm."""
    return reverse(f"django_toopher:{name}", args=[pending.ticket])


def status_of(request: HttpRequest, attempt: Attempt) -> Json:
    """How far a step-up is, after asking the service. Raises ``NotAnsweredYetError`` when it was asked too often."""
    progress = approvals.poll(connection.api(request), attempt)
    state = approvals.progress_of(attempt)
    return {
        "state": state,
        "granted": state in {"granted", "spent"},
        "action": attempt.action,
        "method": method_of(progress) if attempt.request_id else "password",
        "number": progress.number,
        "wait": progress.wait,
        "poll_seconds": POLL_SECONDS,
    }


def refusal_of(error: SecondFactorError) -> Json:
    """What went wrong, in the words of the page that people get."""
    told = explanation_of_step_up(error, back="")
    return {
        "reason": error.reason,
        "detail": f"{told['explanation']} {told['next_step']}",
        "poll_seconds": POLL_SECONDS,
    }
