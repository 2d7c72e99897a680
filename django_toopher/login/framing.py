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

from ..conf import conf
from ..errors import InvalidPostbackError, SecondFactorError, ServiceDownError
from ..exempt import second_factor_exempt
from ..session import state
from ..session.state import PENDING_LOGIN, PENDING_PAIRING
from . import attempts
from .error_texts import explanation_of


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
        """The page; the terminal's cookie is set where the browser has none."""
        context = {
            "embed": conf.TOOPHER_EMBED,
            "forward": self.forward,
            "iframe_url": url,
            "postback_url": reverse(postback),
            "post_args": json.dumps({"csrfmiddlewaretoken": get_token(request)}),
            **context,
        }
        return render(request, template, context)


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
    elif not isinstance(error, InvalidPostbackError):
        state.forget(request.session, PENDING_LOGIN, PENDING_PAIRING)
    return render(request, "django_toopher/failed.html", context, status=error.status)


def _has_recovery_codes(request: HttpRequest) -> bool:
    """Whether the login that waits could be completed without the service."""
    try:
        return bool(vars(attempts.find_open(state.load(request.session, PENDING_LOGIN)))["has_recovery_codes"])
    except SecondFactorError:
        return False
