"""REST v1 (PROTOCOL.md §2): read the signed parameters, call one verb, show the result."""

from __future__ import annotations

import io
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import segno
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View

from .. import limits, sms
from ..codes import lists
from ..errors import BadParameterError, NotAllowedError, NotFoundError, ServiceError
from ..http import signatures
from ..http.addresses import normalized_address
from ..http.calls import CallView, error_body
from ..http.ids import parse_uuid
from ..models import AuthenticationRequest, Frame, Pairing, Requester, User
from ..people import terminals, users
from ..phones import pairings, reset_links
from ..requests import asking, automations
from ..sms.numbers import NORTH_AMERICA, normalized
from . import description, representations
from .parameters import Parameters


class SignedView(CallView):
    """A call that only a requester can make. Subclasses return an object or a list to be sent as JSON."""

    requester: Requester
    parameters: Parameters

    def authorize(self, request: HttpRequest) -> None:
        """Verify first; only what was signed is read."""
        signed = signatures.verify(request)
        self.requester, self.parameters = signed.requester, Parameters(signed.parameters)

    def error_body(self, error: ServiceError) -> dict[str, Any]:
        """The two keys that published clients know (PROTOCOL.md §2.5)."""
        return error_body(error)

    def user_by_name(self) -> Any:
        """The user whom ``user_name`` names, made when there is none yet."""
        return users.get_or_create(self.requester, self.parameters.required("user_name"))

    def only_first(self) -> bool:
        """Whether a pairing may be no other than the user's first."""
        return self.parameters.boolean("only_first", False)


class NothingView(SignedView):
    """Any other path: 404 to a requester, 401 to anybody else."""

    def get(self, request: HttpRequest) -> Any:
        """Nothing."""
        raise NotFoundError

    post = put = patch = delete = get


class PairingsCreateView(SignedView):
    """Row 1: pair by the phrase that a phone shows. ``user_id`` beside ``user_name`` renames that user.

    Our own ``only_first=True`` is for a site that knows no more than a password: void once the user has a phone.
    """

    def post(self, request: HttpRequest) -> Any:
        """A pending pairing."""
        phrase = self.parameters.required("pairing_phrase", "pairing_token")
        name, user_id = self.parameters.text("user_name"), self.parameters.uuid("user_id")
        counted = name or str(user_id or "")
        limits.count_phrase(self.requester, counted, timezone.now())
        pairings.require_phrase(phrase)  # an unknown one makes or renames nobody
        user = users.identify(self.requester, name, user_id)
        pairing = pairings.create_by_phrase(user, phrase, only_first=self.only_first())
        limits.forget_phrases(self.requester, counted)
        return representations.pairing(pairing)


class PairingsCreateQrView(SignedView):
    """Row 3: pair by a link, shown as a QR code; ``only_first`` as in row 1."""

    def post(self, request: HttpRequest) -> Any:
        """A pending pairing."""
        return representations.pairing(pairings.create(self.user_by_name(), only_first=self.only_first()))


class PairingsCreateSmsView(SignedView):
    """Row 2: pair by a link, sent to a phone."""

    def post(self, request: HttpRequest) -> Any:
        """A pending pairing."""
        if not self.requester.permitted_sms_authentication:
            raise NotAllowedError("This site may not pair by text message.")
        sms.require_available()
        number = normalized(
            self.parameters.required("phone_number"),
            self.parameters.text("phone_country", "country_code") or NORTH_AMERICA,
        )
        link_of = partial(pairing_link, request)
        return representations.pairing(pairings.create_by_sms(self.user_by_name(), number, link_of))


class PairingView(SignedView):
    """Rows 4 and 5: see a pairing, deactivate it; and, our own, give the phone another name."""

    def get(self, request: HttpRequest, pairing_id: UUID) -> Any:
        """The pairing."""
        return representations.pairing(pairings.get_by_id(self.requester, pairing_id))

    def post(self, request: HttpRequest, pairing_id: UUID) -> Any:
        """The pairing; ``deactivated=True`` removes it, ``False`` never brings one back."""
        pairing = pairings.get_by_id(self.requester, pairing_id)
        name, deactivated = self.parameters.text("name"), self.parameters.boolean("deactivated", False)
        if name:
            pairings.rename(pairing, name)
        if deactivated:
            pairings.deactivate(pairing)
        return representations.pairing(pairing)


class PairingQrView(SignedView):
    """Row 9: the link of a pending pairing as a picture."""

    def get(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        """``image/png`` bytes."""
        pairing = pairings.get_by_id(self.requester, pairing_id)
        if pairing.state != Pairing.State.PENDING:
            raise NotFoundError("This pairing has no QR code any more.")
        png = io.BytesIO()
        segno.make(pairing_link(request, pairing), error="m").save(png, kind="png", scale=6, border=4)
        return HttpResponse(png.getvalue(), content_type="image/png")


def pairing_link(request: HttpRequest, pairing: Pairing) -> str:
    """What the phone opens; the secret stands behind ``#``, so that no server's log sees it."""
    return f"{request.build_absolute_uri(reverse('toopher_service:phone'))}#pair={pairings.link_token(pairing)}"


class GenerateResetLinkView(SignedView):
    """Row 6: a link by which a person who lost the phone removes it."""

    def post(self, request: HttpRequest, pairing_id: UUID) -> Any:
        """``url``, told here only."""
        pairing = pairings.get_by_id(self.requester, pairing_id)
        question, answer = self.parameters.text("security_question"), self.parameters.text("security_answer")
        return {"url": reset_url(request, pairing, reset_links.create(pairing, question, answer))}


class SendResetLinkView(SignedView):
    """Row 7: the same by mail."""

    def post(self, request: HttpRequest, pairing_id: UUID) -> Any:
        """An empty object, once the mail server has the mail."""
        pairing = pairings.get_by_id(self.requester, pairing_id)
        reset_links.send(pairing, self.parameters.required("reset_email"), partial(reset_url, request, pairing))
        return {}


def reset_url(request: HttpRequest, pairing: Pairing, token: str) -> str:
    """The page that its holder opens (PROTOCOL.md §5)."""
    page = request.build_absolute_uri(reverse("toopher_service:reset", args=[pairing.pk]))
    return f"{page}?{urlencode({'reset_authorization': token})}"


class InitiateView(SignedView):
    """Row 11: ask the phone (PROTOCOL.md §2.3).

    Our own: ``address``, the terminal's as the requester sees it, and ``silently``, for a standing answer or none.
    """

    def post(self, request: HttpRequest) -> Any:
        """The authentication request; with ``otp`` it is answered at once, one way or the other."""
        asked = self._ask()
        otp = self.parameters.text("otp")
        if otp and not asking.authenticate_with_otp(asked, otp).is_granted():
            asking.cancel(asked)
            asked = asking.get_by_id(self.requester, asked.pk)
        return representations.authentication_request(asked, timezone.now())

    def _ask(self) -> AuthenticationRequest:
        given = self.parameters
        if given.text("format").lower() not in {"", "json"}:
            raise BadParameterError("format can only be json.")
        automation_allowed = given.boolean("automation_allowed", True)
        challenge_required = given.boolean("challenge_required", False)
        silently = given.boolean("silently", False)
        user, pairing = asking.subject(  # last of all: it may make the user
            self.requester, given.uuid("pairing_id"), given.text("user_name")
        )
        return asking.initiate(
            user,
            given.text("action_name", "action") or "log in",
            pairing=pairing,
            terminal_name=given.text("terminal_name"),
            terminal_extra=given.text("terminal_name_extra", "requester_specified_terminal_id"),
            automation_allowed=automation_allowed,
            challenge_required=challenge_required,
            address=normalized_address(given.text("address")),
            silently=silently,
        )


class AuthenticationRequestView(SignedView):
    """Row 12: poll."""

    def get(self, request: HttpRequest, request_id: UUID) -> Any:
        """The authentication request as it stands."""
        limits.count_poll(f"{self.requester.pk.hex}:{request_id}", timezone.now())
        asked = asking.poll(self.requester, request_id)
        return representations.authentication_request(asked, timezone.now())


class OtpAuthView(SignedView):
    """Row 13: answer with a one-time code."""

    def post(self, request: HttpRequest, request_id: UUID) -> Any:
        """The authentication request; a wrong code leaves it pending (PROTOCOL.md §4.1)."""
        asked = asking.get_by_id(self.requester, request_id)
        asked = asking.authenticate_with_otp(asked, self.parameters.required("otp"))
        return representations.authentication_request(asked, timezone.now())


class CancelView(SignedView):
    """Row 14: take the question back."""

    def post(self, request: HttpRequest, request_id: UUID) -> Any:
        """The authentication request as it stands."""
        asking.cancel(asking.get_by_id(self.requester, request_id))
        asked = asking.get_by_id(self.requester, request_id)
        return representations.authentication_request(asked, timezone.now())


class CancelSessionView(SignedView):
    """Our own: take back what an iframe page has asked, of which the site knows its ``session_token`` only."""

    def post(self, request: HttpRequest) -> Any:
        """How many questions that were."""
        token = self.parameters.required("session_token")
        pages = Frame.objects.filter(session_digest=Frame.session_digest_of(self.requester, token))
        return {"cancelled": asking.cancel_asked_by(pages)}


class UsersView(SignedView):
    """Row 16: find a user by exact name."""

    def get(self, request: HttpRequest) -> Any:
        """An array with one user or none."""
        user = users.find(self.requester, self.parameters.required("user_name", "name"))
        return [representations.user(user)] if user else []


class UsersCreateView(SignedView):
    """Row 15: make a user known; one that is known already stays as it is."""

    def post(self, request: HttpRequest) -> Any:
        """The user."""
        return representations.user(users.get_or_create(self.requester, self.parameters.required("name")))


class UsersResetView(SignedView):
    """Row 19: remove all phones of a user. Whoever has a page open to manage them has it no more (SECURITY.md S07)."""

    def post(self, request: HttpRequest) -> Any:
        """An empty object."""
        user = users.get(self.requester, self.parameters.required("name", "user_name"))
        users.close_pages(user)
        users.reset(user)
        return {}


class UsersActivateOtpListView(SignedView):
    """Row 21: a fresh list of codes for a user (PROTOCOL.md §4.2)."""

    def post(self, request: HttpRequest) -> Any:
        """``otp_list``, told here only. An unknown user is made with ``create_user_if_needed=True``, else 705."""
        name = self.parameters.required("user_name")
        create = self.parameters.boolean("create_user_if_needed", False)
        user = users.get_or_create(self.requester, name) if create else users.get(self.requester, name)
        return {"otp_list": lists.activate(user)}


class UserView(SignedView):
    """Rows 17 and 18: see a user, switch the second factor on or off."""

    def get(self, request: HttpRequest, user_id: UUID) -> Any:
        """The user."""
        return representations.user(users.get_by_id(self.requester, user_id))

    def post(self, request: HttpRequest, user_id: UUID) -> Any:
        """The user; either family's flag is understood."""
        user = users.get_by_id(self.requester, user_id)
        was = user.toopher_authentication_enabled
        disabled = self.parameters.boolean("disable_toopher_auth", not was)
        enabled = self.parameters.boolean("toopher_authentication_enabled", not disabled)
        return representations.user(users.set_enabled(user, enabled))


class UsersSwitchView(SignedView):
    """Our own: as row 18, for many users at once."""

    MOST = 100

    def post(self, request: HttpRequest) -> Any:
        """An array of those of ``user_ids`` whom the requester has; the others are not there."""
        user_ids = self.parameters.uuids("user_ids", self.MOST)
        self.parameters.required("disable_toopher_auth")
        enabled = not self.parameters.boolean("disable_toopher_auth", False)
        return [representations.user(user) for user in users.set_enabled_all(self.requester, user_ids, enabled)]


class UserPairingsView(SignedView):
    """Row 20: a user's phones; ``deactivated=0`` leaves the removed ones out."""

    def get(self, request: HttpRequest, user_id: UUID) -> Any:
        """An array of pairings, newest first."""
        user = users.get_by_id(self.requester, user_id)
        rows = user.pairings.select_related("authenticator").order_by("-created")
        if not self.parameters.boolean("deactivated", True):
            rows = rows.exclude(state=Pairing.State.DEACTIVATED)
        for row in rows:
            row.user = user
        return [representations.pairing(row) for row in rows]


class UserTerminalsView(SignedView):
    """Our own: a user's terminals, as row 23 shows each."""

    def get(self, request: HttpRequest, user_id: UUID) -> Any:
        """An array of terminals, used last first."""
        user = users.get_by_id(self.requester, user_id)
        rows = terminals.of_user(user)
        for row in rows:
            row.user = user
        return [representations.terminal(row) for row in rows]


class UserAutomationsView(SignedView):
    """Our own: a user's standing answers; have one removed."""

    def get(self, request: HttpRequest, user_id: UUID) -> Any:
        """An array of automations, newest first; terminals by id and name, without their secrets."""
        return self._listed(users.get_by_id(self.requester, user_id))

    def post(self, request: HttpRequest, user_id: UUID) -> Any:
        """Those that are left without the one that ``remove`` names."""
        user = users.get_by_id(self.requester, user_id)
        automation_id = parse_uuid(self.parameters.required("remove"), "remove")
        automations.remove(automations.of_user(user, timezone.now()), automation_id)
        return self._listed(user)

    def _listed(self, user: User) -> list[Any]:
        return [representations.automation(row) for row in automations.of_user(user, timezone.now())]


class UserTerminalsCreateView(SignedView):
    """Row 22: name a user's terminal."""

    def post(self, request: HttpRequest) -> Any:
        """The terminal."""
        given = self.parameters
        name = given.required("name", "terminal_name")
        extra = given.required("name_extra", "requester_specified_id")
        terminals.require_storable(name, extra)  # before the user comes into being
        return representations.terminal(terminals.get_or_create(self.user_by_name(), name, extra))


class UserTerminalView(SignedView):
    """Rows 23 and 24: see a terminal, change its name or its secret."""

    def get(self, request: HttpRequest, terminal_id: UUID) -> Any:
        """The terminal."""
        return representations.terminal(terminals.get_by_id(self.requester, terminal_id))

    def post(self, request: HttpRequest, terminal_id: UUID) -> Any:
        """The terminal as it is now; the parameters have the names of row 22."""
        given = self.parameters
        terminal = terminals.get_by_id(self.requester, terminal_id)
        name, extra = given.text("name", "terminal_name"), given.text("name_extra", "requester_specified_id")
        return representations.terminal(terminals.change(terminal, name, extra))


@method_decorator(login_not_required, name="dispatch")
class OpenApiView(View):
    """This API, described in OpenAPI 3.1; unsigned."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """The document. No query."""
        root = request.build_absolute_uri(reverse("toopher_service:root")).rstrip("/")
        return JsonResponse(description.document(root))


@method_decorator(login_not_required, name="dispatch")
class RootView(View):
    """The root of the API, unsigned: says what stands here, for people and health checks."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """The name and version of the protocol. No query."""
        return JsonResponse({"service": "toopher", "version": 1})
