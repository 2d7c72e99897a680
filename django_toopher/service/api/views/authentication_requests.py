"""``authentication_requests``: asked, polled, answered by a code, cancelled."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from ....addresses import normalized_address
from ... import limits
from ...errors import BadParameterError, GoneError, NotAllowedError, TooManyError
from ...http.calls import Json
from ...models import AuthenticationRequest, Frame
from ...requests import answering, asking, waiting
from .. import representations
from .signed import SignedView


def _represented(auth_request: AuthenticationRequest) -> Json:
    return representations.authentication_request(auth_request, timezone.now())


class InitiateView(SignedView):
    """Row 11: ask the phone (PROTOCOL.md §2.3).

    Our own: ``address``, the terminal's as the requester sees it; ``silently``, for an automation or nothing;
    ``withheld=code``, by which the requester says that it can wait for a code where the phone is not asked; and
    ``shows_number=True``, by which a page of a site whose other clients show no number says that it does (S22).
    """

    def post(self, request: HttpRequest) -> Json:
        """The authentication request; with ``otp`` it is answered at once, one way or the other."""
        otp = self.parameters.text("otp")
        auth_request = self._initiate(by_code=bool(otp))
        return _represented(self._answered_by(otp, auth_request) if otp else auth_request)

    def _answered_by(self, otp: str, auth_request: AuthenticationRequest) -> AuthenticationRequest:
        """A code that comes with the question is the only answer to it (PROTOCOL.md §4.1), right, wrong or blocked."""
        try:
            if answering.authenticate_with_otp(auth_request, otp).is_granted():
                return auth_request
        except TooManyError as error:
            answering.block(auth_request, error)
        except GoneError:  # it was denied as it was asked, or taken back since
            pass
        answering.cancel(auth_request)
        return waiting.get_by_id(self.requester, auth_request.pk)

    def _initiate(self, *, by_code: bool) -> AuthenticationRequest:
        given = self.parameters
        if given.text("format").lower() not in {"", "json"}:
            raise BadParameterError("format can only be json.")
        if given.boolean("use_sms_inband_reply", False):
            raise NotAllowedError("use_sms_inband_reply is not available: the service keeps no phone numbers.")
        automation_allowed = given.boolean("automation_allowed", True)
        challenge_required = given.boolean("challenge_required", False)
        silently, shows_number = given.boolean("silently", False), given.boolean("shows_number", False)
        terminal_id = given.uuid("terminal_id")
        user, pairing = asking.user_to_ask(  # last of all: it may make the user
            self.requester, given.uuid("pairing_id"), given.text("user_name")
        )
        return asking.initiate(
            user,
            given.text("action_name", "action") or "log in",  # pages say "Log In" (PROTOCOL.md §2.3)
            pairing=pairing,
            terminal_name=given.text("terminal_name"),
            terminal_extra=given.text("terminal_name_extra", "requester_specified_terminal_id"),
            terminal_id=terminal_id,
            automation_allowed=automation_allowed,
            challenge_required=challenge_required,
            address=normalized_address(given.text("address")),
            silently=silently,
            by_code=by_code,
            waits_for_code=given.text("withheld") == "code",
            numbered=shows_number or self.requester.shows_number,
        )


class PollRequestView(SignedView):
    """Row 12."""

    def get(self, request: HttpRequest, request_id: UUID) -> Json:
        """The authentication request as it stands. Unknown ids are counted too, before any query."""
        limits.count_poll(f"{self.requester.pk.hex}:{request_id}", timezone.now())
        return _represented(waiting.poll(self.requester, request_id))


class OtpAuthView(SignedView):
    """Row 13: answer with a one-time code."""

    def post(self, request: HttpRequest, request_id: UUID) -> Json:
        """The authentication request; a wrong code leaves it pending (PROTOCOL.md §4.1). One that is over stays so."""
        auth_request, otp = waiting.get_by_id(self.requester, request_id), self.parameters.required("otp")
        try:
            return _represented(answering.authenticate_with_otp(auth_request, otp))
        except GoneError:  # no error, which some clients take for a failure that lets people in (SECURITY.md S49)
            return _represented(waiting.get_by_id(self.requester, request_id))


class CancelRequestView(SignedView):
    """Row 14; one that was answered before stays as it is."""

    def post(self, request: HttpRequest, request_id: UUID) -> Json:
        """The authentication request as it stands."""
        answering.cancel(waiting.get_by_id(self.requester, request_id))
        return _represented(waiting.get_by_id(self.requester, request_id))


class CancelRequestsOfSessionView(SignedView):
    """Our own: cancel what an iframe page has asked, of which the site knows its ``session_token`` only."""

    def post(self, request: HttpRequest) -> Json:
        """How many authentication requests that were."""
        token = self.parameters.required("session_token")
        pages = Frame.objects.filter(session_digest=Frame.session_digest_of(self.requester, token))
        return {"cancelled": answering.cancel_asked_by(pages)}
