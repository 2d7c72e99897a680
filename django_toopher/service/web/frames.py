"""What happens inside the iframe, step by step: one ``Frame`` from its signed URL to the signed postback.

A page is opened with a *ticket* (the verified parameters of its URL) and goes on with a *frame token*. Both are made
with ``django.core.signing``; there are no cookies (DESIGN.md, rule 6).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from .. import limits
from ..conf import conf
from ..errors import (
    BadParameterError,
    GoneError,
    NotAllowedError,
    NotFoundError,
    NotSignedError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    TerminalUnknownError,
    UserDisabledError,
    UserUnknownError,
    WrongNumberError,
)
from ..http import signatures
from ..models import AuthenticationRequest, Frame, Pairing, Requester, digest, only
from ..people import users
from ..phones import pairings
from ..requests import asking, automations
from . import postbacks

TICKET_AGE = 60
"""Seconds from the page's load to its first call."""

_TICKET_SALT = "django_toopher.service.frame-ticket"
_TOKEN_SALT = "django_toopher.service.frame-token"  # noqa: S105 (a salt is no secret)


UNPAIRED = (UserUnknownError, PairingDeactivatedError, PairingNotAuthorizedError)

REPORTED = (UserDisabledError, TerminalUnknownError, *UNPAIRED)
"""What the requester hears of, whichever call it is that meets it (PROTOCOL.md §3.4)."""

Json = dict[str, Any]


class WrongCodeError(WrongNumberError):
    """A one-time code that is not right, or was used before."""

    message = _("That code is not right, or was used already. Wait for the next one.")


class OpenedElsewhereError(GoneError):
    """The signed URL belongs to the page that opened it first."""

    message = _("This page was opened somewhere else already. Go back to the site and sign in again.")


def ticket_for(signed: signatures.SignedRequest, page: Frame.Page, **overrides: str) -> str:
    """The ticket of a page whose URL is verified, in time and complete; else ``BadParameterError`` or ``GoneError``.

    ``overrides`` are parameters that the page itself fixes.
    """
    given = signed.parameters
    if given.get("v") != "2":
        raise BadParameterError("Only version 2 of the page is spoken here.")
    if "\0" in "".join([*given, *given.values()]):
        raise BadParameterError("A parameter has a character that can't be stored.")
    users.checked_name(given.get("username", ""), "username")
    expires = given.get("expires", "")
    if not (expires.isascii() and expires.isdigit()):
        raise BadParameterError("expires is missing.")
    if int(expires[:12]) <= timezone.now().timestamp():
        raise GoneError(_("This page is too old. Go back to the site and sign in again."))
    content = {
        "id": signed.signature,
        "page": page.value,
        "requester": signed.requester.pk.hex,
        "given": {**given, **overrides},
    }
    return signing.dumps(content, salt=_TICKET_SALT, compress=True)


def open_frame(ticket: str, binder: str, address: str) -> Frame:
    """The frame of a ticket, made by whoever comes first; the same ``binder`` opens it again after a reload."""
    content = _content(ticket)
    limits.count_frame(address, timezone.now())
    if not 16 <= len(binder) <= 100:
        raise BadParameterError("binder must be a text of 16 to 100 characters.")
    requester = Requester.objects.filter(pk=UUID(content["requester"]), is_active=True).first()
    if requester is None:
        raise NotSignedError
    frame = Frame(
        id=content["id"],
        binder=digest(binder),
        page=content["page"],
        user=users.get_or_create(requester, content["given"]["username"]),
        parameters=content["given"],
        session_digest=Frame.session_digest_of(requester, content["given"].get("session_token", "")),
        address=address,
        expires=timezone.now() + timedelta(seconds=conf.TOOPHER_SERVICE_FRAME_AGE),
    )
    try:
        with transaction.atomic():
            frame.save(force_insert=True)
    except IntegrityError:
        return _opened_before(frame)
    _take_back_earlier(frame)
    return frame


def _take_back_earlier(frame: Frame) -> None:
    """A reload of the page around gives a new URL for the same login: what the phone was asked before is void."""
    pages = Frame.objects.filter(session_digest=frame.session_digest, user=frame.user)
    asking.cancel_asked_by(pages)


def _content(ticket: str) -> Json:
    try:
        content: Json = signing.loads(ticket, salt=_TICKET_SALT, max_age=TICKET_AGE)
    except signing.SignatureExpired:
        raise GoneError(_("This page is too old. Go back to the site and sign in again.")) from None
    except signing.BadSignature:
        raise NotSignedError(_("This page is not valid. Go back to the site and sign in again.")) from None
    return content


def _opened_before(frame: Frame) -> Frame:
    first = _by_id(frame.pk)
    if not constant_time_compare(first.binder, frame.binder):
        raise OpenedElsewhereError
    return first


def token_for(frame: Frame) -> str:
    """What the page sends with each further call: it serves this frame only, for as long as the frame lives."""
    return signing.dumps(frame.pk, salt=_TOKEN_SALT)


def by_token(token: str) -> Frame:
    """The frame of a frame token. One query."""
    try:
        frame_id = signing.loads(token, salt=_TOKEN_SALT, max_age=conf.TOOPHER_SERVICE_FRAME_AGE)
    except signing.BadSignature:
        raise NotSignedError(_("This page is not valid any more. Go back to the site and sign in again.")) from None
    return _by_id(frame_id)


def _by_id(frame_id: str) -> Frame:
    related = ("user__requester", "pairing", "request__terminal", "request__action")
    frame = only(Frame.objects.filter(pk=frame_id).select_related(*related))
    if frame is None or frame.expires <= timezone.now():
        raise GoneError(_("This page is not valid any more. Go back to the site and sign in again."))
    return frame


def state_of(frame: Frame, now: datetime) -> Json:
    """Where the frame stands. Reads only what ``by_token`` loaded."""
    if frame.request:
        return _request_state(frame, frame.request, now)
    if frame.pairing:
        return _pairing_state(frame, frame.pairing, now)
    return {"state": "new"}


def _request_state(frame: Frame, request: AuthenticationRequest, now: datetime) -> Json:
    by_code = request.reason_code == request.Reason.OTP_REQUIRED  # a person without a phone
    if request.is_waiting(now):
        return {
            "state": "code" if by_code else "waiting",
            "number": request.number,
            "listed": frame.user.has_had_codes,
            "now": int(now.timestamp()),
            "expires": int(request.expires.timestamp()),
            "latest": int(asking.latest(request.created, frame.expires).timestamp()),
        }
    if request.state in {request.State.GRANTED, request.State.DENIED}:
        return {
            "state": "finished",
            "granted": request.is_granted(),
            "reported": request.reason_code == request.Reason.REPORTED,
            "postback": postbacks.authentication_request(frame, request, now),
        }
    return {"state": "late" if by_code else "unanswered"}


def _pairing_state(frame: Frame, pairing: Pairing, now: datetime) -> Json:
    managing = frame.page == Frame.Page.MANAGE_USER
    if pairing.state == Pairing.State.PENDING and pairing.expires > now:
        return {"state": "pairing", "expires": int(pairing.expires.timestamp())}
    if managing and pairing.state in {Pairing.State.ENABLED, Pairing.State.DEACTIVATED}:
        return {
            "state": "finished",
            "granted": True,  # what was wished here is done, a removal too
            "postback": postbacks.pairing(frame, pairing, now),
        }
    return {"state": "paired" if pairing.is_enabled else "unpaired"}


def ask(frame: Frame) -> Frame:
    """Ask the phone, unless it is being asked; without a phone, begin to pair one where the URL allows it.

    An error that the requester must hear of (PROTOCOL.md §3.1, page ``auth``) is raised as it is.
    """
    now = timezone.now()
    if frame.request and state_of(frame, now)["state"] not in {"unanswered", "late"}:
        return frame
    given = frame.parameters
    try:
        request = asking.initiate(
            frame.user,
            given.get("action_name") or "Log In",
            terminal_name=given.get("terminal_name", ""),
            terminal_extra=given.get("requester_specified_terminal_id", ""),
            automation_allowed=_flag(given, "automation_allowed", True),
            challenge_required=_flag(given, "challenge_required", False),
            address=frame.address,
        )
    except UNPAIRED:
        if frame.user.has_had_codes or not _flag(given, "allow_inline_pairing", True):
            raise
        return begin_pairing(frame)
    if not Frame.objects.filter(pk=frame.pk, request=frame.request_id).update(request=request):
        asking.cancel(request)  # another call of this page was first
    return _by_id(frame.pk)


def _flag(given: dict[str, str], name: str, default: bool) -> bool:
    value = given.get(name, "").lower()
    return value in {"true", "1"} if value else default


def begin_pairing(frame: Frame) -> Frame:
    """Wait for a phone to open a pairing link, unless the frame waits for one already."""
    if frame.pairing and frame.pairing.state == Pairing.State.PENDING and frame.pairing.expires > timezone.now():
        return frame
    _require_enabled(frame)
    return _attach(frame, pairings.create(frame.user, only_first=_pairs_only_first(frame)))


def pair_by_phrase(frame: Frame, phrase: str) -> Frame:
    """Wait for the phone that shows ``phrase``; the link that was shown before is void."""
    _require_pairing_due(frame)
    _require_enabled(frame)
    requester, name = frame.user.requester, frame.user.name
    limits.count_phrase(requester, name, timezone.now())
    try:
        pairing = pairings.create_by_phrase(frame.user, phrase, only_first=_pairs_only_first(frame))
    except NotFoundError:
        raise NotFoundError(_("No phone shows these words now. Check them, or make new ones on the phone.")) from None
    limits.forget_phrases(requester, name)
    if frame.pairing:
        pairings.deactivate(frame.pairing)
    return _attach(frame, pairing)


def _require_pairing_due(frame: Frame) -> None:
    """A login page pairs only where it began to, and while its user has no phone.

    Who knows the password alone must not add a phone of their own to the user's.
    """
    if frame.pairing and frame.pairing.is_enabled:
        raise GoneError
    if not _is_login(frame):
        return
    if frame.pairing is None or frame.user.has_had_codes or frame.user.pairings.enabled().exists():
        raise GoneError


def _is_login(frame: Frame) -> bool:
    return frame.page == Frame.Page.AUTHENTICATE


def _pairs_only_first(frame: Frame) -> bool:
    return _is_login(frame) or _is_unproven(frame)


def _is_unproven(frame: Frame) -> bool:
    """Whether the site knows no more of who manages than the password (our own ``only_first``), nor do we."""
    has_paired = frame.pairing is not None and frame.pairing.is_enabled
    return not _is_login(frame) and _flag(frame.parameters, "only_first", False) and not has_paired


def require_proven(frame: Frame) -> None:
    """Who has shown the password alone manages nothing any more once there is a phone, or a list of codes."""
    if _is_unproven(frame) and (frame.user.has_had_codes or frame.user.pairings.enabled().exists()):
        raise GoneError(_("This page is not valid any more. Go back to the site and sign in again."))


def _require_enabled(frame: Frame) -> None:
    """A disabled user is told so (PROTOCOL.md §5) and pairs nothing."""
    if not frame.user.toopher_authentication_enabled:
        raise UserDisabledError


def _attach(frame: Frame, pairing: Pairing) -> Frame:
    if not Frame.objects.filter(pk=frame.pk, pairing=frame.pairing_id).update(pairing=pairing):
        pairings.deactivate(pairing)  # another call of this page was first
    return _by_id(frame.pk)


def enter_code(frame: Frame, code: str) -> Frame:
    """Answer with the one-time code of the phone instead of its yes. ``WrongCodeError`` for a wrong one."""
    frame = ask(frame)
    if frame.request is None:
        raise GoneError
    request = asking.authenticate_with_otp(frame.request, code)
    if request.state == request.State.PENDING:
        raise WrongCodeError(max(conf.TOOPHER_SERVICE_NUMBER_TRIES - request.failures, 0))
    return _by_id(frame.pk)


def extend(frame: Frame) -> Frame:
    """Give the person more time for the question that waits."""
    if frame.request is None:
        raise GoneError
    asking.extend(frame.request)
    return _by_id(frame.pk)


def remove(frame: Frame, pairing_id: UUID) -> Frame:
    """Remove one of the user's phones."""
    pairing = _phone(frame, pairing_id)
    pairings.deactivate(pairing)
    Frame.objects.filter(pk=frame.pk).update(pairing=pairing)
    return _by_id(frame.pk)


def rename(frame: Frame, pairing_id: UUID, name: str) -> Frame:
    """Call one of the user's phones something else. Nothing that the requester must hear of."""
    pairings.rename(_phone(frame, pairing_id), name)
    return frame


def _phone(frame: Frame, pairing_id: UUID) -> Pairing:
    _require_managing(frame)
    pairing = frame.user.pairings.filter(pk=pairing_id).first()
    if pairing is None:
        raise NotFoundError(_("This phone is not paired with you."))
    return pairing


def switch(frame: Frame, enabled: bool) -> Frame:
    """Switch the user's second factor on, or off where the site allows its users that."""
    _require_managing(frame)
    if not enabled and not may_opt_out(frame):
        raise NotAllowedError(_("This site does not let its users switch this off."))
    users.set_enabled(frame.user, enabled)
    return frame


def may_opt_out(frame: Frame) -> bool:
    """Where the site lets its users do that, by more than a password."""
    return frame.user.requester.permitted_opt_out and not _is_unproven(frame)


def reset(frame: Frame) -> Frame:
    """Remove all the user's phones and codes."""
    _require_managing(frame)
    users.reset(frame.user)
    return frame


def _require_managing(frame: Frame) -> None:
    if frame.page != Frame.Page.MANAGE_USER:
        raise NotFoundError
    require_proven(frame)


def forget(frame: Frame, automation_id: UUID) -> Frame:
    """Remove one of the user's standing answers. Nothing that the requester must hear of."""
    _require_managing(frame)
    automations.remove(automations.of_user(frame.user, timezone.now()), automation_id)
    return frame
