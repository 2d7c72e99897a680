"""What people see: the page that asks them to confirm, and the one that says what went wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from .. import backoff, connection
from ..conf import conf
from ..errors import SecondFactorError, TooManyCodesError, WrongCodeError
from ..login import attempts, native
from ..login.attempts import OpenAttempt
from ..login.error_texts import explanation_of_step_up
from ..login.framing import authentication_url
from ..login.native_views import WRONG_CODE, too_many_codes
from ..models import Attempt
from ..session import computer
from ..session.state import Pending
from . import approvals
from .approvals import Subject
from .clients import refusal_of, url_of, wants_json
from .held_request import Held, pack

HELD = "toopher_held"
PASSWORD = "toopher_password"  # noqa: S105 (the name of a field)
CODE = "toopher_code"
AGAIN = "toopher_again"


@dataclass(frozen=True)
class Prompt:
    """What a page asks for: the approval of ``subject``; ``held`` is its form, ``back`` leads to where it came from."""

    subject: Subject
    held: Held
    back: str

    def packed(self, pending: Pending) -> str:
        """All of it in a field of the page. Raises ``TooLargeRequestError``."""
        subject = self.subject
        beside = {"action": subject.action, "method": subject.method, "path": subject.path, "back": self.back}
        return pack(self.held, ticket=pending.ticket, **beside)

    @property
    def postback_url(self) -> str:
        """A form's confirmation goes where the form went."""
        return self.subject.path if self.subject.method == "POST" else reverse("django_toopher:step-up-postback")


def page(
    request: HttpRequest, prompt: Prompt, pending: Pending | None = None, error: SecondFactorError | None = None
) -> HttpResponse:
    """Ask: in the iframe, on our own page, or, of somebody without a phone, for the password.

    ``pending`` is what a page that was shown before asks for; without it the phone is asked anew.
    """
    is_new, by_phone = pending is None, approvals.asks_phone(prompt.subject.user, request)
    pending = pending or approvals.request_approval(request, prompt.subject)
    # before the phone is asked: what is too large to be held asks nobody
    held, found = prompt.packed(pending), None
    context: dict[str, Any] = {
        "action": prompt.subject.action,
        "held": held,
        "postback_url": prompt.postback_url,
        "back": prompt.back,
        "cancel_url": url_of("step-up-cancel", pending),
        "error": error and explanation_of_step_up(error, prompt.back),
    }
    if by_phone:
        found = attempts.find_at(computer.of_request(request), pending, Attempt.Kind.STEP_UP)
        context |= _phone_context(request, pending, found, held, is_new=is_new) | code_error(error)
    else:
        context |= {"way": "password", "has_password": prompt.subject.user.has_usable_password()}
    response = render(request, "django_toopher/step_up.html", context)
    if found and not found.is_known and (is_new or conf.TOOPHER_EMBED == "iframe"):  # else no phone was asked by this
        computer.remember_asked(request, response, found.computer.id)
    add_never_cache_headers(response)
    return response


def _phone_context(
    request: HttpRequest, pending: Pending, here: OpenAttempt, held: str, *, is_new: bool
) -> dict[str, Any]:
    """For a page that asks the phone, and offers a way on to somebody who has it no more."""
    context: dict[str, Any] = {
        "has_recovery_codes": here.has_recovery_codes,
        "support_url": conf.TOOPHER_SUPPORT_URL,
    }
    if conf.TOOPHER_EMBED == "iframe":  # never at top level: the form is held in this page
        post_args = json.dumps({"csrfmiddlewaretoken": get_token(request), HELD: held})
        url = authentication_url(request, here, pending.token)
        return context | {"way": "iframe", "iframe_url": url, "post_args": post_args}
    api = connection.api(request)
    progress = approvals.ask_phone(request, pending, here) if is_new else approvals.poll(api, here.attempt)
    return context | {"way": "native", "status_url": url_of("step-up-status", pending)} | shown(progress)


def shown(progress: native.Progress) -> dict[str, Any]:
    """What the page says of a phone that is asked, or that may not be asked so soon."""
    return {
        "number": native.spaced(progress.number),
        "withheld": progress.state == "code",
        "wait": progress.wait,
        "minutes": backoff.minutes(progress.wait),
        "listed": progress.has_list,
    }


def code_error(error: SecondFactorError | None) -> dict[str, str]:
    """What was wrong with a code, beside the field for another."""
    if isinstance(error, TooManyCodesError):
        return {"code_error": too_many_codes(error)}
    return {"code_error": str(WRONG_CODE)} if isinstance(error, WrongCodeError) else {}


def refusal(request: HttpRequest, error: SecondFactorError, back: str = "/") -> HttpResponseBase:
    """What went wrong, and that nothing was carried out; ``back`` leads on. In JSON, to a client without a page."""
    if wants_json(request):
        return JsonResponse(refusal_of(error), status=error.status)
    context = explanation_of_step_up(error, back)
    response = render(request, "django_toopher/failed.html", context, status=error.status)
    add_never_cache_headers(response)
    return response
