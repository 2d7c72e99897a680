"""The calls that an opened page makes: what all have in common, the first one and the poll."""

from __future__ import annotations

from typing import ClassVar

import segno
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from ....addresses import address_of
from ... import limits
from ...errors import (
    BadParameterError,
    NotAllowedError,
    NotSignedError,
    ServiceError,
    TooManyError,
    UserDisabledError,
)
from ...http.calls import CallView, Json
from ...http.links import pairing_link
from ...models import Frame
from ...people import users
from .. import postbacks
from ..frames import opening, permissions, sign_in, state

REQUESTERS_FAULTS = (BadParameterError, NotAllowedError)
"""Where a page asks: what only the requester can mend, whose signed URL asks for something that it can't have."""


class FrameCallView(CallView):
    """A call with ``Authorization: Frame <token>``. Subclasses say in ``carry_out`` what it does."""

    http_method_names = ["post"]
    reported: ClassVar[tuple[type[ServiceError], ...]] = postbacks.REPORTED

    def post(self, request: HttpRequest) -> Json:
        """Find the frame, act, tell how far it is now; what the requester must hear of becomes a signed postback."""
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
        return opening.by_token(token)

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """What the call does; the frame as it is then."""
        raise NotImplementedError

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """How far the frame is, with the link while it waits for a phone to open one."""
        told = state.state_of(frame, timezone.now())
        if told["state"] == "pairing" and frame.pairing and frame.pairing.authenticator_id is None:
            link = pairing_link(request, frame.pairing)
            told |= {"link": link, "qr": segno.make(link, error="m").svg_data_uri(border=2, scale=4)}
        return told


def _problem(error: ServiceError) -> str:
    """What the person is told, beside what the requester is: the wire's texts are for programs."""
    if isinstance(error, UserDisabledError):
        return _("Your second factor is switched off at this site.")
    if isinstance(error, postbacks.NOT_PAIRED):
        return _("No phone is paired with you at this site.")
    return _("The site has sent something that can't be used here. Tell its support.")


class OpenFrameView(FrameCallView):
    """The page's first call: ``ticket`` and ``binder`` give a frame token."""

    reported = (*postbacks.REPORTED, *REQUESTERS_FAULTS)
    opened: Frame | None = None

    def frame(self, request: HttpRequest) -> Frame:
        """The frame of the ticket; where the URL tells the user's e-mail address, that is kept."""
        given, address = request.POST, address_of(request)
        frame = opening.open_frame(given.get("ticket", ""), given.get("binder", ""), address)
        users.keep_email(frame.user, frame.parameters.get("reset_email", ""))
        return frame

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """A login page asks at once."""
        self.opened = frame
        permissions.require_proven(frame)
        return sign_in.ask_or_pair(frame) if permissions.is_login(frame) else frame

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """With the token, and for the management page what there is to manage."""
        told = {**super().state(frame, request), "token": opening.token_for(frame)}
        return told if permissions.is_login(frame) else {**told, **state.managed(frame, timezone.now())}

    def error_body(self, error: ServiceError) -> Json:
        """Where the page has to wait before it asks, the token with which it may then do so."""
        body = super().error_body(error)
        if isinstance(error, TooManyError) and self.opened:
            body["token"] = opening.token_for(self.opened)
        return body


class PollFrameView(FrameCallView):
    """How far the frame is. One query, nothing written."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> Json:
        """The state, without the link: the page has that already."""
        now, frame = timezone.now(), self.frame(request)
        limits.count_poll(frame.pk, now, factor=limits.FRAME_FACTOR)
        return state.state_of(frame, now)
