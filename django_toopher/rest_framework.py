"""A permission for Django REST framework; the only module that imports it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from . import connection
from .errors import SecondFactorError
from .models import Attempt
from .session import generation
from .step_up import approvals
from .step_up.atomic import require_durable
from .step_up.clients import HEADER, challenge, refusal_of
from .step_up.held_request import hold
from .step_up.requirement import Requirement


class SecondFactorNeeded(APIException):  # type: ignore[misc]
    """The reply that says what to do; its ``detail`` is what ``step_up.clients.challenge`` tells."""

    def __init__(self, detail: dict[str, Any], status: int = 403) -> None:
        super().__init__()
        self.detail, self.status_code = detail, status  # numbers stay numbers


class SecondFactorRequired(BasePermission):  # type: ignore[misc]
    """Stops each request until its user has confirmed it on the phone (SECURITY.md S13).

    The view's ``second_factor_action`` is what the phone shows: a text, or a method that gets the request and makes the
    text of it. Put the class behind ``IsAuthenticated``. The first request is answered with 403 and everything that the
    client needs; with the header that it names, the client sends the same request again. The approval is bound to the
    session, or to the ``Authorization`` header. ``second_factor_max_age`` counts for sessions only. With
    ``ATOMIC_REQUESTS`` the view has to be kept out of Django's transaction, which a permission can't do: it says so.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this very request was confirmed. Raises ``SecondFactorNeeded`` instead of saying no."""
        if not request.user or not request.user.is_authenticated:
            return False
        require_durable(request._request)
        try:
            _require_confirmation(request, view)
        except SecondFactorError as error:
            raise SecondFactorNeeded(refusal_of(error), error.status) from error
        return True


def _require_confirmation(request: Request, view: Any) -> None:
    action = getattr(view, "second_factor_action", None)
    if action is None:
        raise ImproperlyConfigured(f"{type(view).__name__} needs second_factor_action.")
    requirement = Requirement(action, getattr(view, "second_factor_max_age", None))
    words, session = requirement.words(request), getattr(request._request, "session", None)
    # a session and a token may be of two people: what one has confirmed does not count for the other
    is_sessions_user = session is not None and session.get(SESSION_KEY) == str(request.user.pk)
    is_met = is_sessions_user and approvals.is_confirmed(request._request, request.user, requirement, words)
    if is_met and generation.is_current(request._request):
        return
    subject = approvals.subject_of(request._request, request.user, words, hold(request._request))
    ticket = request.headers.get(HEADER)
    if ticket is None:
        raise SecondFactorNeeded(challenge(request._request, subject))
    attempt = approvals.redeem(connection.api(request._request), ticket, subject)
    if is_sessions_user:
        requirement.remember(session, words, by_password=attempt.method == Attempt.Method.PASSWORD)
