"""REST: the form of replies and refusals, at every endpoint (PROTOCOL.md §1.5)."""

from __future__ import annotations

import re

from django.test import Client
from django.utils.encoding import iri_to_uri

from django_toopher.service.api import urls
from django_toopher.service.models import User
from tests.tables import table

from ..callers import rows
from ..shapes import NOBODY, assert_error
from .calls import GETS, POSTS, at, every_call


def test_S21_every_endpoint_is_tried_here():
    """So that a new one can't be forgotten."""
    known = set()
    for each in urls.urlpatterns:
        route = re.sub(r"\(\?P<\w+>(?:\([^)]*\)|[^()])*\)", "{id}", str(each.pattern).strip("^$")).removesuffix("/?")
        known.add(route.replace("\\", ""))
    assert known - {"", "openapi.json"} == {*POSTS, *GETS}


@every_call
def test_S20_every_endpoint_refuses_an_unsigned_call(requester, method, endpoint, fields):
    before = rows()
    response = Client().generic(
        method,
        f"/toopher/v1/{at(endpoint)}",
        "user_name=alice&name=alice",
        "application/x-www-form-urlencoded",
        secure=True,
    )
    assert_error(response, 401, 401, "Not a valid OAuth signed request")
    assert response["WWW-Authenticate"] == 'OAuth realm="toopher"'
    assert rows() == before


@every_call
def test_replies_are_ASCII_json_with_a_charset_and_are_not_cached(caller, method, endpoint, fields):
    fields = {name: f"{value}\u00e9" if name == "name" else value for name, value in fields.items()}
    response = caller.send(method, at(endpoint), fields)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.content.isascii()
    assert response.json() is not None
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


def test_non_ASCII_names_are_escaped_in_json(caller):
    response = caller.post("users/create", name="Jos\u00e9 \U0001f511")
    assert b"Jos\\u00e9 \\ud83d\\udd11" in response.content
    assert response.json()["name"] == "Jos\u00e9 \U0001f511"


@every_call
def test_a_trailing_slash_is_accepted_and_nothing_redirects(caller, method, endpoint, fields):
    without, with_slash = (caller.send(method, f"{at(endpoint)}{end}", fields) for end in ("", "/"))
    assert with_slash.status_code == without.status_code
    assert not 300 <= without.status_code < 400


def allowed_methods(endpoint):
    return {name for name, calls in (("GET", GETS), ("POST", POSTS)) if endpoint in calls}


UNKNOWN_METHODS = [
    (method, endpoint)
    for endpoint in sorted({*POSTS, *GETS})
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    if method not in allowed_methods(endpoint)
]


@table(("method", "endpoint"), UNKNOWN_METHODS)
def test_S35_a_method_that_an_endpoint_does_not_know_is_405(caller, method, endpoint):
    before = rows()
    response = caller.send(method, at(endpoint), {"name": "alice"})
    assert_error(response, 405, 405)
    assert allowed_methods(endpoint) <= set(response["Allow"].split(", "))
    assert rows() == before


@table(
    "path",
    [
        "nothing",
        "users/x",
        "users/create/more",
        "pairings",
        f"pairings/{NOBODY}/nothing",
        f"users/{NOBODY}x",
        "USERS",
        "%00",
        "\u00e9",
        "..",
    ],
)
@table("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_path_is_404_to_a_requester(caller, path, method):
    assert_error(caller.send(method, iri_to_uri(path), {}), 404, 404)


@table("path", ["nothing", "users/x", f"pairings/{NOBODY}/nothing"])
@table("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_path_is_401_to_anybody_else(requester, path, method):
    assert_error(Client().generic(method, f"/toopher/v1/{path}", secure=True), 401, 401)


def test_the_root_says_what_stands_here_and_asks_no_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = Client().get("/toopher/v1/", secure=True)
    assert (response.status_code, response.json()) == (200, {"service": "toopher", "version": 1})


def test_a_host_that_is_not_allowed_is_refused(requester):
    response = Client().get("/toopher/v1/users", secure=True, headers={"Host": "mallory.example"})
    assert response.status_code == 400


def test_S35_too_large_a_body_is_refused(settings, caller):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert_error(caller.post("users/create", name="alice", foo="x" * 2000), 400, 400)
    assert not User.objects.exists()
