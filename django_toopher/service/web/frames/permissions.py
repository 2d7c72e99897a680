"""What a frame may do: by the page that it is, by what its URL says, and by how much the person has proven."""

from __future__ import annotations

from django.utils import timezone

from ...errors import GoneError, NotFoundError, UserDisabledError
from ...models import Frame
from .opening import PageOverError


def flag(frame: Frame, name: str, default: bool) -> bool:
    """A flag of the signed URL. What can't be read is no: a person sees this page, not the program that signed it."""
    value = frame.parameters.get(name, "").lower()
    return value in {"true", "1"} if value else default


def site_confirms(frame: Frame) -> bool:
    """Whether this page changes nothing by itself: the site confirms each change, and carries it out (our own)."""
    return flag(frame, "site_confirms", False)


def keeps_one(frame: Frame) -> bool:
    """Whether the site wants its user to keep a phone (our own)."""
    return flag(frame, "keeps_one", False)


def is_login(frame: Frame) -> bool:
    """Whether this page asks for the second factor; ``pair`` and ``manage_user`` are for managing phones."""
    return frame.page == Frame.Page.AUTHENTICATE


def is_management(frame: Frame) -> bool:
    """Whether this is the page on which people manage their phones."""
    return frame.page == Frame.Page.MANAGE_USER


def require_login(frame: Frame) -> None:
    """``NotFoundError`` on the management page, which asks nobody."""
    if not is_login(frame):
        raise NotFoundError


def require_management(frame: Frame) -> None:
    """``NotFoundError`` on a login page, which manages nothing; ``PageOverError`` for who has shown too little."""
    if not is_management(frame):
        raise NotFoundError
    require_proven(frame)


def require_proven(frame: Frame) -> None:
    """Who has shown the password alone manages nothing any more once there is a phone, or a list of codes."""
    if _is_unproven(frame) and _has_second_factor(frame):
        raise PageOverError


def require_pairing_due(frame: Frame) -> None:
    """A login page pairs only where it began to, and while its user has no phone.

    Who knows the password alone must not add a phone of their own to the user's.
    """
    if frame.pairing and (frame.pairing.is_enabled or frame.pairing.is_agreed(timezone.now())):
        raise GoneError
    if is_login(frame) and (frame.pairing is None or _has_second_factor(frame)):
        raise GoneError


def require_switched_on(frame: Frame) -> None:
    """A disabled user is told so (PROTOCOL.md §5) and pairs nothing."""
    if not frame.user.toopher_authentication_enabled:
        raise UserDisabledError


def pairs_only_first(frame: Frame) -> bool:
    """Whether a phone that is paired here may be no other than the user's first."""
    return is_login(frame) or _is_unproven(frame)


def may_opt_out(frame: Frame) -> bool:
    """Where the site lets its users do that, by more than a password."""
    return frame.user.requester.permitted_opt_out and not _is_unproven(frame) and not keeps_one(frame)


def _is_unproven(frame: Frame) -> bool:
    """Whether the site knows no more of who manages than the password (our own ``only_first``), nor do we."""
    has_paired = frame.pairing is not None and frame.pairing.is_enabled
    return is_management(frame) and flag(frame, "only_first", False) and not has_paired


def _has_second_factor(frame: Frame) -> bool:
    return frame.user.has_had_codes or frame.user.pairings.enabled().exists()
