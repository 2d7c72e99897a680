"""The REST API as an OpenAPI 3.1 document, served at ``{root}/openapi.json``.

It says of every operation which parameters it takes and what it may answer; the tests drive the running service by it.
Parameters travel in the form body (or, for a GET, in the query), signed with OAuth 1.0a, which OpenAPI has no type for.
"""

from __future__ import annotations

from .operations import with_ids
from .paths import PATHS
from .schemas import SCHEMAS, Json


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
        "paths": {path: with_ids(path, operations) for path, operations in PATHS.items()},
        "components": {
            "schemas": SCHEMAS,
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
