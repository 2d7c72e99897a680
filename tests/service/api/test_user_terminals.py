"""REST: terminals that a requester names (PROTOCOL.md §2.1, rows 22 to 24)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import TerminalUnknownError
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing, Terminal
from django_toopher.service.people import terminals
from tests.tables import table

from ..callers import at_once, rows
from ..shapes import TERMINAL, assert_error, assert_shape


@pytest.fixture
def terminal(user):
    """alice's PC with the secret ``s1``."""
    return terminals.get_or_create(user, "PC", "s1")


# Named


@table(
    "fields",
    [
        {"name": "Laptop", "name_extra": "secret-1"},
        {"terminal_name": "Laptop", "requester_specified_id": "secret-1"},
        {"name": "Laptop", "terminal_name": "other", "name_extra": "secret-1", "requester_specified_id": "other"},
        {"name": "", "terminal_name": "Laptop", "name_extra": "", "requester_specified_id": "secret-1"},
    ],
)
def test_a_terminal_is_named_in_either_familys_words(caller, fields):
    told = caller.post("user_terminals/create", user_name="alice", **fields).json()
    assert_shape(told, TERMINAL)
    assert (told["name"], told["name_extra"], told["requester_specified_id"]) == ("Laptop", "secret-1", "secret-1")
    assert told["user"]["name"] == "alice"


def test_a_terminal_of_the_same_secret_is_renamed(api):
    first = api.create_user_terminal("alice", "Laptop", "secret-1")
    second = api.create_user_terminal("alice", "Desktop", "secret-1")
    assert (second.id, second.name) == (first.id, "Desktop")
    assert api.get_user_terminal_by_id(first.id).name == "Desktop"


def test_one_secret_may_belong_to_several_users(api):
    assert api.create_user_terminal("alice", "PC", "s").id != api.create_user_terminal("bob", "PC", "s").id


def test_equal_names_with_other_secrets_are_other_terminals(api):
    assert api.create_user_terminal("alice", "PC", "s").id != api.create_user_terminal("alice", "PC", "S").id


def test_two_threads_that_name_a_terminal_at_once_make_one(threaded_db, api, make_api):
    ids = at_once(*[lambda: make_api().create_user_terminal("alice", "PC", "secret-1").id] * 2)
    assert ids[0] == ids[1]
    assert Terminal.objects.count() == 1


@table("missing", ["user_name", "name", "name_extra"])
@table("how", ["absent", "blank"])
def test_a_terminal_without_one_of_its_parts_is_refused(caller, missing, how):
    fields = {"user_name": "alice", "name": "PC", "name_extra": "secret-1"}
    fields |= {missing: ""}
    if how == "absent":
        del fields[missing]
    before = rows()
    assert_error(caller.post("user_terminals/create", **fields), 400, 400)
    assert rows() == before


@table("fields", [{"name": "n" * 256}, {"name": "a\0"}, {"name_extra": "n" * 1025}, {"name_extra": "\0"}])
def test_S35_a_terminal_that_can_not_be_stored_changes_nothing(caller, fields):
    before = rows()
    response = caller.post("user_terminals/create", **{"user_name": "alice", "name": "PC", "name_extra": "s", **fields})
    assert_error(response, 400, 400)
    assert rows() == before


def test_a_longest_terminal_is_kept(api):
    terminal = api.create_user_terminal("alice", "n" * 255, "s" * 1024)
    assert (len(terminal.name), len(terminal.name_extra)) == (255, 1024)


def test_an_unknown_terminal_without_a_name_is_706(api, pair, phone):
    pair(phone)
    with pytest.raises(TerminalUnknownError) as refused:
        api.authenticate("alice", "unknown-secret")
    assert (refused.value.status, refused.value.message) == (409, "No matching terminal exists.")
    assert not Terminal.objects.exists()


def test_a_terminal_named_before_needs_no_name_again(api, pair, phone):
    pair(phone)
    terminal = api.create_user_terminal("alice", "Laptop", "secret-1")
    assert api.authenticate("alice", "secret-1").terminal.id == terminal.id


# Changed


@table(
    ("fields", "name", "extra"),
    [
        ({"name": "Laptop"}, "Laptop", "s1"),
        ({"terminal_name": "Laptop"}, "Laptop", "s1"),
        ({"name_extra": "00000000"}, "PC", "00000000"),
        ({"requester_specified_id": "00000000", "name": ""}, "PC", "00000000"),
        ({"name": "Laptop", "name_extra": "s2"}, "Laptop", "s2"),
        ({"name": "", "name_extra": ""}, "PC", "s1"),
        ({}, "PC", "s1"),
    ],
)
def test_a_terminal_is_given_another_name_or_secret(caller, api, terminal, fields, name, extra):
    told = caller.post(f"user_terminals/{terminal.id}", **fields).json()
    assert_shape(told, TERMINAL)
    assert (told["id"], told["name"], told["name_extra"]) == (str(terminal.pk), name, extra)
    assert api.get_user_terminal_by_id(str(terminal.pk)).raw["requester_specified_id"] == extra


def test_a_terminal_is_known_by_its_new_secret_and_not_by_the_old_one(api, caller, pair, phone):
    pair(phone)
    terminal = api.create_user_terminal("alice", "PC", "s1")
    caller.post(f"user_terminals/{terminal.id}", name_extra="s2")
    assert api.authenticate("alice", "s2").terminal.id == terminal.id
    with pytest.raises(TerminalUnknownError):
        api.authenticate("alice", "s1")


@table(("fields", "kept"), [({"name_extra": "s2"}, 0), ({"name_extra": "s1"}, 1), ({"name": "x"}, 1)])
def test_S27_a_terminal_with_another_secret_has_no_standing_answers(api, caller, pair, phone, fields, kept):
    pairing = Pairing.objects.get(pk=pair(phone))
    asked = AuthenticationRequest.objects.get(pk=api.authenticate("alice", "s1", terminal_name="PC").id)
    Automation.objects.create(
        user=pairing.user, pairing=pairing, terminal=asked.terminal, action=asked.action, answer="allow",
        expires=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    caller.post(f"user_terminals/{asked.terminal_id}", **fields)
    assert Automation.objects.count() == kept


def test_S35_a_secret_that_another_terminal_has_is_refused(api, caller):
    first, second = (api.create_user_terminal("alice", "PC", extra) for extra in ("s1", "s2"))
    assert_error(caller.post(f"user_terminals/{second.id}", name="Laptop", name_extra="s1"), 400, 400)
    for terminal, extra in ((first, "s1"), (second, "s2")):
        told = api.get_user_terminal_by_id(terminal.id)
        assert (told.name, told.name_extra) == ("PC", extra)


@table("fields", [{"name": "n" * 256}, {"name": "a\0"}, {"name_extra": "n" * 1025}, {"name_extra": "\0"}])
def test_S35_a_change_that_can_not_be_stored_changes_nothing(api, caller, terminal, fields):
    assert_error(caller.post(f"user_terminals/{terminal.id}", **fields), 400, 400)
    assert api.get_user_terminal_by_id(str(terminal.pk)).name == "PC"
