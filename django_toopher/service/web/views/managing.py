"""The calls of the page on which people manage their phones."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from ...errors import BadParameterError
from ...http.calls import Json
from ...http.ids import parse_uuid
from ...models import Frame
from .. import postbacks
from ..frames import managing, permissions, state
from ..frames.managing import Change
from .calls import FrameCallView


class ChangeView(FrameCallView):
    """A change: carried out at once, or handed to the site as a proposal. Subclasses say which in ``change``."""

    proposed: Change | None = None

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        """What is wished; nothing is done yet."""
        raise NotImplementedError

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        """Do it, unless the site has to."""
        change = self.change(frame, request)
        if permissions.site_confirms(frame):
            self.proposed = change
            return frame
        return managing.carried_out(frame, change)

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """The signed proposal, or what there is after the change."""
        if self.proposed is None:
            return self.changed(frame, request)
        proposal = self.proposed
        told = postbacks.proposal(frame, proposal.word, proposal.of, timezone.now(), proposal.value)
        return {"state": "finished", "proposed": True, "granted": True, "postback": told}

    def changed(self, frame: Frame, request: HttpRequest) -> Json:
        """What the page is told after a change that was carried out."""
        return super().state(frame, request)


class RemovePhoneView(ChangeView):
    """Remove a phone, of which the requester hears."""

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        return managing.remove_phone(frame, parse_uuid(request.POST.get("pairing"), "pairing"))


class ListedView(ChangeView):
    """A change that the requester need not hear of."""

    def changed(self, frame: Frame, request: HttpRequest) -> Json:
        """What is there now."""
        return {"state": "managing", **state.managed(frame, timezone.now())}


class RenamePhoneView(ListedView):
    """Call a phone something else."""

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        given = request.POST
        return managing.rename_phone(frame, parse_uuid(given.get("pairing"), "pairing"), given.get("name", ""))


class RemoveAutomationView(ListedView):
    """Ask again from now on."""

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        return managing.remove_automation(frame, parse_uuid(request.POST.get("automation"), "automation"))


class UserChangedView(ChangeView):
    """A change of the user, of which the requester hears."""

    def changed(self, frame: Frame, request: HttpRequest) -> Json:
        """The signed postback."""
        return {"state": "finished", "granted": True, "postback": postbacks.requester_user(frame, timezone.now())}


class SwitchSecondFactorView(UserChangedView):
    """Switch the second factor on or off."""

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        enabled = request.POST.get("enabled")
        if enabled not in {"true", "false"}:
            raise BadParameterError("enabled must be true or false.")
        return managing.switch_second_factor(frame, enabled == "true")


class ResetUserView(UserChangedView):
    """Remove all phones and codes."""

    def change(self, frame: Frame, request: HttpRequest) -> Change:
        return managing.reset_user(frame)
