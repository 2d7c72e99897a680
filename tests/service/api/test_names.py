"""REST: names that look alike, and names that are none (SECURITY.md S12, S35)."""

from __future__ import annotations

import unicodedata

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_toopher.service.models import Pairing
from tests.tables import table

from ..callers import Caller, rows
from ..shapes import NOBODY, assert_error
from .calls import POSTS

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


def test_S12_two_consumer_keys_never_match_the_same_text(make_requester):
    make_requester("key", "secret")
    try:
        with transaction.atomic():
            make_requester("KEY", "SECRET")
    except IntegrityError:  # MariaDB folds case and refuses the second one
        pytest.skip("this database refuses such keys")
    assert Caller("key", "secret").get("users", name="a").status_code == 200
    assert Caller("KEY", "secret").get("users", name="a").status_code == 401
