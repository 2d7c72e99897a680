"""A requester's users."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from .. import limits, mail
from ..errors import BadParameterError, NotFoundError, UserUnknownError
from ..models import NAME_LENGTH, AuthenticationRequest, Frame, Pairing, Requester, Terminal, User, digest, only
from ..models.users import UserQuerySet
from ..retry import retry_on_deadlock

EMAIL_LENGTH = 254
"""Characters of an e-mail address (RFC 5321 §4.5.3.1.3)."""


def checked_name(name: str, what: str = "user_name") -> str:
    """``name`` as it came: names are matched exactly (PROTOCOL.md §5). ``BadParameterError`` for one that can't be."""
    if not name.strip():
        raise BadParameterError(f"{what} is missing.")
    if len(name) > NAME_LENGTH:
        raise BadParameterError(f"{what} is longer than {NAME_LENGTH} characters.")
    if "\ufffd" in name:  # what a Latin-1 client's bytes turn into: two people could become one (SECURITY.md S12)
        raise BadParameterError(f"{what} has a character that can't be read; send it in UTF-8.")
    if "\0" in name:
        raise BadParameterError(f"{what} has a character that can't be stored.")
    return name


def by_name(requester: Requester, name: str) -> User | None:
    """The requester's user of exactly this name."""
    return only(_told(requester).filter(name_digest=digest(name)))


def _told(requester: Requester) -> UserQuerySet:
    """The requester's users, with what it is told of them in the same query."""
    return requester.users.annotate(has_phone=Pairing.objects.any_enabled("pk"))  # type: ignore[no-redef]


def get(requester: Requester, name: str) -> User:
    """As ``by_name``, but raises ``UserUnknownError``."""
    user = by_name(requester, checked_name(name))
    if user is None:
        raise UserUnknownError
    return user


def get_by_id(requester: Requester, user_id: UUID) -> User:
    """The requester's user with this id; another requester's is not found (SECURITY.md S21)."""
    user = _told(requester).filter(pk=user_id).first()
    if user is None:
        raise NotFoundError("No such user.")
    return user


def get_or_create(requester: Requester, name: str) -> User:
    """The requester's user of exactly this name, made when there is none yet."""
    name = checked_name(name)
    user, _created = User.objects.get_or_create(requester=requester, name_digest=digest(name), defaults={"name": name})
    user.requester = requester
    return user


def identify(requester: Requester, name: str, user_id: UUID | None) -> User:
    """The user whom a requester names, by name, by id, or by both to rename (PROTOCOL.md §2.2)."""
    if user_id is None:
        return get_or_create(requester, name)
    user = get_by_id(requester, user_id)
    if name and name != user.name:
        user.name = checked_name(name)
        try:
            with transaction.atomic():
                user.save(update_fields=["name", "name_digest", "modified"])
        except IntegrityError as exc:
            raise BadParameterError("Another user has this name.") from exc
    return user


def checked_email(address: str) -> str:
    """``address`` without white space around it; ``BadParameterError`` when no mail can go there."""
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise BadParameterError("reset_email must be an e-mail address.") from None
    if len(address) > EMAIL_LENGTH:
        raise BadParameterError("reset_email is too long.")
    return address


def keep_email(user: User, address: str) -> None:
    """Remember where to tell the user what happens to their phones (SECURITY.md S30).

    Blank, or no address at all, leaves the one that is known: a login does not fail for it.
    """
    try:
        address = checked_email(address)
    except BadParameterError:
        return
    if address != user.email:
        user.email = address
        user.save(update_fields=["email", "modified"])


def set_enabled(user: User, enabled: bool) -> User:
    """Switch the user's second factor on or off. What waits is not answered any more while it is off."""
    user.toopher_authentication_enabled = enabled
    user.save(update_fields=["toopher_authentication_enabled", "modified"])
    return user


def switch(user: User, enabled: bool) -> bool:
    """As ``set_enabled``; whether that changed anything."""
    these = User.objects.filter(pk=user.pk, toopher_authentication_enabled=not enabled)
    return bool(these.update(toopher_authentication_enabled=enabled, modified=timezone.now()))


@retry_on_deadlock
def set_enabled_all(requester: Requester, user_ids: Collection[UUID], enabled: bool) -> list[User]:
    """As ``set_enabled``, for those of these ids that are the requester's. How they stand now, in two statements."""
    requester.users.filter(pk__in=user_ids).update(toopher_authentication_enabled=enabled, modified=timezone.now())
    switched = list(_told(requester).filter(pk__in=user_ids).with_codes_left())
    for user in switched:
        user.requester = requester
    return switched


@retry_on_deadlock
def reset(user: User) -> bool:
    """Remove all the user's phones and codes, and lift every limit; whether there was a phone, or ever a code.

    Whether the user is enabled stays (PROTOCOL.md §5). An UPDATE locks the user's row, as a phone's yes to a
    pairing does, so the mail names every phone that was removed.
    """
    now = timezone.now()
    with transaction.atomic():
        had_codes = User.objects.filter(pk=user.pk, has_had_codes=True).update(has_had_codes=False)
        User.objects.filter(pk=user.pk).update(modified=now)
        limits.lift(user)
        phones = remove_phones(user, now)
        user.pregenerated_codes.all().delete()
    return bool(phones + had_codes)


def remove_phones(user: User, now: datetime, *, but: Pairing | None = None) -> int:
    """Remove the user's phones, all ``but`` one, of which the user is told; how many there were, waiting ones included.

    The second factor begins anew: no phone is asked what these were asked, and no computer is known by a yes of theirs
    (SECURITY.md S46). In the caller's transaction.
    """
    phones = user.pairings.exclude(pk=but.pk) if but else user.pairings.all()
    removed = list(phones.enabled().select_related("authenticator"))
    ended = phones.filter(state__in=[*Pairing.WAITING, Pairing.State.ENABLED]).update(
        state=Pairing.State.DEACTIVATED, otp_seed="", modified=now
    )
    user.authentication_requests.waiting(now).update(
        state=AuthenticationRequest.State.CANCELLED,
        reason_code=AuthenticationRequest.Reason.CANCELLED,
        answered=now,
    )
    forget_computers(user.pk)
    mail.phones_removed(user, removed)
    return ended


def forget_computers(user_id: UUID) -> None:
    """None is known any more: which phone has approved them nobody holds now."""
    Terminal.objects.filter(user=user_id).exclude(approved=None).update(approved=None)


def close_pages(user: User) -> None:
    """Pages on which somebody manages the user's phones show and do nothing any more: the site has begun anew."""
    now = timezone.now()
    # not deleted: the same signed URL would open a new one
    Frame.objects.filter(user=user, page=Frame.Page.MANAGE_USER, expires__gt=now).update(expires=now)
