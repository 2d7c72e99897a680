"""One operation: the parameters that it takes, and what it may answer."""

from __future__ import annotations

import re

from .schemas import ID, Json, ref

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


def get(summary: str, schema: Json, *, media_type: str = "application/json", **query: Json) -> Json:
    """A GET with these parameters in the query, all optional."""
    parameters = [{"name": name, "in": "query", "required": False, "schema": kind} for name, kind in query.items()]
    return {"summary": summary, "parameters": parameters, "responses": _responses(schema, media_type)}


def post(summary: str, schema: Json, required: tuple[str, ...] = (), **form: Json) -> Json:
    """A POST with these parameters in the form."""
    body = {"type": "object", "properties": form, "required": list(required)}
    return {
        "summary": summary,
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": body}}},
        "responses": _responses(schema),
    }


def with_ids(path: str, operations: Json) -> Json:
    """The operations of a path, and the ids that stand in it."""
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": ID} for name in names]
    return {**operations, "parameters": parameters} if parameters else operations


def _responses(schema: Json, media_type: str = "application/json") -> Json:
    failed = {"application/json": {"schema": ref("Error")}}
    return {
        "200": {"description": "Done.", "content": {media_type: {"schema": schema}}},
        **{str(status): {"description": text, "content": failed} for status, text in _ERRORS.items()},
    }
