"""A permission for Django REST framework; the only module that imports it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .errors import SecondFactorError
from .models import Attempt
from .session import generation
from .step_up import approvals
from .step_up.approvals import Requirement
from .step_up.atomic import require_durable
from .step_up.held_request import hold
from .step_up.views import ask, refusal_of, use


class SecondFactorNeeded(APIException):  # type: ignore[misc]
    """The reply that says what to do; its ``detail`` is what ``django_toopher.step_up.views.ask`` tells."""

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
        require_durable(request._request, router.db_for_write(Attempt))
        try:
            return _was_confirmed(request, view)
        except SecondFactorError as error:
            raise SecondFactorNeeded(refusal_of(error, "/"), error.status) from error


def _was_confirmed(request: Request, view: Any) -> bool:
    action = getattr(view, "second_factor_action", None)
    if action is None:
        raise ImproperlyConfigured(f"{type(view).__name__} needs second_factor_action.")
    requirement = Requirement(action, getattr(view, "second_factor_max_age", None))
    words, kept = requirement.words(request), getattr(request._request, "session", None)
    has_session = kept is not None and kept.get("_auth_user_id") == str(request.user.pk)
    if has_session and requirement.is_met(kept, words) and generation.is_current(request._request):
        return True
    subject = approvals.subject_of(request._request, request.user, words, hold(request._request))
    ticket = request.headers.get(approvals.HEADER)
    if ticket is None:
        raise SecondFactorNeeded(ask(request._request, subject))
    use(request._request, ticket, subject)
    if has_session:
        requirement.remember(kept, words)
    return True
