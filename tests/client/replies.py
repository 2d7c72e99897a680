"""What a service says about each kind of thing (PROTOCOL §2.4), with changes where a test wants them."""

from __future__ import annotations

from typing import Any


def user(**changes: Any) -> dict[str, Any]:
    return {"id": "u1", "name": "jdoe", "disable_toopher_auth": False, **changes}


def pairing(**changes: Any) -> dict[str, Any]:
    return {"id": "p1", "enabled": True, "pending": False, "user": user(), **changes}


def terminal(**changes: Any) -> dict[str, Any]:
    return {"id": "t1", "name": "Office", "name_extra": "secret-id", "user": user(), **changes}


def action(**changes: Any) -> dict[str, Any]:
    return {"id": "a1", "name": "Log In", **changes}


def authentication_request(**changes: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "pending": False,
        "granted": True,
        "automated": False,
        "reason": "",
        "reason_code": 0,
        "totp_valid": False,
        "terminal": terminal(),
        "user": user(),
        "action": action(),
        **changes,
    }
