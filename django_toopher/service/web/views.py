"""The iframe pages and the calls that they make. No cookies: the page sends its frame token itself."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

import segno
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny, xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from .. import limits
from ..errors import (
    BadParameterError,
    NotAllowedError,
    NotFoundError,
    NotSignedError,
    ServiceError,
    TooManyError,
    UserDisabledError,
)
from ..http import signatures
from ..http.addresses import address_of
from ..http.calls import CallView
from ..http.csp import content_security_policy, static_source
from ..http.ids import parse_uuid
from ..models import Automation, Frame, Requester, ResetLink
from ..people import users
from ..phones import pairings, reset_links
from ..requests import automations
from . import frames, postbacks

Json = dict[str, Any]


@method_decorator([login_not_required, never_cache, xframe_options_exempt], name="dispatch")
class PageView(View):
    """A page of PROTOCOL.md §3.1, opened by its signed URL."""

    page = Frame.Page.AUTHENTICATE
    overrides: ClassVar[dict[str, str]] = {}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, which then opens its frame by itself; or a page that says why not, and what to do."""
        try:
            if "return_url" not in request.GET:
                _refuse_top_level(request)
            signed = signatures.verify(request, spend_nonce=False)
            ticket = frames.ticket_for(signed, self.page, **self.overrides)
            return_url = _return_url(request, signed)
        except ServiceError as error:
            return self._refusal(error)
        origins = ["'self'"] if signed.requester.is_embedded else signed.requester.origin_list()
        context = {
            "ticket": ticket,
            "page": self.page,
            "origins": _targets(signed.requester),
            "return_url": return_url,
            "site": signed.requester.name,
        }
        return _page("frame.html", context, 200, [] if return_url else origins)

    def _refusal(self, error: ServiceError) -> HttpResponse:
        message = _("This page's address is not valid.") if isinstance(error, NotSignedError) else error.message
        return _page("error.html", {"message": message}, error.status, ["*"])


def _page(template: str, context: Json, status: int, ancestors: list[str]) -> HttpResponse:
    """A page for the iframe. Rendered without the request, so that no context processor touches the session."""
    files = static_source()
    response = HttpResponse(render_to_string(f"toopher_service/web/{template}", context), status=status)
    response["Content-Security-Policy"] = content_security_policy(
        ancestors, script_src=files, style_src=files, img_src=f"{files} data:", connect_src="'self'"
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


def _refuse_top_level(request: HttpRequest) -> None:
    """Browsers say what they load a page for; an address that was copied out of its iframe shows nothing."""
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


def _targets(requester: Requester) -> str:
    """The origins that postMessage goes to, space-separated; blank is the page's own origin."""
    return "" if requester.is_embedded else " ".join(requester.origin_list())


class FrameCallView(CallView):
    """A call that an opened page makes, with ``Authorization: Frame <token>``. Subclasses say what in ``carry_out``."""

    http_method_names = ["post"]
    reported: ClassVar[tuple[type[ServiceError], ...]] = frames.REPORTED

    def post(self, request: HttpRequest) -> Any:
        """Find the frame, act, tell where it stands now; what the requester must hear of becomes a signed postback."""
        frame = self.frame(request)
        try:
            frame = self.carry_out(frame, request)
        except self.reported as error:
            postback = postbacks.error(frame, error, timezone.now())
            return {"state": "finished", "granted": False, "problem": _problem(error), "postback": postback}
        return self.state(frame, request)

    def frame(self, request: HttpRequest) -> Frame:
        """The frame of the call's token."""
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Frame":
            raise NotSignedError
        return frames.by_token(token)

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """What the call does."""
        return frame

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """Where the frame stands, with the link while it waits for a phone."""
        state = frames.state_of(frame, timezone.now())
        if state["state"] == "pairing" and frame.pairing and frame.pairing.authenticator_id is None:
            phone = request.build_absolute_uri(reverse("toopher_service:phone"))
            link = f"{phone}#pair={pairings.link_token(frame.pairing)}"
            state |= {"link": link, "qr": segno.make(link, error="m").svg_data_uri(border=2, scale=4)}
        return state


def _problem(error: ServiceError) -> str:
    """What the person is told, beside what the requester is: the wire's texts are for programs."""
    if isinstance(error, UserDisabledError):
        return _("Your second factor is switched off at this site.")
    if isinstance(error, frames.UNPAIRED):
        return _("No phone is paired with you at this site.")
    return _("The site has sent something that can't be used here. Tell its support.")


ASKED_WRONGLY = (BadParameterError, NotAllowedError)
"""What only the requester can mend: its signed URL asks for something that it can't have."""


class OpenView(FrameCallView):
    """The page's first call: ``ticket`` and ``binder`` give a frame token."""

    reported = (*frames.REPORTED, *ASKED_WRONGLY)
    opened: Frame | None = None

    def frame(self, request: HttpRequest) -> Frame:
        """The frame of the ticket; where the URL tells the user's e-mail address, that is kept."""
        frame = frames.open_frame(request.POST.get("ticket", ""), request.POST.get("binder", ""), address_of(request))
        users.keep_email(frame.user, frame.parameters.get("reset_email", ""))
        return frame

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """An authentication page asks at once."""
        self.opened = frame
        frames.require_proven(frame)
        return frames.ask(frame) if frame.page == Frame.Page.AUTHENTICATE else frame

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """With the token, and for the management page the phones and standing answers."""
        state = {**super().state(frame, request), "token": frames.token_for(frame)}
        if frame.page == Frame.Page.MANAGE_USER:
            state |= _managed(frame)
        return state

    def error_body(self, error: ServiceError) -> Json:
        """Where the page has to wait before it asks, the token with which it may then do so."""
        body = super().error_body(error)
        if isinstance(error, TooManyError) and self.opened:
            body["token"] = frames.token_for(self.opened)
        return body


class StateView(FrameCallView):
    """The poll. One query, nothing written."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> Any:
        """Where the frame stands."""
        now, frame = timezone.now(), self.frame(request)
        limits.count_poll(frame.pk, now, factor=limits.FRAME_FACTOR)
        return frames.state_of(frame, now)


class AskView(FrameCallView):
    """Ask the phone, or ask it again."""

    reported = (*frames.REPORTED, *ASKED_WRONGLY)

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """Only a page of the kind ``authenticate`` asks."""
        if frame.page != Frame.Page.AUTHENTICATE:
            raise NotFoundError
        return frames.ask(frame)


class CodeView(FrameCallView):
    """The one-time code of the phone, or one from the user's list."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """Only a page of the kind ``authenticate`` takes one."""
        if frame.page != Frame.Page.AUTHENTICATE:
            raise NotFoundError
        return frames.enter_code(frame, request.POST.get("code", "")[:20])


class ExtendView(FrameCallView):
    """More time to answer."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """As long as the question waits."""
        return frames.extend(frame)


class PairView(FrameCallView):
    """Show a pairing link."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page, or where a link ran out."""
        return frames.begin_pairing(frame) if frame.page == Frame.Page.MANAGE_USER else frames.ask(frame)


class PhraseView(FrameCallView):
    """The phrase that the phone shows."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """Pair by it."""
        return frames.pair_by_phrase(frame, request.POST.get("phrase", "")[:200])


class RemoveView(FrameCallView):
    """Remove a phone."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page."""
        return frames.remove(frame, parse_uuid(request.POST.get("pairing"), "pairing"))


class ManagedView(FrameCallView):
    """A change on the management page that the requester need not hear of."""

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """What is there now."""
        return {"state": "managing", **_managed(frame)}


class RenameView(ManagedView):
    """Call a phone something else."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page."""
        return frames.rename(frame, parse_uuid(request.POST.get("pairing"), "pairing"), request.POST.get("name", ""))


class UserChangedView(FrameCallView):
    """A change of the user, of which the requester hears."""

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """The signed postback."""
        return {"state": "finished", "granted": True, "postback": postbacks.requester_user(frame, timezone.now())}


class SwitchView(UserChangedView):
    """Switch the second factor on or off."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page."""
        enabled = request.POST.get("enabled")
        if enabled not in {"true", "false"}:
            raise BadParameterError("enabled must be true or false.")
        return frames.switch(frame, enabled == "true")


class ResetUserView(UserChangedView):
    """Remove all phones and codes."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page."""
        return frames.reset(frame)


class ForgetView(ManagedView):
    """Remove a standing answer."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """On the management page."""
        return frames.forget(frame, parse_uuid(request.POST.get("automation"), "automation"))


def _managed(frame: Frame) -> Json:
    return {
        "phones": _phones(frame),
        "automations": _automations(frame),
        "enabled": frame.user.toopher_authentication_enabled,
        "may_opt_out": frames.may_opt_out(frame),
    }


def _automations(frame: Frame) -> list[Json]:
    return [
        {
            "id": str(row.pk),
            "allow": row.answer == Automation.Answer.ALLOW,
            "action": row.action.name,
            "terminal": row.terminal.name,
            "network": row.network,
            "expires": int(row.expires.timestamp()),
        }
        for row in automations.of_user(frame.user, timezone.now())
    ]


def _phones(frame: Frame) -> list[Json]:
    rows = frame.user.pairings.enabled().select_related("authenticator")
    return [
        {
            "id": str(row.pk),
            "name": row.phone_name,
            "paired": int((row.answered or row.created).timestamp()),
            "used": int(row.last_used.timestamp()) if row.last_used else None,
        }
        for row in rows
    ]


@method_decorator([login_not_required, never_cache, xframe_options_exempt], name="dispatch")
class ErrorView(View):
    """Where a client goes that could not sign its URL (PROTOCOL.md §3.1). Its message is anybody's: not shown."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page that says what to do."""
        return _page("error.html", {"message": _("This page's address is not valid.")}, 400, ["*"])


@method_decorator(
    [csrf_exempt, login_not_required, never_cache, transaction.non_atomic_requests, xframe_options_deny],
    name="dispatch",
)
class ResetView(View):
    """Where a reset link leads: its holder confirms that the phone is lost, and it is removed.

    Needs no cookie and no CSRF token: the link's own token, which no other page knows, is spent by the POST.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """What can't be done becomes a page that says why."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except ServiceError as error:
            return _reset_page("reset_error.html", {"message": error.message}, error.status)

    def get(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        """Ask. Nothing is changed: mail scanners open links too."""
        return _reset_page("reset.html", {"link": self._link(request, pairing_id)})

    def post(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        """Remove the phone; a wrong answer shows the page again."""
        link = self._link(request, pairing_id)
        try:
            reset_links.confirm(link, request.POST.get("answer", ""))
        except reset_links.WrongAnswerError as error:
            return _reset_page("reset.html", {"link": link, "message": error.message}, error.status)
        return _reset_page("reset_done.html", {"link": link})

    def _link(self, request: HttpRequest, pairing_id: UUID) -> ResetLink:
        return reset_links.get(pairing_id, request.GET.get("reset_authorization", ""), timezone.now())


def _reset_page(template: str, context: Json, status: int = 200) -> HttpResponse:
    """A page of its own, in no frame; rendered as ``_page`` is."""
    response = HttpResponse(render_to_string(f"toopher_service/web/{template}", context), status=status)
    response["Content-Security-Policy"] = content_security_policy(
        style_src=static_source(), img_src="data:", form_action="'self'"
    )
    response["Referrer-Policy"] = "no-referrer"
    response["X-Content-Type-Options"] = "nosniff"
    return response
