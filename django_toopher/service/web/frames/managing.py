"""What people do on the page for their phones. Of what it changes for the user, the requester hears by a postback.

Where the site confirms, nothing is done here: each change becomes a signed proposal, and is the site's to carry out
(SECURITY.md S39).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...errors import LastPhoneError, NotAllowedError, NotFoundError
from ...models import Frame, Pairing
from ...people import users
from ...phones import pairings
from ...requests import automations
from .opening import by_id
from .permissions import keeps_one, may_opt_out, require_management


@dataclass(frozen=True)
class Change:
    """What is wished, and possible: its word on the wire, of what, how, and what does it here."""

    word: str
    of: UUID
    carry_out: Callable[[], object]
    value: str = ""


def remove_phone(frame: Frame, pairing_id: UUID) -> Change:
    """Remove one of the user's phones; the postback tells which."""
    pairing = _pairing(frame, pairing_id)
    if keeps_one(frame) and not frame.user.pairings.enabled().exclude(pk=pairing.pk).exists():
        raise LastPhoneError

    def carry_out() -> None:
        pairings.deactivate(pairing)
        Frame.objects.filter(pk=frame.pk).update(pairing=pairing)

    return Change("remove", pairing.pk, carry_out)


def rename_phone(frame: Frame, pairing_id: UUID, name: str) -> Change:
    """Call one of the user's phones something else. Nothing that the requester must hear of."""
    pairing, name = _pairing(frame, pairing_id), pairings.checked_name(name)
    return Change("rename", pairing.pk, lambda: pairings.rename(pairing, name), name)


def _pairing(frame: Frame, pairing_id: UUID) -> Pairing:
    require_management(frame)
    pairing = frame.user.pairings.filter(pk=pairing_id).first()
    if pairing is None:
        raise NotFoundError(_("This phone is not paired with you."))
    return pairing


def switch_second_factor(frame: Frame, enabled: bool) -> Change:
    """Switch the user's second factor on, or off where the site allows its users that."""
    require_management(frame)
    if not enabled and not may_opt_out(frame):
        raise NotAllowedError(_("This site does not let its users switch this off."))
    value = "true" if enabled else "false"
    return Change("switch", frame.user.pk, lambda: users.set_enabled(frame.user, enabled), value)


def reset_user(frame: Frame) -> Change:
    """Remove all the user's phones and codes."""
    require_management(frame)
    if keeps_one(frame):
        raise LastPhoneError
    return Change("reset", frame.user.pk, lambda: users.reset(frame.user))


def remove_automation(frame: Frame, automation_id: UUID) -> Change:
    """Ask again from now on. Nothing that the requester must hear of."""
    require_management(frame)
    automation = automations.get(automations.of_user(frame.user, timezone.now()), automation_id)
    return Change("forget", automation.pk, automation.delete)


def carried_out(frame: Frame, change: Change) -> Frame:
    """The frame after the change."""
    change.carry_out()
    return by_id(frame.pk)
