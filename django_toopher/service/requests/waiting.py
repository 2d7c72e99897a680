"""What waits for an answer, as the requester polls it and as a phone lists it, and for how long it waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from ..conf import conf
from ..errors import GoneError, NotFoundError
from ..models import AuthenticationRequest, Authenticator, Frame, Pairing, Requester, User, only
from ..models.requests import AuthenticationRequestQuerySet
from ..retry import retry_on_deadlock
from ..shown import PairingTexts, RequestTexts
from . import automations

State = AuthenticationRequest.State

LONGEST = timedelta(minutes=10)
"""From a request to its answer, however often it is prolonged (SECURITY.md S22, NIST SP 800-63B-4 §3.1.3.2)."""

HAND_OVER = timedelta(seconds=10)
"""What a page needs, before its own time is over, to hand the answer on."""


@dataclass(frozen=True)
class WaitingRequest:
    """A request as a phone lists it; it can be prolonged until ``latest``.

    ``automate`` is for how many seconds the answer may become an automation, 0 where it may not.
    """

    id: UUID
    texts: RequestTexts
    created: datetime
    expires: datetime
    latest: datetime
    number_length: int
    automate: int


@dataclass(frozen=True)
class WaitingPairing:
    """A pairing that waits for this phone's yes: its phrase was typed at a site."""

    id: UUID
    texts: PairingTexts
    created: datetime
    expires: datetime


def get_by_id(requester: Requester, request_id: UUID) -> AuthenticationRequest:
    """The requester's authentication request; another requester's is not found (SECURITY.md S21)."""
    return _found(_of_requester(requester, request_id), requester)


def poll(requester: Requester, request_id: UUID) -> AuthenticationRequest:
    """As ``get_by_id``, with what is told of the user in the same query: requesters poll it again and again."""
    request = _found(_of_requester(requester, request_id).with_factors(), requester)
    user = request.user  # whose cached properties these are
    user.number_of_pregenerated_otps_remaining, user.has_phone = request.codes_left, request.has_phone
    return request


def _of_requester(requester: Requester, request_id: UUID) -> AuthenticationRequestQuerySet:
    rows = AuthenticationRequest.objects.filter(pk=request_id, user__requester=requester)
    return rows.select_related("user", "terminal", "action")


def _found(rows: QuerySet[AuthenticationRequest], requester: Requester) -> AuthenticationRequest:
    request = only(rows)
    if request is None:
        raise NotFoundError("No such authentication request.")
    request.user.requester = requester
    return request


def for_authenticator(
    authenticator: Authenticator, now: datetime
) -> tuple[list[WaitingRequest], list[WaitingPairing], list[WaitingPairing]]:
    """What waits for an answer from this phone, requests and pairings, and which pairings wait for the site. One query.

    Each row is one of the phone's pairings, beside each request that waits for its user, or beside none.
    """
    asked = FilteredRelation(
        "user__authentication_requests",
        condition=Q(
            user__authentication_requests__state=State.PENDING,
            user__authentication_requests__expires__gt=now,
            user__authentication_requests__withheld_until=None,
        ),
    )
    alone = Q(asked__asked_pairing=F("pk"))
    answering = Q(
        Q(state=Pairing.State.ENABLED, asked__asked_pairing=None) | Q(alone, state__in=_ANSWERING),
        user__toopher_authentication_enabled=True,
        asked__isnull=False,
    )
    page = Frame.objects.filter(request=OuterRef("asked__id")).values("expires")[:1]
    rows = (
        Pairing.objects.annotate(asked=asked, page_expires=Subquery(page))
        .filter(answering | Q(state__in=Pairing.WAITING, expires__gt=now), authenticator=authenticator)
        .values_list("state", *_PAIRING, *_REQUEST, named=True)
    )
    # by id: a phone may be paired twice with one user, and a pending pairing stands beside each of its user's requests
    requests = {row.asked__id: _waiting_request(row) for row in rows if _is_asked(row)}
    offered = {row.id: _waiting_pairing(row) for row in rows if row.state == Pairing.State.PENDING}
    agreed = {row.id: _waiting_pairing(row) for row in rows if row.state == Pairing.State.AGREED}
    return _newest_first(requests), _newest_first(offered), _newest_first(agreed)


_ANSWERING = (Pairing.State.ENABLED, Pairing.State.AGREED)


def _is_asked(row: Any) -> bool:
    """Whether the request in this row is one for the pairing in it."""
    if row.asked__asked_pairing_id is None:
        return bool(row.state == Pairing.State.ENABLED)
    return row.state in _ANSWERING and row.asked__asked_pairing_id == row.id


_PAIRING = ("id", "user__requester__name", "user__name", "created", "expires")
_REQUEST = (
    "asked__id",
    "asked__asked_pairing_id",
    "asked__action__name",
    "asked__terminal__name",
    "asked__terminal__extra_digest",
    "asked__address",
    "asked__created",
    "asked__expires",
    "asked__number",
    "asked__automation_allowed",
    "asked__challenge_required",
    "page_expires",
)

Waiting = TypeVar("Waiting", WaitingRequest, WaitingPairing)


def _waiting_pairing(row: Any) -> WaitingPairing:
    texts = PairingTexts(row.user__requester__name, row.user__name)
    return WaitingPairing(row.id, texts, row.created, row.expires)


def _waiting_request(row: Any) -> WaitingRequest:
    is_known = row.asked__terminal__extra_digest is not None
    return WaitingRequest(
        id=row.asked__id,
        texts=RequestTexts(
            requester=row.user__requester__name,
            user=row.user__name,
            action=row.asked__action__name,
            terminal=row.asked__terminal__name,
            address=row.asked__address,
        ),
        created=row.asked__created,
        expires=row.asked__expires,
        latest=latest_expiry(row.asked__created, row.page_expires),
        number_length=len(row.asked__number),
        automate=automations.seconds_offered(
            automation_allowed=row.asked__automation_allowed,
            challenge_required=row.asked__challenge_required,
            terminal_is_known=is_known,
        ),
    )


def latest_expiry(created: datetime, page_expires: datetime | None) -> datetime:
    """Until when a request can be prolonged: no page waits for an answer longer than it can use one."""
    longest = created + LONGEST
    return min(longest, page_expires - HAND_OVER) if page_expires else longest


def _newest_first(waiting: dict[UUID, Waiting]) -> list[Waiting]:
    return sorted(waiting.values(), key=lambda one: one.created, reverse=True)


@retry_on_deadlock
def extend(request: AuthenticationRequest) -> None:
    """Give the person as much time, from now on, as for a new request, but not beyond ``latest`` (WCAG 2.2.1).

    One that has all of it is left as it is. Tries and limits count on as before (SECURITY.md S23, S24).

    Raises ``GoneError`` for one that was answered or is over.
    """
    now = timezone.now()
    page_expires = Frame.objects.filter(request=request).values_list("expires", flat=True).first()
    age = timedelta(seconds=conf.TOOPHER_SERVICE_REQUEST_AGE)
    expires = min(now + age, latest_expiry(request.created, page_expires))
    holds = Exists(User.objects.filter(pk=request.user_id, toopher_authentication_enabled=True))
    waiting = AuthenticationRequest.objects.waiting(now).filter(holds, pk=request.pk)
    if not waiting.filter(expires__lt=expires).update(expires=expires) and not waiting.exists():
        raise GoneError


def extend_at(request_id: UUID, authenticator: Authenticator) -> AuthenticationRequest:
    """As ``extend``, for a phone that may answer. ``NotFoundError`` for one that was never asked."""
    _pairing, request = request_at(request_id, authenticator)
    extend(request)
    request.refresh_from_db(fields=["expires"])
    return request


def request_at(request_id: UUID, authenticator: Authenticator) -> tuple[Pairing, AuthenticationRequest]:
    """The enabled pairing by which this phone may answer, and the request."""
    request = (
        AuthenticationRequest.objects.filter(pk=request_id, withheld_until=None)  # the others are no phone's
        .select_related("user__requester", "terminal", "action")
        .first()
    )
    if request is None:
        raise NotFoundError
    own = authenticator.pairings.filter(user=request.user)
    asked = own.asked(request.user_id, request.asked_pairing_id, timezone.now()).first()
    if asked is None:
        # for a stranger's phone the request does not exist (S21), nor for one of which the site has not heard
        raise GoneError if own.exclude(state__in=Pairing.WAITING).exists() else NotFoundError
    return asked, request
