"""One user bound to one authenticator, from the link or phrase to the removal."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.translation import gettext as _

from ...printable import printable
from .. import mail, sms
from ..codes import totp
from ..errors import (
    BadParameterError,
    GoneError,
    LastPhoneError,
    MismatchError,
    NotFoundError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    UserUnknownError,
)
from ..models import AuthenticationRequest, Authenticator, Pairing, Requester, Terminal, User
from ..models.pairings import PairingQuerySet
from ..people import users
from ..retry import retry_on_deadlock
from ..shown import PairingTexts
from . import authenticators

_LINK_SALT = "django_toopher.service.pairing-link"

_UNKNOWN_PHRASE = "No pending pairing requests with specified pairing_phrase"
"""The FAQ's text (PROTOCOL.md §2.2)."""


class Terms(TypedDict):
    """What a pairing is subject to, as ``create`` takes it."""

    only_first: bool
    site_confirms: bool


def create(
    user: User, authenticator: Authenticator | None = None, *, only_first: bool = False, site_confirms: bool = False
) -> Pairing:
    """A pending pairing; without an authenticator it waits for the phone that opens its link first.

    ``only_first`` is for one that a password alone has begun: it can't add a phone to a user who has one, or has
    had a list of codes. ``site_confirms``: the phone's yes makes it agreed, which counts for nothing until ``confirm``.
    """
    expires = timezone.now() + timedelta(seconds=authenticators.PAIRING_AGE)
    pairing = Pairing(
        user=user, authenticator=authenticator, only_first=only_first, site_confirms=site_confirms, expires=expires
    )
    pairing.save(force_insert=True)
    return pairing


def require_phrase(phrase: str) -> None:
    """``NotFoundError`` when no phone shows ``phrase``, which stays unused."""
    if not authenticators.is_shown(phrase, timezone.now()):
        raise NotFoundError(_UNKNOWN_PHRASE)


def create_by_phrase(user: User, phrase: str, *, only_first: bool = False, site_confirms: bool = False) -> Pairing:
    """A pending pairing with the phone that shows ``phrase``; ``NotFoundError`` when none does."""
    authenticator = authenticators.spend_phrase(phrase, timezone.now())
    if authenticator is None:
        raise NotFoundError(_UNKNOWN_PHRASE)
    return create(user, authenticator, only_first=only_first, site_confirms=site_confirms)


def create_by_sms(user: User, number: str, link_of: Callable[[Pairing], str]) -> Pairing:
    """A pending pairing whose link goes to ``number`` (E.164); ``link_of`` makes it.

    Raises what ``sms.send`` raises, after which there is no pairing. The number is kept nowhere.
    """
    pairing = create(user)
    text = _("%(site)s: open this on your phone within %(minutes)d minutes to approve sign-ins with it. %(link)s") % {
        "site": printable(user.requester.name),
        "minutes": authenticators.PAIRING_AGE // 60,
        "link": link_of(pairing),
    }
    try:
        sms.send(sms.SmsMessage(number, text))
    except sms.SmsError:
        pairing.delete()
        raise
    return pairing


def get_by_id(requester: Requester, pairing_id: UUID) -> Pairing:
    """The requester's pairing with this id; another requester's is not found (SECURITY.md S21)."""
    pairing = (
        Pairing.objects.filter(pk=pairing_id, user__requester=requester)
        .select_related("user__requester", "authenticator")
        .first()
    )
    if pairing is None:
        raise NotFoundError("No such pairing.")
    return pairing


def link_token(pairing: Pairing) -> str:
    """What the QR code carries: the pairing's id under a 256-bit signature, 66 characters.

    It is used up by the phone's answer.
    """
    short_id = base64.urlsafe_b64encode(pairing.pk.bytes).decode().rstrip("=")
    # without a time: the row's `expires` ends the link
    return signing.Signer(salt=_LINK_SALT).sign(short_id)


def by_link(token: str, now: datetime) -> Pairing:
    """The pairing of a link that nobody has used; ``NotFoundError`` for a forged one, ``GoneError`` for an old one."""
    try:
        short_id = signing.Signer(salt=_LINK_SALT).unsign(token)
    except signing.BadSignature as exc:
        raise NotFoundError("This pairing link is not valid.") from exc
    pairing_id = UUID(bytes=base64.urlsafe_b64decode(f"{short_id}=="))
    pairing = Pairing.objects.filter(pk=pairing_id).select_related("user__requester").first()
    # with an authenticator, a phone has shown a phrase for it
    if pairing is None or not pairing.is_pending(now) or pairing.authenticator_id is not None:
        raise GoneError("This pairing link was used already, or its time is over.")
    return pairing


@retry_on_deadlock
def answer(
    pairing: Pairing, authenticator: Authenticator, *, allow: bool, shown: PairingTexts, now: datetime
) -> Pairing:
    """The phone's yes or no. ``shown`` is what the phone displayed. Where the site confirms, it has as long again.

    Raises ``MismatchError`` and ``GoneError``. Of several answers, by one phone or two, one wins: the UPDATE checks.
    """
    if shown != pairing.texts:
        raise MismatchError
    seed = totp.new_seed() if allow else ""
    agreed = Pairing.State.AGREED if pairing.site_confirms else Pairing.State.ENABLED
    state = agreed if allow else Pairing.State.DENIED
    expires = now + timedelta(seconds=authenticators.PAIRING_AGE) if state == Pairing.State.AGREED else pairing.expires
    changes = {"state": state, "authenticator": authenticator, "otp_seed": seed, "answered": now, "expires": expires}
    with transaction.atomic():
        _lock(pairing.user_id, now)  # of two first phones, one comes first
        waiting = Pairing.objects.waiting(now).filter(pk=pairing.pk, authenticator=pairing.authenticator)
        won = (_due(waiting, pairing) if allow else waiting).update(**changes, modified=now)
    if not won:
        raise GoneError
    for name, value in changes.items():
        setattr(pairing, name, value)
    if pairing.is_enabled:
        mail.phone_added(pairing)
    return pairing


@retry_on_deadlock
def confirm(pairing: Pairing, now: datetime, *, alone: bool = False) -> Pairing:
    """The site's yes to an agreed pairing, which enables it; ``alone`` removes the user's other phones with it.

    One that is enabled already stays as it is. ``GoneError`` for any other, and for one that was to be the first.
    """
    with transaction.atomic():
        _lock(pairing.user_id, now)
        agreed = _due(Pairing.objects.agreed(now).filter(pk=pairing.pk), pairing)
        won = agreed.update(state=Pairing.State.ENABLED, modified=now)
        if won and alone:
            users.remove_phones(pairing.user, now, but=pairing)
        if won:
            _approve_computers(pairing, now)
            mail.phone_added(pairing)
    pairing.refresh_from_db(fields=["state"])
    if not pairing.is_enabled:
        raise GoneError
    return pairing


def _approve_computers(pairing: Pairing, now: datetime) -> None:
    """Those at which this phone has said yes before its site confirmed it."""
    granted = AuthenticationRequest.objects.filter(asked_pairing=pairing, state=AuthenticationRequest.State.GRANTED)
    Terminal.objects.filter(pk__in=granted.values("terminal"), approved=None).update(approved=now)


def _lock(user_id: UUID, now: datetime) -> None:
    """Whatever counts the user's phones and then changes them goes one after the other."""
    User.objects.filter(pk=user_id).update(modified=now)


def _due(rows: PairingQuerySet, pairing: Pairing) -> PairingQuerySet:
    """``rows``, as long as one that may be no other than the first would be it."""
    if not pairing.only_first:
        return rows
    return rows.filter(~Exists(Pairing.objects.enabled().filter(user=pairing.user_id)), user__has_had_codes=False)


@retry_on_deadlock
def deactivate(pairing: Pairing, *, unless_last: bool = False) -> bool:
    """Remove the pairing; whether this call was the one that did. The user is told when it was enabled.

    ``unless_last``: ``LastPhoneError`` where no other phone would be left.
    """
    now = timezone.now()
    this = Pairing.objects.filter(pk=pairing.pk)
    changes = {"state": Pairing.State.DEACTIVATED, "otp_seed": "", "modified": now}  # no seed stays (S34)
    with transaction.atomic():
        _lock(pairing.user_id, now)  # of the last two, one sees that it is the last
        if unless_last:
            others = Pairing.objects.enabled().filter(user=pairing.user_id).exclude(pk=pairing.pk)
            if not others.exists() and this.filter(state=Pairing.State.ENABLED).exists():
                raise LastPhoneError
        was_waiting = this.filter(state__in=Pairing.WAITING).update(**changes)  # first: it may turn enabled meanwhile
        was_enabled = 0 if was_waiting else this.filter(state=Pairing.State.ENABLED).update(**changes)
        if was_enabled and not Pairing.objects.enabled().filter(user=pairing.user_id).exists():
            users.forget_computers(pairing.user_id)
    pairing.refresh_from_db(fields=["state"])
    if was_enabled:
        mail.phones_removed(pairing.user, [pairing])
    return bool(was_waiting or was_enabled)


def rename(pairing: Pairing, name: str) -> None:
    """Call the phone ``name`` at this site; blank is its own name again. ``BadParameterError`` for what is no name."""
    pairing.label, pairing.modified = checked_name(name), timezone.now()
    pairing.save(update_fields=["label", "modified"])


def checked_name(name: str) -> str:
    """A phone's name on one line, with single spaces; ``BadParameterError`` for what is none."""
    name = " ".join(name.split())
    if len(name) > 100 or not name.isprintable():
        raise BadParameterError(_("The name must be at most 100 characters, on one line."))
    return name


def require_enabled(user: User, pairing: Pairing | None = None) -> None:
    """Raise unless ``pairing``, or any pairing of the user, can answer; the errors are PROTOCOL.md §8.2's."""
    states = {pairing.state} if pairing else set(user.pairings.values_list("state", flat=True))
    if Pairing.State.ENABLED in states:
        return
    if not states:
        raise UserUnknownError
    raise PairingDeactivatedError if states == {Pairing.State.DEACTIVATED} else PairingNotAuthorizedError


def get_for_authenticator(authenticator: Authenticator, pairing_id: UUID) -> Pairing:
    """This phone's pairing with this id; another phone's is not found."""
    pairing = authenticator.pairings.filter(pk=pairing_id).select_related("user__requester").first()
    if pairing is None:
        raise NotFoundError
    return pairing
