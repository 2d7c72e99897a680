"""For Django REST framework: a permission, and ways to authenticate; the only module that imports it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from . import connection
from .errors import SecondFactorError
from .login.lacking import is_due, lacks_second_factor
from .models import Attempt
from .session import generation, sitting
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


class SessionAuthentication(authentication.SessionAuthentication):  # type: ignore[misc]
    """The framework's, for sessions that passed the second factor or were let in without one (SECURITY.md S41).

    Another one is answered with 403 as by ``ToopherMiddleware``, on views that this lets through, too.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The session's user. Raises ``SecondFactorNeeded``."""
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found and lacks_second_factor(request._request, found[0]):
            raise SecondFactorNeeded({**_REASON, "authenticate_url": reverse("django_toopher:authenticate")})
        return found


class BasicAuthentication(authentication.BasicAuthentication):  # type: ignore[misc]
    """The framework's, for people who have to have no second factor: it has no way to ask for one (SECURITY.md S41).

    Others are answered with 403. Like the framework's it counts no wrong passwords: throttle the view.
    """

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[Any, Any]:
        """The user with this name and password. Raises ``SecondFactorNeeded``."""
        found: tuple[Any, Any] = super().authenticate_credentials(userid, password, request)
        if is_due(request._request, found[0]):
            text = _("A password alone is not enough for this person. Sign in on the site, and confirm with the phone.")
            raise SecondFactorNeeded({**_REASON, "detail": text})
        return found


_REASON = {"reason": "second_factor_required"}


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
    words, session, person = requirement.words(request), getattr(request._request, "session", None), _person(request)
    # a session and a token may be of two people: what one has confirmed does not count for the other
    is_sessions_user = session is not None and sitting.key_of(session) == str(person.pk)
    is_met = is_sessions_user and approvals.is_confirmed(request._request, person, requirement, words)
    if is_met and generation.is_current(request._request):
        return
    subject = approvals.subject_of(request._request, person, words, hold(request._request))
    ticket = request.headers.get(HEADER)
    if ticket is None:
        raise SecondFactorNeeded(challenge(request._request, subject))
    attempt = approvals.redeem(connection.api(request._request), ticket, subject)
    if is_sessions_user:
        requirement.remember(session, words, by_password=attempt.method == Attempt.Method.PASSWORD)


def _person(request: Request) -> Any:
    """Whose phone is asked: the user's, or that of who acts as them in a session."""
    by_session = isinstance(request.successful_authenticator, authentication.SessionAuthentication)
    return sitting.person(request._request) if by_session else request.user
