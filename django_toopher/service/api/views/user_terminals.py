"""``user_terminals``: the computers that a requester has named."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from ...http.calls import Json
from ...people import terminals
from .. import representations
from .signed import SignedView

NAME = ("name", "terminal_name")
"""What published clients call the name (PROTOCOL.md §2.1, row 22)."""

SECRET = ("name_extra", "requester_specified_id")
"""What they call the secret id."""


class CreateTerminalView(SignedView):
    """Row 22: name a user's terminal."""

    def post(self, request: HttpRequest) -> Json:
        name, extra = self.parameters.required(*NAME), self.parameters.required(*SECRET)
        terminals.require_storable(name, extra)  # before the user comes into being
        return representations.terminal(terminals.get_or_create(self.named_user(), name, extra))


class TerminalView(SignedView):
    """Rows 23 and 24: see a terminal, change its name or its secret."""

    def get(self, request: HttpRequest, terminal_id: UUID) -> Json:
        return representations.terminal(terminals.get_by_id(self.requester, terminal_id))

    def post(self, request: HttpRequest, terminal_id: UUID) -> Json:
        """The terminal as it is now; what is blank or absent stays."""
        terminal = terminals.get_by_id(self.requester, terminal_id)
        name, extra = self.parameters.text(*NAME), self.parameters.text(*SECRET)
        return representations.terminal(terminals.change(terminal, name, extra))
