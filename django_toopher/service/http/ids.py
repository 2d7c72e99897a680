"""Ids as they come from outside: UUIDs as text (PROTOCOL.md §2.1)."""

from __future__ import annotations

from uuid import UUID

from ..errors import BadParameterError


def parse_uuid(text: object, what: str) -> UUID:
    """The UUID that ``text`` spells; ``BadParameterError`` naming ``what`` otherwise."""
    try:
        return UUID(str(text))
    except ValueError:
        raise BadParameterError(f"{what} must be a UUID.") from None
