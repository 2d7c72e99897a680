"""What people do on the page for their phones. Of what it changes for the user, the requester hears by a postback."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...errors import NotAllowedError, NotFoundError
from ...models import Frame, Pairing
from ...people import users
from ...phones import pairings
from ...requests import automations
from .opening import by_id
from .permissions import may_opt_out, require_management


def remove_phone(frame: Frame, pairing_id: UUID) -> Frame:
    """Remove one of the user's phones; the postback tells which."""
    pairing = _pairing(frame, pairing_id)
    pairings.deactivate(pairing)
    Frame.objects.filter(pk=frame.pk).update(pairing=pairing)
    return by_id(frame.pk)


def rename_phone(frame: Frame, pairing_id: UUID, name: str) -> Frame:
    """Call one of the user's phones something else. Nothing that the requester must hear of."""
    pairings.rename(_pairing(frame, pairing_id), name)
    return frame


def _pairing(frame: Frame, pairing_id: UUID) -> Pairing:
    require_management(frame)
    pairing = frame.user.pairings.filter(pk=pairing_id).first()
    if pairing is None:
        raise NotFoundError(_("This phone is not paired with you."))
    return pairing


def switch_second_factor(frame: Frame, enabled: bool) -> Frame:
    """Switch the user's second factor on, or off where the site allows its users that."""
    require_management(frame)
    if not enabled and not may_opt_out(frame):
        raise NotAllowedError(_("This site does not let its users switch this off."))
    users.set_enabled(frame.user, enabled)
    return frame


def reset_user(frame: Frame) -> Frame:
    """Remove all the user's phones and codes."""
    require_management(frame)
    users.reset(frame.user)
    return frame


def remove_automation(frame: Frame, automation_id: UUID) -> Frame:
    """Ask again from now on. Nothing that the requester must hear of."""
    require_management(frame)
    automations.remove(automations.of_user(frame.user, timezone.now()), automation_id)
    return frame
