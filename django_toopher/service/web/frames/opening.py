"""How a page comes by its frame, and how it finds it again.

A page is opened with a *ticket* (the verified parameters of its URL) and goes on with a *frame token*. Both are made
with ``django.core.signing``; there are no cookies (DESIGN.md, rule 6).
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from ... import limits
from ...errors import BadParameterError, GoneError, NotSignedError
from ...http.calls import Json
from ...http.signatures import SignedRequest
from ...models import Frame, Requester, digest, only
from ...people import users
from ...requests import answering

TICKET_AGE = 60
"""Seconds from the page's load to its first call."""

FRAME_AGE = 600
"""Seconds that an opened page works: no request waits longer (``waiting.LONGEST``)."""

_TICKET_SALT = "django_toopher.service.frame-ticket"
_TOKEN_SALT = "django_toopher.service.frame-token"  # noqa: S105 (a salt is no secret)


class TooOldError(GoneError):
    """The signed URL, or the ticket made of it, was used too late."""

    message = _("This page is too old. Go back to the site and sign in again.")


class OpenedElsewhereError(GoneError):
    """The signed URL belongs to the page that opened it first."""

    message = _("This page was opened somewhere else already. Go back to the site and sign in again.")


class PageOverError(GoneError):
    """The frame's time is over, or it may do no more."""

    message = _("This page is not valid any more. Go back to the site and sign in again.")


def ticket_for(signed: SignedRequest, page: Frame.Page, **overrides: str) -> str:
    """The ticket of a page whose URL is verified, in time and complete; else ``BadParameterError`` or ``TooOldError``.

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
    if int(expires[:12]) <= timezone.now().timestamp():  # cut off: int() refuses thousands of digits
        raise TooOldError
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
        expires=timezone.now() + timedelta(seconds=FRAME_AGE),
    )
    try:
        with transaction.atomic():
            frame.save(force_insert=True)  # an UPDATE would hand over a page that is open elsewhere (S31)
    except IntegrityError:
        return _opened_before(frame)
    _cancel_earlier(frame)
    return frame


def _content(ticket: str) -> Json:
    try:
        content: Json = signing.loads(ticket, salt=_TICKET_SALT, max_age=TICKET_AGE)
    except signing.SignatureExpired:
        raise TooOldError from None
    except signing.BadSignature:
        raise NotSignedError(_("This page is not valid. Go back to the site and sign in again.")) from None
    return content


def _opened_before(frame: Frame) -> Frame:
    first = by_id(frame.pk)
    if not constant_time_compare(first.binder, frame.binder):
        raise OpenedElsewhereError
    return first


def _cancel_earlier(frame: Frame) -> None:
    """A reload of the page around gives a new URL for the same login: what the phone was asked before is void."""
    pages = Frame.objects.filter(session_digest=frame.session_digest, user=frame.user)
    answering.cancel_asked_by(pages)


def token_for(frame: Frame) -> str:
    """What the page sends with each further call: it serves this frame only, for as long as the frame lives."""
    return signing.dumps(frame.pk, salt=_TOKEN_SALT)


def by_token(token: str) -> Frame:
    """The frame of a frame token. One query."""
    try:
        frame_id = signing.loads(token, salt=_TOKEN_SALT, max_age=FRAME_AGE)
    except signing.BadSignature:
        raise NotSignedError(PageOverError.message) from None
    return by_id(frame_id)


def by_id(frame_id: str) -> Frame:
    """The frame as it is now, with all that its state is told from; ``PageOverError`` for one that is over."""
    related = ("user__requester", "pairing", "request__terminal", "request__action")
    frame = only(Frame.objects.filter(pk=frame_id).select_related(*related))
    if frame is None or frame.expires <= timezone.now():
        raise PageOverError
    return frame
