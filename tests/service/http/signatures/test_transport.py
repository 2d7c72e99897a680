"""How a signed request may travel (PROTOCOL.md §1, RFC 5849)."""

from __future__ import annotations

import pytest

from tests.tables import table

from ...callers import body_hash, form
from .acts import assert_refused, created_name


@pytest.mark.parametrize("where", ["header", "body", "query"])
def test_a_post_is_accepted_wherever_its_oauth_parameters_travel(caller, where):
    assert created_name(caller.send("POST", "users/create", {"name": "alice"}, where=where)) == "alice"


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_get_is_accepted_wherever_its_oauth_parameters_travel(caller, where):
    caller.post("users/create", name="alice")
    [found] = caller.send("GET", "users", {"name": "alice"}, where=where).json()
    assert found["name"] == "alice"


@table("separator", [", ", ","])
@table("realm", ["", 'realm="https://testserver/"'])
def test_a_header_may_have_a_realm_and_either_separator(caller, separator, realm):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = caller.header(caller.signed("POST", path, fields, caller.oauth()), separator)
    if realm:
        header = header.replace("OAuth ", f"OAuth {realm}{separator}")
    response = caller.raw("POST", path, "", form(fields).encode(), {"Authorization": header})
    assert created_name(response) == "alice"


@table("scheme", ["oauth", "OAUTH"])
def test_the_scheme_of_the_header_is_known_in_any_case(caller, scheme):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = caller.header(caller.signed("POST", path, fields, caller.oauth())).replace("OAuth", scheme, 1)
    response = caller.raw("POST", path, "", form(fields).encode(), {"Authorization": header})
    assert created_name(response) == "alice"


@table("header", ["Basic dXNlcjpwYXNzd29yZA==", "Bearer abc", "OAuth2 abc", "OAuth"])
def test_an_authorization_of_another_scheme_is_ignored(caller, header):
    path, fields = "/toopher/v1/users", {"name": "alice"}
    signed = caller.signed("GET", path, fields, caller.oauth())
    response = caller.raw("GET", path, form([*fields.items(), *signed.items()]), b"", {"Authorization": header})
    assert (response.status_code, response.json()) == (200, [])


def test_a_request_without_oauth_version_is_accepted(caller):
    assert created_name(caller.send("POST", "users/create", {"name": "alice"}, oauth_version=None)) == "alice"


def test_oauth_body_hash_is_signed_and_otherwise_ignored(caller):
    response = caller.send("GET", "users", {"name": "alice"}, where="query", oauth_body_hash=body_hash(""))
    assert response.status_code == 200


@table(
    "nonce",
    [
        "7",
        "12345678",
        "nonce",
        "1234567890123456789012345678",
        "-8230183012830128301",
        "0cc175b9c0f1b6a831c399e269772661",
        "4b3403665fea6.1276523456",
        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF3hJ5kL7nP9r",
        "a1b2c3d4e5f6g7h8",
        "n" * 255,
    ],
)
def test_nonces_of_every_published_client_are_accepted(caller, nonce):
    assert caller.send("GET", "users", {"name": "alice"}, oauth_nonce=nonce).status_code == 200


@table("nonce", ["", "n" * 256, "a\0b", "a\nb", None])
def test_other_nonces_are_refused(caller, nonce):
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_nonce=nonce))
