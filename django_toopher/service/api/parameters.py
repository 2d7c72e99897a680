"""Parameters in: both families of field names, blank means absent (PROTOCOL.md §2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ..errors import BadParameterError
from ..http.ids import parse_uuid

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Parameters:
    """The signed parameters of one call. Names that nobody asks for are ignored (PROTOCOL.md §1.3-8)."""

    def __init__(self, signed: Mapping[str, str]) -> None:
        self._signed = signed

    def text(self, *names: str) -> str:
        """The first of these names that is given and not blank; ``""`` when none is."""
        return next((value for name in names if (value := self._signed.get(name, ""))), "")

    def required(self, *names: str) -> str:
        """As ``text``, but ``BadParameterError`` names the first one when none is given."""
        value = self.text(*names)
        if not value:
            raise BadParameterError(f"{names[0]} is missing.")
        return value

    def boolean(self, name: str, default: bool) -> bool:
        """``True``, ``true`` or ``1``, and their opposites, in any case."""
        value = self._signed.get(name, "")
        if not value:
            return default
        try:
            return _BOOLEANS[value.lower()]
        except KeyError:
            raise BadParameterError(f"{name} must be True or False.") from None

    def uuid(self, name: str) -> UUID | None:
        """An id; ``None`` when it is absent, ``BadParameterError`` when it is no UUID."""
        value = self.text(name)
        return parse_uuid(value, name) if value else None

    def uuids(self, name: str, most: int) -> set[UUID]:
        """Ids that stand apart by commas; ``BadParameterError`` for none, more than ``most`` or one that is no UUID."""
        values = self.required(name).split(",", most)  # no further, however long the text is
        if len(values) > most:
            raise BadParameterError(f"{name} names more than {most}.")
        return {parse_uuid(value.strip(), name) for value in values}
