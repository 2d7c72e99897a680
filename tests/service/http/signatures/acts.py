"""What a signed call came to."""

from __future__ import annotations

REFUSAL = {"error_code": 401, "error_message": "Not a valid OAuth signed request"}


def assert_refused(response):
    assert (response.status_code, response.json()) == (401, REFUSAL)


def created_name(response):
    assert response.status_code == 200, response.content
    return response.json()["name"]
