"""The page that a reset link leads to (PROTOCOL.md §5): in no frame, and for whoever holds the link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_exempt

from ...errors import ServiceError
from ...http.calls import Json
from ...http.csp import content_security_policy, static_source
from ...models import ResetLink
from ...phones import reset_links
from .html import html_page


@method_decorator(
    [csrf_exempt, login_not_required, never_cache, transaction.non_atomic_requests, xframe_options_deny],
    name="dispatch",
)
class ResetLinkView(View):
    """Its holder confirms that the phone is lost, and it is removed.

    Needs no cookie and no CSRF token: the link's own token, which no other page knows, is spent by the POST.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """What can't be done becomes a page that says why."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except ServiceError as error:
            return _page("reset_error.html", {"message": error.message}, error.status)

    def get(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        """Ask. Nothing is changed: mail scanners open links too."""
        return _page("reset.html", {"link": self._link(request, pairing_id)})

    def post(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        """Remove the phone; a wrong answer shows the page again."""
        link = self._link(request, pairing_id)
        try:
            reset_links.confirm(link, request.POST.get("answer", ""))
        except reset_links.WrongAnswerError as error:
            return _page("reset.html", {"link": link, "message": error.message}, error.status)
        return _page("reset_done.html", {"link": link})

    def _link(self, request: HttpRequest, pairing_id: UUID) -> ResetLink:
        return reset_links.get(pairing_id, request.GET.get("reset_authorization", ""), timezone.now())


def _page(template: str, context: Json, status: int = 200) -> HttpResponse:
    policy = content_security_policy(style_src=static_source(), img_src="data:", form_action="'self'")
    response = html_page(template, context, status, policy)
    response["X-Content-Type-Options"] = "nosniff"
    return response
