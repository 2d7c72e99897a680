"""REST: what holds at every endpoint: the form of replies, isolation, names, bad input (PROTOCOL.md §1.5)."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.encoding import iri_to_uri
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_toopher.service.api import urls
from django_toopher.service.models import AuthenticationRequest, Pairing, Requester, Terminal, User
from tests.tables import table

from ..callers import Caller, rows
from ..shapes import assert_error

NOBODY = "00000000-0000-4000-8000-000000000000"

POSTS = {
    "pairings/create": {"user_name": "alice", "pairing_phrase": "a b c d"},
    "pairings/create/qr": {"user_name": "alice"},
    "pairings/create/sms": {"user_name": "alice", "phone_number": "555-555-5555"},
    "pairings/{id}": {"deactivated": "True"},
    "pairings/{id}/generate_reset_link": {"security_question": "Pet?", "security_answer": "Rex"},
    "pairings/{id}/send_reset_link": {"reset_email": "alice@example.com"},
    "authentication_requests/initiate": {"user_name": "alice", "terminal_name": "PC", "terminal_name_extra": "s1"},
    "authentication_requests/{id}/otp_auth": {"otp": "123456"},
    "authentication_requests/{id}/cancel": {},
    "authentication_requests/cancel": {"session_token": "token"},
    "users/create": {"name": "alice"},
    "users/reset": {"name": "alice"},
    "users/activate_next_otp_list": {"user_name": "alice"},
    "users/switch": {"user_ids": NOBODY, "disable_toopher_auth": "True"},
    "users/{id}": {"disable_toopher_auth": "True"},
    "users/{id}/automations": {"remove": NOBODY},
    "user_terminals/create": {"user_name": "alice", "name": "PC", "name_extra": "s1"},
    "user_terminals/{id}": {"name": "Laptop", "name_extra": "00000000"},
}
GETS = {
    "pairings/{id}": {},
    "qr/pairings/{id}": {},
    "authentication_requests/{id}": {},
    "users": {"name": "alice"},
    "users/{id}": {},
    "users/{id}/pairings": {},
    "users/{id}/terminals": {},
    "users/{id}/automations": {},
    "user_terminals/{id}": {},
}
CALLS = [*[("POST", *call) for call in POSTS.items()], *[("GET", *call) for call in GETS.items()]]
every_call = table(("method", "endpoint", "fields"), CALLS, ids=lambda each: str(each)[:40])


def test_S21_every_endpoint_is_tried_here():
    """So that a new one can't be forgotten."""
    known = set()
    for each in urls.urlpatterns:
        route = re.sub(r"\(\?P<\w+>(?:\([^)]*\)|[^()])*\)", "{id}", str(each.pattern).strip("^$")).removesuffix("/?")
        known.add(route.replace("\\", ""))
    assert known - {"", "openapi.json"} == {*POSTS, *GETS}


def at(endpoint, row_id=NOBODY):
    return endpoint.replace("{id}", str(row_id))


# The form of replies


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


# One requester, another


@pytest.fixture
def rivals(pair, api, phone, make_requester):
    """What ``requester`` has, by the kind of id that an endpoint takes; and another requester."""
    pairing = pair(phone)
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    make_requester("other", "other secret")
    ids = {
        "pairings": pairing,
        "qr": api.pair("alice").id,
        "authentication_requests": asked.id,
        "users": asked.user.id,
        "user_terminals": asked.terminal.id,
    }
    return ids, Caller("other", "other secret")


def everything():
    """Every row of what a requester has."""
    models = (Requester, User, Pairing, Terminal, AuthenticationRequest)
    return [[*model.objects.order_by("pk").values()] for model in models]


@table(("method", "endpoint", "fields"), [call for call in CALLS if "{id}" in call[1]], ids=lambda each: str(each)[:40])
def test_S21_what_belongs_to_another_requester_is_not_found(rivals, caller, method, endpoint, fields):
    ids, other = rivals
    path = at(endpoint, ids[endpoint.split("/")[0]])
    before = everything()
    response = other.send(method, path, fields)
    assert_error(response, 404, 404)
    assert everything() == before
    own = caller.send(method, path, fields)  # to its own requester it is there
    if (method, endpoint) == ("POST", "users/{id}/automations"):  # of which there is none to remove
        assert "automatic answer" in own.json()["error_message"]
    else:
        assert own.status_code == 200


def test_S32_the_state_of_a_request_is_told_to_its_requester_only(rivals, caller, client):
    ids, other = rivals
    path = f"authentication_requests/{ids['authentication_requests']}"
    assert caller.get(path).json()["pending"] is True
    assert_error(other.get(path), 404, 404)
    for headers in ({}, {"Authorization": "Frame x"}, {"Authorization": "OAuth "}):
        response = client.get(f"/toopher/v1/{path}", secure=True, headers=headers)
        assert_error(response, 401, 401)
        assert "pending" not in response.json()


@table(
    ("method", "endpoint", "fields"), [call for call in CALLS if "{id}" not in call[1]], ids=lambda each: str(each)[:40]
)
def test_S21_the_same_name_is_another_user_at_another_requester(rivals, method, endpoint, fields):
    ids, other = rivals
    before = [*User.objects.filter(pk=ids["users"]).values()]
    response = other.send(method, endpoint, fields)
    text = response.content.decode()
    assert not any(each in text for each in ids.values())
    assert [*User.objects.filter(pk=ids["users"]).values()] == before
    assert Pairing.objects.get(pk=ids["pairings"]).is_enabled
    assert AuthenticationRequest.objects.get(pk=ids["authentication_requests"]).state == "pending"


def test_S21_another_requesters_pairing_and_user_id_can_not_be_used(rivals, phone):
    ids, other = rivals
    before = everything()
    asked = other.post("authentication_requests/initiate", pairing_id=ids["pairings"], terminal_name="PC")
    assert_error(asked, 404, 404)
    paired = other.post("pairings/create", user_id=ids["users"], user_name="x", pairing_phrase=phone.phrase().phrase)
    assert_error(paired, 404, 404)
    assert everything() == before


def test_S21_a_foreign_signature_over_an_own_key_is_refused(rivals):
    ids, _ = rivals
    assert_error(Caller("key", "other secret").get(f"users/{ids['users']}"), 401, 401)


# Names


NAMES = [
    "alice", " alice", "alice ", "Alice", "ALICE", "al\u00efce", "ali\u0308ce", "alice|", "alice&name=bob", "alice\n",
    "alice\r\n", "\talice", "alice\u200b", "alice\u00a0", "\u0430lice", "alice%00", "alice+bob", "alice bob", "a\u0301",
    "\u00e1", "stra\u00dfe", "strasse", "\u0130", "i\u0307", "\U0001f511", "\U0001f511\U0001f511", "\ufb01", "fi",
    "ali;ce", "'alice'", "alice--", "*", "~", NOBODY, "0", "None", "n" * 255,
]  # fmt: skip


def test_S12_names_that_look_alike_are_different_users(caller, api):
    assert len(set(NAMES)) == len(NAMES)
    ids = {name: caller.post("users/create", name=name).json() for name in NAMES}
    assert {name: told["name"] for name, told in ids.items()} == {name: name for name in NAMES}
    assert len({told["id"] for told in ids.values()}) == len(NAMES)
    for name in NAMES:
        [found] = caller.get("users", user_name=name).json()
        assert (found["id"], found["name"]) == (ids[name]["id"], name)


@pytest.fixture
def pairing(pair, phone):
    """alice's pairing with ``phone``."""
    return pair(phone)


@table("other", [name for name in NAMES if name != "alice"])
def test_S12_a_name_never_reaches_another_users_pairing(caller, phone, pairing, other):
    response = caller.post("authentication_requests/initiate", user_name=other, terminal_name="PC")
    assert_error(response, 409, 705)
    assert phone.pending().requests == ()
    caller.post("users/reset", user_name=other)
    assert Pairing.objects.get().is_enabled


@table("form", ["NFC", "NFD", "NFKC"])
def test_S12_unicode_forms_of_a_name_are_different_users(caller, pair, phone, form):
    name = "Andr\u00e9 \ufb01"
    pair(phone, name)
    other = unicodedata.normalize(form, name)
    response = caller.post("authentication_requests/initiate", user_name=other, terminal_name="PC")
    assert response.status_code == (200 if other == name else 409)


@table(("one", "other"), [("Log In", "log in"), ("pay", "pay "), ("caf\u00e9", "cafe")])
def test_S12_actions_and_terminals_that_look_alike_are_different(api, pair, phone, one, other):
    pair(phone)
    first, second = (api.authenticate("alice", extra, extra, terminal_name=extra) for extra in (one, other))
    assert first.action.id != second.action.id
    assert first.terminal.id != second.terminal.id
    anonymous = [
        api.post("authentication_requests/initiate", user_name="alice", terminal_name=each) for each in (one, other)
    ]
    assert [each["terminal"]["name"] for each in anonymous] == [one, other]


@table("name", ["", " ", "\n\t", "n" * 256, "a\0b", "\0"])
@table(
    ("endpoint", "parameter"),
    [
        ("users/create", "name"),
        ("users/reset", "name"),
        ("pairings/create/qr", "user_name"),
        ("authentication_requests/initiate", "user_name"),
        ("user_terminals/create", "user_name"),
    ],
)
def test_S35_a_name_that_is_none_is_refused(caller, endpoint, parameter, name):
    before = rows()
    assert_error(caller.post(endpoint, **{**POSTS[endpoint], parameter: name}), 400, 400)
    assert rows() == before


@pytest.mark.slow
@given(name=st.text(max_size=300))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_S12_any_text_is_kept_as_a_name_or_refused(caller, name):
    response = caller.post("users/create", name=name)
    if response.status_code == 200:
        assert response.json()["name"] == name
        assert [each["name"] for each in caller.get("users", name=name).json()] == [name]
    else:
        assert_error(response, 400, 400)
        assert not name.strip() or len(name) > 255 or {"\0", "\ufffd"} & set(name)


PARAMETERS = sorted({name for _, _, fields in CALLS for name in fields} | {"user_id", "pairing_id", "format", "action"})
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "n" * 3000, "True", "None", "-1", "[[[[", NOBODY, "%00", "\ufffd"]
)


@pytest.mark.slow
@every_call
def test_S35_whatever_is_sent_is_answered_with_a_result_or_a_4xx(caller, method, endpoint, fields):
    @given(extra=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4), doubled=st.booleans())
    @hypothesis_settings(max_examples=12, deadline=None)
    def send(extra, doubled):
        before = rows()
        pairs = [*fields.items(), *extra.items()] if doubled else [*{**fields, **extra}.items()]
        response = caller.send(method, at(endpoint), pairs)
        assert response.status_code == 200 or 400 <= response.status_code < 500
        if response.status_code != 200:
            told = json.loads(response.content)
            assert told.keys() >= {"error_code", "error_message"}
            made = {"Tally"} | ({"User"} if told["error_code"] == 705 else set())  # wrong phrases are counted
            assert {name for name, count in rows().items() if count != before[name]} <= made

    send()


def test_S12_two_consumer_keys_never_match_the_same_text(make_requester):
    make_requester("key", "secret")
    try:
        with transaction.atomic():
            make_requester("KEY", "SECRET")
    except IntegrityError:  # MariaDB folds case and refuses the second one
        pytest.skip("this database refuses such keys")
    assert Caller("key", "secret").get("users", name="a").status_code == 200
    assert Caller("KEY", "secret").get("users", name="a").status_code == 401
