"""``users``: found, made, switched, reset; and what belongs to one."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from ... import limits
from ...codes import lists
from ...errors import BadParameterError
from ...http.calls import Json
from ...http.ids import parse_uuid
from ...models import Pairing, User
from ...people import terminals, users
from ...requests import automations
from .. import representations
from .signed import SignedView


class FindUserView(SignedView):
    """Row 16: find a user by exact name."""

    def get(self, request: HttpRequest) -> list[Json]:
        """An array with one user or none."""
        user = users.by_name(self.requester, self.parameters.required("user_name", "name"))
        return [representations.user(user)] if user else []


class CreateUserView(SignedView):
    """Row 15: make a user known; one that is known already stays as it is."""

    def post(self, request: HttpRequest) -> Json:
        return representations.user(users.get_or_create(self.requester, self.parameters.required("name")))


class ResetUserView(SignedView):
    """Row 19: remove all phones of a user. Whoever has a page open to manage them has it no more (SECURITY.md S07)."""

    def post(self, request: HttpRequest) -> Json:
        """An empty object."""
        user = users.get(self.requester, self.parameters.required("name", "user_name"))
        users.close_pages(user)
        users.reset(user)
        return {}


class ActivateOtpListView(SignedView):
    """Row 21: a fresh list of codes for a user (PROTOCOL.md §4.2)."""

    def post(self, request: HttpRequest) -> Json:
        """``otp_list``, told here only. An unknown user is made with ``create_user_if_needed=True``, else 705."""
        name = self.parameters.required("user_name")
        create = self.parameters.boolean("create_user_if_needed", False)
        user = users.get_or_create(self.requester, name) if create else users.get(self.requester, name)
        return {"otp_list": lists.activate(user)}


class UserView(SignedView):
    """Rows 17 and 18: see a user, switch the second factor on or off."""

    def get(self, request: HttpRequest, user_id: UUID) -> Json:
        return representations.user(users.get_by_id(self.requester, user_id))

    def post(self, request: HttpRequest, user_id: UUID) -> Json:
        """The user; either family's flag is understood, and without one nothing changes."""
        user = users.get_by_id(self.requester, user_id)
        was = user.toopher_authentication_enabled
        disabled = self.parameters.boolean("disable_toopher_auth", not was)
        enabled = self.parameters.boolean("toopher_authentication_enabled", not disabled)
        return representations.user(users.set_enabled(user, enabled))


class SwitchUsersView(SignedView):
    """Our own: as row 18, for many users at once."""

    MOST = 100

    def post(self, request: HttpRequest) -> list[Json]:
        """An array of those of ``user_ids`` whom the requester has; the others are not there."""
        user_ids = self.parameters.uuids("user_ids", self.MOST)
        self.parameters.required("disable_toopher_auth")  # a forgotten flag must not switch a hundred people on
        enabled = not self.parameters.boolean("disable_toopher_auth", False)
        return [representations.user(user) for user in users.set_enabled_all(self.requester, user_ids, enabled)]


class UserPairingsView(SignedView):
    """Row 20: a user's phones; ``deactivated=0`` leaves the removed ones out."""

    def get(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """An array of pairings, newest first."""
        user = users.get_by_id(self.requester, user_id)
        rows = user.pairings.select_related("authenticator").order_by("-created")
        if not self.parameters.boolean("deactivated", True):
            rows = rows.exclude(state=Pairing.State.DEACTIVATED)
        return [representations.pairing(row) for row in rows]


class UserTerminalsView(SignedView):
    """Our own: a user's terminals, as row 23 shows each."""

    def get(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """An array of terminals, changed last first."""
        user = users.get_by_id(self.requester, user_id)
        return [representations.terminal(row) for row in terminals.of_user(user)]


class UserWaitsView(SignedView):
    """Our own: what counts against a user, and makes them wait; have it lifted (SECURITY.md S45)."""

    def get(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """An array: what was counted at known computers stands apart."""
        return self._listed(users.get_by_id(self.requester, user_id))

    def post(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """With ``lift=True`` all of it is forgotten; what there was before."""
        user = users.get_by_id(self.requester, user_id)
        if not self.parameters.boolean("lift", False):
            raise BadParameterError("lift must be True.")
        listed = self._listed(user)
        limits.lift(user)
        return listed

    def _listed(self, user: User) -> list[Json]:
        return [representations.wait(row) for row in limits.waits(user, timezone.now())]


class UserAutomationsView(SignedView):
    """Our own: a user's automations; have one removed."""

    def get(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """An array of automations, newest first; terminals by id and name, without their secrets."""
        return self._listed(users.get_by_id(self.requester, user_id))

    def post(self, request: HttpRequest, user_id: UUID) -> list[Json]:
        """Those that are left without the one that ``remove`` names."""
        user = users.get_by_id(self.requester, user_id)
        automation_id = parse_uuid(self.parameters.required("remove"), "remove")
        automations.remove(automations.of_user(user, timezone.now()), automation_id)
        return self._listed(user)

    def _listed(self, user: User) -> list[Json]:
        return [representations.automation(row) for row in automations.of_user(user, timezone.now())]
