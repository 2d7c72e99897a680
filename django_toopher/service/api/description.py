"""The REST API as an OpenAPI 3.1 document, served at ``{root}/openapi.json``.

It says of every operation which parameters it takes and what it may answer; the tests drive the running service by it.
Parameters travel in the form body (or, for a GET, in the query), signed with OAuth 1.0a, which OpenAPI has no type for.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "string", "enum": ["True", "False", "true", "false", "1", "0"]}
_ID: Json = {"type": "string", "format": "uuid"}
_BOOLEAN: Json = {"type": "boolean"}
_INTEGER: Json = {"type": "integer"}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(of: Json) -> Json:
    return {"type": "array", "items": of}


def _object(required: Json, **optional: Json) -> Json:
    """An object with these members; others may come with a later version."""
    return {"type": "object", "required": [*required], "properties": {**required, **optional}}


_DATES = {"created": _TEXT, "modified": _TEXT}

_SCHEMAS: Json = {
    "Error": _object({"error_code": _INTEGER, "error_message": _TEXT}),
    "Nothing": {"type": "object"},
    "Link": _object({"url": {"type": "string", "format": "uri"}}),
    "Cancelled": _object({"cancelled": _INTEGER}),
    "CodeList": _object({"otp_list": _array(_TEXT)}),
    "Service": _object({"service": _TEXT, "version": _INTEGER}),
    "Requester": _object({"id": _ID, "name": _TEXT, "consumer": _object({"key": _TEXT}), **_DATES}),
    "User": _object(
        {
            "id": _ID,
            "name": _TEXT,
            "toopher_authentication_enabled": _BOOLEAN,
            "disable_toopher_auth": _BOOLEAN,
            "number_of_pregenerated_otps_remaining": _INTEGER,
            "requester": _ref("Requester"),
            **_DATES,
        }
    ),
    "Pairing": _object(
        {
            "id": _ID,
            "enabled": _BOOLEAN,
            "pending": _BOOLEAN,
            "deactivated": _BOOLEAN,
            "user": _ref("User"),
            "reason": _TEXT,
            "reason_code": _INTEGER,
            "totp_length": _INTEGER,
            "authenticator": _object({}, id=_ID, name=_TEXT),
            "created_seconds_since_epoch": _INTEGER,
            **_DATES,
        }
    ),
    "UserTerminal": _object(
        {
            "id": _ID,
            "name": _TEXT,
            "name_extra": _TEXT,
            "requester_specified_id": _TEXT,
            "user": _ref("User"),
            **_DATES,
        }
    ),
    "Action": _object({"id": _ID, "name": _TEXT, **_DATES}),
    "Automation": _object(
        {
            "id": _ID,
            "answer": {**_TEXT, "enum": ["allow", "deny"]},
            "action": _ref("Action"),
            "terminal": _object({"id": _ID, "name": _TEXT}),
            "network": {**_TEXT, "description": "Where the terminal must be; blank is anywhere."},
            "expires": _TEXT,
            "last_used": {**_TEXT, "description": "Blank: never yet."},
            **_DATES,
        }
    ),
    "AuthenticationRequest": _object(
        {
            "id": _ID,
            "pending": _BOOLEAN,
            "granted": _BOOLEAN,
            "automated": _BOOLEAN,
            "cancelled": _BOOLEAN,
            "reason": _TEXT,
            "reason_code": _INTEGER,
            "totp_valid": _BOOLEAN,
            "number": {**_TEXT, "description": "What the terminal has to show while the request is pending."},
            "automation_allowed": _BOOLEAN,
            "challenge_required": _BOOLEAN,
            "terminal": _ref("UserTerminal"),
            "user": _ref("User"),
            "action": _ref("Action"),
            "created_seconds_since_epoch": _INTEGER,
            **_DATES,
        }
    ),
}

_ERRORS = {
    400: "A parameter is missing or wrong.",
    401: "Not signed, or the signature does not hold.",
    403: "The requester was deactivated, or the feature is not available to it.",
    404: "No such thing for this requester.",
    405: "Another HTTP method.",
    409: "The state of the user, pairing or terminal forbids it: error_code is 601, 704, 705, 706, 707 or 409.",
    429: "Too many, or too fast; Retry-After says for how many seconds.",
    503: "The service can't do it now.",
}


def _responses(schema: Json, media_type: str = "application/json") -> Json:
    failed = {"application/json": {"schema": _ref("Error")}}
    return {
        "200": {"description": "Done.", "content": {media_type: {"schema": schema}}},
        **{str(status): {"description": text, "content": failed} for status, text in _ERRORS.items()},
    }


def _get(summary: str, schema: Json, *, media_type: str = "application/json", **query: Json) -> Json:
    parameters = [{"name": name, "in": "query", "required": False, "schema": kind} for name, kind in query.items()]
    return {"summary": summary, "parameters": parameters, "responses": _responses(schema, media_type)}


def _post(summary: str, schema: Json, required: tuple[str, ...] = (), **form: Json) -> Json:
    body = {"type": "object", "properties": form, "required": list(required)}
    return {
        "summary": summary,
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": body}}},
        "responses": _responses(schema),
    }


def _path(operations: Json, *ids: str) -> Json:
    """One path with the ids in it."""
    parameters = [{"name": name, "in": "path", "required": True, "schema": _ID} for name in ids]
    return {**operations, **({"parameters": parameters} if parameters else {})}


def _paths() -> Json:
    pairing, request, user, terminal = (
        _ref(name) for name in ("Pairing", "AuthenticationRequest", "User", "UserTerminal")
    )
    terminal_form: Json = {"name": _TEXT, "name_extra": _TEXT, "terminal_name": _TEXT, "requester_specified_id": _TEXT}
    return {
        "/": {"get": {**_get("What stands here.", _ref("Service")), "security": []}},
        "/pairings/create": _path(
            {
                "post": _post(
                    "Pair by the phrase that a phone shows.",
                    pairing,
                    pairing_phrase=_TEXT,
                    pairing_token=_TEXT,
                    user_name=_TEXT,
                    user_id=_ID,
                    only_first=_FLAG,
                )
            }
        ),
        "/pairings/create/sms": _path(
            {
                "post": _post(
                    "Pair by a link in a text message.",
                    pairing,
                    ("phone_number", "user_name"),
                    phone_number=_TEXT,
                    phone_country=_TEXT,
                    country_code=_TEXT,
                    user_name=_TEXT,
                )
            }
        ),
        "/pairings/create/qr": _path(
            {"post": _post("Pair by a QR code.", pairing, ("user_name",), user_name=_TEXT, only_first=_FLAG)}
        ),
        "/pairings/{pairing_id}": _path(
            {
                "get": _get("See a pairing.", pairing),
                "post": _post("Deactivate it, or name its phone.", pairing, deactivated=_FLAG, name=_TEXT),
            },
            "pairing_id",
        ),
        "/pairings/{pairing_id}/generate_reset_link": _path(
            {
                "post": _post(
                    "A link by which a person who lost the phone removes the pairing.",
                    _ref("Link"),
                    security_question=_TEXT,
                    security_answer=_TEXT,
                )
            },
            "pairing_id",
        ),
        "/pairings/{pairing_id}/send_reset_link": _path(
            {"post": _post("Mail such a link.", _ref("Nothing"), ("reset_email",), reset_email=_TEXT)}, "pairing_id"
        ),
        "/qr/pairings/{pairing_id}": _path(
            {"get": _get("The pairing link as a picture.", {}, media_type="image/png")}, "pairing_id"
        ),
        "/authentication_requests/initiate": _path(
            {
                "post": _post(
                    "Ask the phone.",
                    request,
                    pairing_id=_ID,
                    user_name=_TEXT,
                    terminal_name=_TEXT,
                    terminal_name_extra=_TEXT,
                    requester_specified_terminal_id=_TEXT,
                    action_name=_TEXT,
                    action=_TEXT,
                    automation_allowed=_FLAG,
                    challenge_required=_FLAG,
                    address=_TEXT,
                    silently=_FLAG,
                    otp=_TEXT,
                    format={"type": "string", "enum": ["json"]},
                )
            }
        ),
        "/authentication_requests/{request_id}": _path({"get": _get("Poll.", request)}, "request_id"),
        "/authentication_requests/{request_id}/otp_auth": _path(
            {"post": _post("Answer with a one-time code.", request, ("otp",), otp=_TEXT)}, "request_id"
        ),
        "/authentication_requests/{request_id}/cancel": _path(
            {"post": _post("Take the question back.", request)}, "request_id"
        ),
        "/authentication_requests/cancel": _path(
            {
                "post": _post(
                    "Take back what the iframe pages of one session token have asked.",
                    _ref("Cancelled"),
                    ("session_token",),
                    session_token=_TEXT,
                )
            }
        ),
        "/users": _path(
            {"get": _get("Find a user by exact name.", _array(user), user_name=_TEXT, name=_TEXT)},
        ),
        "/users/create": _path({"post": _post("Make a user known.", user, ("name",), name=_TEXT)}),
        "/users/reset": _path({"post": _post("Remove a user's phones.", _ref("Nothing"), name=_TEXT, user_name=_TEXT)}),
        "/users/activate_next_otp_list": _path(
            {
                "post": _post(
                    "A fresh list of one-time codes.",
                    _ref("CodeList"),
                    ("user_name",),
                    create_user_if_needed=_FLAG,
                    user_name=_TEXT,
                )
            }
        ),
        "/users/switch": _path(
            {
                "post": _post(
                    "Switch the second factor of up to 100 users on or off, whose ids stand apart by commas.",
                    _array(user),
                    ("user_ids", "disable_toopher_auth"),
                    user_ids=_TEXT,
                    disable_toopher_auth=_FLAG,
                )
            }
        ),
        "/users/{user_id}": _path(
            {
                "get": _get("See a user.", user),
                "post": _post(
                    "Switch the second factor on or off.",
                    user,
                    disable_toopher_auth=_FLAG,
                    toopher_authentication_enabled=_FLAG,
                ),
            },
            "user_id",
        ),
        "/users/{user_id}/pairings": _path(
            {"get": _get("A user's pairings.", _array(pairing), deactivated=_FLAG)}, "user_id"
        ),
        "/users/{user_id}/terminals": _path({"get": _get("A user's terminals.", _array(terminal))}, "user_id"),
        "/users/{user_id}/automations": _path(
            {
                "get": _get("A user's standing answers.", _array(_ref("Automation"))),
                "post": _post("Remove one.", _array(_ref("Automation")), ("remove",), remove=_ID),
            },
            "user_id",
        ),
        "/user_terminals/create": _path(
            {"post": _post("Name a terminal.", terminal, ("user_name",), **{"user_name": _TEXT, **terminal_form})}
        ),
        "/user_terminals/{terminal_id}": _path(
            {"get": _get("See a terminal.", terminal), "post": _post("Change it.", terminal, **terminal_form)},
            "terminal_id",
        ),
    }


def document(root: str) -> Json:
    """The OpenAPI document of the service whose API stands at ``root``, without trailing slash."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Toopher",
            "version": "1",
            "description": "Two-factor authentication by a yes on the phone. Every call is signed with OAuth 1.0a "
            "(two-legged, HMAC-SHA1, RFC 5849), in the Authorization header, the form body or the query.",
        },
        "servers": [{"url": root}],
        "security": [{"oauth1": []}],
        "paths": _paths(),
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "oauth1": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "OAuth 1.0a, which OpenAPI has no type for.",
                }
            },
        },
    }
