"""The objects of PROTOCOL.md §2.4 as JSON Schemas, and what they are made of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "string", "enum": ["True", "False", "true", "false", "1", "0"]}
ID: Json = {"type": "string", "format": "uuid"}
BOOLEAN: Json = {"type": "boolean"}
INTEGER: Json = {"type": "integer"}


def ref(name: str) -> Json:
    """The schema that stands in ``SCHEMAS`` under this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(of: Json) -> Json:
    return {"type": "array", "items": of}


def object_with(required: Json, **optional: Json) -> Json:
    """An object with these members; others may come with a later version."""
    return {"type": "object", "required": [*required], "properties": {**required, **optional}}


_DATES = {"created": TEXT, "modified": TEXT}

SCHEMAS: Json = {
    "Error": object_with({"error_code": INTEGER, "error_message": TEXT}),
    "Nothing": {"type": "object"},
    "Link": object_with({"url": {"type": "string", "format": "uri"}}),
    "Cancelled": object_with({"cancelled": INTEGER}),
    "CodeList": object_with({"otp_list": array(TEXT)}),
    "Service": object_with({"service": TEXT, "version": INTEGER}),
    "Requester": object_with({"id": ID, "name": TEXT, "consumer": object_with({"key": TEXT}), **_DATES}),
    "User": object_with(
        {
            "id": ID,
            "name": TEXT,
            "toopher_authentication_enabled": BOOLEAN,
            "disable_toopher_auth": BOOLEAN,
            "number_of_pregenerated_otps_remaining": INTEGER,
            "has_second_factor": {
                **BOOLEAN,
                "description": "A phone that can answer, or a list of codes, used up or not.",
            },
            "requester": ref("Requester"),
            **_DATES,
        }
    ),
    "Pairing": object_with(
        {
            "id": ID,
            "enabled": BOOLEAN,
            "pending": BOOLEAN,
            "agreed": {**BOOLEAN, "description": "The phone has said yes, the site not yet."},
            "deactivated": BOOLEAN,
            "user": ref("User"),
            "reason": TEXT,
            "reason_code": INTEGER,
            "totp_length": INTEGER,
            "authenticator": object_with({}, id=ID, name=TEXT),
            "created_seconds_since_epoch": INTEGER,
            **_DATES,
        }
    ),
    "UserTerminal": object_with(
        {
            "id": ID,
            "name": TEXT,
            "name_extra": TEXT,
            "requester_specified_id": TEXT,
            "approved": BOOLEAN,
            "user": ref("User"),
            **_DATES,
        }
    ),
    "Action": object_with({"id": ID, "name": TEXT, **_DATES}),
    "Automation": object_with(
        {
            "id": ID,
            "answer": {**TEXT, "enum": ["allow", "deny"]},
            "action": ref("Action"),
            "terminal": object_with({"id": ID, "name": TEXT}),
            "network": {**TEXT, "description": "Where the terminal must be; blank is anywhere."},
            "expires": TEXT,
            "last_used": {**TEXT, "description": "Blank: never yet."},
            **_DATES,
        }
    ),
    "Wait": object_with(
        {
            "what": {**TEXT, "enum": ["failures", "phrases", "report", "requests"]},
            "computer": {**TEXT, "description": "The known one; blank: all others together."},
            "count": INTEGER,
            "until": {**TEXT, "description": "Blank: nothing waits yet."},
        }
    ),
    "AuthenticationRequest": object_with(
        {
            "id": ID,
            "pending": BOOLEAN,
            "granted": BOOLEAN,
            "automated": BOOLEAN,
            "cancelled": BOOLEAN,
            "reason": TEXT,
            "reason_code": INTEGER,
            "totp_valid": BOOLEAN,
            "number": {
                **TEXT,
                "description": "What the terminal has to show while it is pending; blank where it shows none.",
            },
            "withheld": {**BOOLEAN, "description": "No phone is asked of it: it waits for a one-time code, if at all."},
            "retry_after": {**INTEGER, "description": "For how many seconds no phone may be asked anew; 0: it may be."},
            "automation_allowed": BOOLEAN,
            "challenge_required": BOOLEAN,
            "to_confirm": {**TEXT, "description": "The pairing that is asked alone, until the site has confirmed it."},
            "terminal": ref("UserTerminal"),
            "user": ref("User"),
            "action": ref("Action"),
            "created_seconds_since_epoch": INTEGER,
            **_DATES,
        }
    ),
}
