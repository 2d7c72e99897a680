"""The pages of PROTOCOL.md §3.1 as a browser loads them. What they do then are the calls beside this module."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt

from ...errors import BadParameterError, NotAllowedError, NotSignedError, ServiceError
from ...http import signatures
from ...http.calls import Json
from ...http.csp import content_security_policy, static_source
from ...models import Frame, Requester
from ..frames import opening
from .html import html_page

_NOT_VALID = _("This page's address is not valid.")


# exempt: X-Frame-Options names no origins, `frame-ancestors` does (PROTOCOL.md §3.2)
@method_decorator([login_not_required, never_cache, xframe_options_exempt], name="dispatch")
class PageView(View):
    """A page that its signed URL opens. It asks nobody and writes nothing: its script makes the first call."""

    page = Frame.Page.AUTHENTICATE
    overrides: ClassVar[dict[str, str]] = {}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, which then opens its frame by itself; or a page that says why not, and what to do."""
        try:
            # not yet verified, but whoever adds it to somebody's address breaks the signature (S31)
            if "return_url" not in request.GET:
                _refuse_top_level(request)
            signed = signatures.verify(request, spend_nonce=False)
            ticket = opening.ticket_for(signed, self.page, **self.overrides)
            return_url = _return_url(request, signed)
        except ServiceError as error:
            message = _NOT_VALID if isinstance(error, NotSignedError) else error.message
            return _error_page(message, error.status)
        requester = signed.requester
        context = {
            "ticket": ticket,
            "page": self.page,
            "origins": _targets(requester),
            "return_url": return_url,
            "site": requester.name,
        }
        return _frameable_page("frame.html", context, 200, [] if return_url else _ancestors(requester))


@method_decorator([login_not_required, never_cache, xframe_options_exempt], name="dispatch")
class ErrorView(View):
    """Where a client goes that could not sign its URL (PROTOCOL.md §3.1). Its message is anybody's: not shown."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page that says what to do."""
        return _error_page(_NOT_VALID, 400)


def _error_page(message: str | Promise, status: int) -> HttpResponse:
    # by anybody: without a signature it is not known whose page it was
    return _frameable_page("error.html", {"message": message}, status, ["*"])


def _frameable_page(template: str, context: Json, status: int, ancestors: list[str]) -> HttpResponse:
    files = static_source()
    policy = content_security_policy(
        ancestors, script_src=files, style_src=files, img_src=f"{files} data:", connect_src="'self'"
    )
    return html_page(template, context, status, policy)


def _refuse_top_level(request: HttpRequest) -> None:
    """Browsers say what they load a page for; an address that was copied out of its iframe shows nothing."""
    # not `!= "iframe"`: older browsers, and any over plain http, do not say it
    if request.headers.get("Sec-Fetch-Dest") == "document":
        raise NotAllowedError(_("This page works only inside the site that asks you to sign in."))


def _return_url(request: HttpRequest, signed: signatures.SignedRequest) -> str:
    """Where a page at top level goes back to; blank for one in an iframe. Only to where an iframe could stand."""
    url = signed.parameters.get("return_url", "")
    if not url:
        return ""
    parts = urlsplit(url)
    own = f"{request.scheme}://{request.get_host()}"
    allowed = [own] if signed.requester.is_embedded else signed.requester.origin_list()
    if f"{parts.scheme}://{parts.netloc}" not in allowed or parts.scheme not in {"http", "https"} or parts.fragment:
        raise BadParameterError("return_url must lead to one of the origins that are registered for this site.")
    return url


def _ancestors(requester: Requester) -> list[str]:
    """Who may frame the requester's pages, as CSP sources."""
    return ["'self'"] if requester.is_embedded else requester.origin_list()


def _targets(requester: Requester) -> str:
    """The origins that postMessage goes to, space-separated; blank is the page's own origin."""
    return "" if requester.is_embedded else " ".join(requester.origin_list())
