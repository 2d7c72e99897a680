"""What every page around the service's needs: the page itself, what comes back, and the page for what went wrong."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from .. import connection, policy
from ..conf import conf
from ..errors import InvalidPostbackError, SecondFactorError, ServiceDownError
from ..exempt import second_factor_exempt
from ..service_link import endpoint
from ..session import computer, sitting, state
from ..session.state import PENDING_LOGIN, PENDING_PAIRING
from . import attempts
from .attempts import OpenAttempt
from .error_texts import explanation_of

URL_AGE = 100
"""Seconds for the browser to open the signed address: a page that is being loaded needs few, clocks may be off."""


class EmbeddingView(View):
    """Renders a page around the service's signed one: in an iframe, or by a link to it at top level."""

    forward = True
    """Whether the browser follows that link by itself."""

    def placement(self, request: HttpRequest) -> dict[str, str]:
        """What is signed into the address of a page that is not to stand in an iframe: where it returns to."""
        if conf.TOOPHER_EMBED != "redirect":
            return {}
        query = urlencode({"to": request.path})
        return {"return_url": request.build_absolute_uri(f"{reverse('django_toopher:return')}?{query}")}

    def embed(
        self, request: HttpRequest, template: str, url: str, postback: str, context: dict[str, Any]
    ) -> HttpResponse:
        """The page. A caller that tells the service which computer this is sets its cookie."""
        context = {
            "embed": conf.TOOPHER_EMBED,
            "forward": self.forward,
            "iframe_url": url,
            "postback_url": reverse(postback),
            "post_args": json.dumps({"csrfmiddlewaretoken": get_token(request)}),
            **context,
        }
        return render(request, template, context)


def may_pair(request: HttpRequest, user: Any) -> bool:
    """Whether who has no phone pairs one on the way: where the policy demands one, soon after the password.

    A session that is older would let whoever has stolen it pair a phone.
    """
    is_new = sitting.person(request) != user or state.was_lately(request.session, state.LOGGED_IN_AT, state.LATELY)
    return is_new and policy.demands(user, request)


def authentication_url(request: HttpRequest, here: OpenAttempt, token: str, **placement: str) -> str:
    """The signed address of the page that asks the phone. ``ServiceDownError`` where there is nobody to show it.

    A phone that is paired on the way waits for our confirmation (SECURITY.md S39). A step-up is never approved by an
    automation: a person has to read the action.
    """
    if not endpoint.is_embedded():  # the one in this process always answers
        attempts.require_service(connection.api(request), here.attempt)
    user: Any = here.attempt.user
    return connection.iframe(request).get_auth_iframe_url(
        here.attempt.toopher_name,
        getattr(user, "email", "") or "",
        token,
        action_name=here.attempt.action,
        allow_inline_pairing=may_pair(request, user),
        site_confirms=True,
        automation_allowed=attempts.allows_automation(here.attempt),
        challenge_required=conf.TOOPHER_CHALLENGE_REQUIRED,
        ttl=URL_AGE,
        terminal_name=here.computer.name,
        requester_specified_terminal_id=here.computer.id,
        **placement,
    )


@method_decorator([login_not_required, second_factor_exempt], name="dispatch")
class ReturnView(View):
    """Where the service's page returns to at top level, with the signed result behind ``#``: no log sees it.

    That comes from another site, so the browser may have kept a strict session cookie back. From here, which is the
    same site, it goes on to the page that began, and from there the result is posted as from an iframe. No session is
    read or made here: one made now would replace the person's own.
    """

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page whose script goes on; only to this very host."""
        to = request.GET.get("to", "")
        if not (to.startswith("/") and url_has_allowed_host_and_scheme(to, None)):
            to = reverse("django_toopher:authenticate")
        response = render(request, "django_toopher/return.html", {"to": to})
        response["Referrer-Policy"] = "no-referrer"
        return response


def posted(request: HttpRequest) -> Any:
    """What the service signed: everything that was posted but Django's own field."""
    fields = request.POST.copy()
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def failed(request: HttpRequest, error: SecondFactorError) -> HttpResponse:
    """The page that says what went wrong and what to do; what is spent is forgotten."""
    context = explanation_of(error)
    if isinstance(error, ServiceDownError):
        context["recover"] = _has_recovery_codes(request)
    elif not isinstance(error, InvalidPostbackError):  # what somebody forged ends nothing (S01)
        state.forget(request.session, PENDING_LOGIN, PENDING_PAIRING)
    return render(request, "django_toopher/failed.html", context, status=error.status)


def _has_recovery_codes(request: HttpRequest) -> bool:
    """Whether the login that waits could be completed without the service."""
    try:
        pending = state.load(request.session, PENDING_LOGIN)
        return attempts.find_at(computer.of_request(request), pending).has_recovery_codes
    except SecondFactorError:
        return False
