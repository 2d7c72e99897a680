"""The objects of PROTOCOL.md §2.4: the fields that some published client reads, and their types."""

from __future__ import annotations

import re
from typing import Any

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

USER: dict[str, Any] = {"id": str, "name": str, "disable_toopher_auth": bool, "toopher_authentication_enabled": bool}
PAIRING: dict[str, Any] = {
    "id": str, "enabled": bool, "pending": bool, "deactivated": bool, "user": USER, "reason": str, "reason_code": int,
    "totp_length": int, "created_seconds_since_epoch": int,
}  # fmt: skip
TERMINAL: dict[str, Any] = {"id": str, "name": str, "name_extra": str, "requester_specified_id": str, "user": USER}
ACTION: dict[str, Any] = {"id": str, "name": str}
REQUEST: dict[str, Any] = {
    "id": str, "pending": bool, "granted": bool, "automated": bool, "reason": str, "reason_code": int,
    "totp_valid": bool, "cancelled": bool, "terminal": TERMINAL, "user": USER, "action": ACTION,
    "automation_allowed": bool, "challenge_required": bool, "created_seconds_since_epoch": int,
}  # fmt: skip


def assert_shape(reply: Any, shape: dict[str, Any]) -> None:
    """``reply`` has every field of ``shape`` with exactly its type, and every object its id and dates."""
    for name, kind in shape.items():
        if isinstance(kind, dict):
            assert_shape(reply[name], kind)
        else:
            assert type(reply[name]) is kind, (name, reply[name])
    assert UUID4.fullmatch(reply["id"])
    assert DATE.fullmatch(reply["created"])
    assert DATE.fullmatch(reply["modified"])
    assert not reply.keys() & {"error_code", "error_message"}


def assert_error(response: Any, status: int, code: int, message: str | None = None) -> None:
    """An error of PROTOCOL.md §2.5."""
    told = response.json()
    assert (response.status_code, told["error_code"]) == (status, code), told
    assert type(told["error_code"]) is int
    assert isinstance(told["error_message"], str)
    assert told["error_message"]
    if message is not None:
        assert told["error_message"] == message
