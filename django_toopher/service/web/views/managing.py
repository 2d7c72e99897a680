"""The calls of the page on which people manage their phones."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from ...errors import BadParameterError
from ...http.calls import Json
from ...http.ids import parse_uuid
from ...models import Frame
from .. import postbacks
from ..frames import managing, state
from .calls import FrameCallView


class RemovePhoneView(FrameCallView):
    """Remove a phone, of which the requester hears."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return managing.remove_phone(frame, parse_uuid(request.POST.get("pairing"), "pairing"))


class ListedView(FrameCallView):
    """A change that the requester need not hear of."""

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """What is there now."""
        return {"state": "managing", **state.managed(frame, timezone.now())}


class RenamePhoneView(ListedView):
    """Call a phone something else."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        given = request.POST
        return managing.rename_phone(frame, parse_uuid(given.get("pairing"), "pairing"), given.get("name", ""))


class RemoveAutomationView(ListedView):
    """Ask again from now on."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return managing.remove_automation(frame, parse_uuid(request.POST.get("automation"), "automation"))


class UserChangedView(FrameCallView):
    """A change of the user, of which the requester hears."""

    def state(self, frame: Frame, request: HttpRequest) -> Json:
        """The signed postback."""
        return {"state": "finished", "granted": True, "postback": postbacks.requester_user(frame, timezone.now())}


class SwitchSecondFactorView(UserChangedView):
    """Switch the second factor on or off."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        enabled = request.POST.get("enabled")
        if enabled not in {"true", "false"}:
            raise BadParameterError("enabled must be true or false.")
        return managing.switch_second_factor(frame, enabled == "true")


class ResetUserView(UserChangedView):
    """Remove all phones and codes."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return managing.reset_user(frame)
