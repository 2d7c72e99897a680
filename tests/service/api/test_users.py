"""REST: users and their terminals (PROTOCOL.md §2.1, rows 15 to 20, 22 and 23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import RequestRefusedError, TerminalUnknownError, UserUnknownError
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing, Terminal, User, digest
from django_toopher.service.people import terminals, users
from tests.tables import table

from ..callers import at_once, rows
from ..shapes import TERMINAL, USER, assert_error, assert_shape

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def user(requester):
    """alice."""
    return users.get_or_create(requester, "alice")


@pytest.fixture
def terminal(user):
    """alice's PC with the secret ``s1``."""
    return terminals.get_or_create(user, "PC", "s1")


# Users


def test_a_user_has_the_fields_of_both_families(caller, requester):
    told = caller.post("users/create", name="alice").json()
    assert_shape(told, USER)
    assert (told["name"], told["toopher_authentication_enabled"], told["disable_toopher_auth"]) == (
        "alice",
        True,
        False,
    )
    assert told["requester"]["name"] == requester.name
    assert told["requester"]["consumer"] == {"key": "key"}
    assert "secret" not in str(told)


def test_creating_a_user_who_exists_returns_the_same_one(api):
    first = api.create_user("alice")
    api.disable_user("alice")
    second = api.create_user("alice")
    assert (second.id, second.toopher_authentication_enabled) == (first.id, False)
    assert User.objects.count() == 1


def test_two_threads_that_create_a_user_at_once_create_one(threaded_db, api, make_api):
    ids = at_once(*[lambda: make_api().create_user("alice").id] * 2)
    assert ids[0] == ids[1]
    assert User.objects.count() == 1


def test_extra_parameters_are_ignored(api):
    assert api.create_user("alice", foo="bar", userName="mallory").name == "alice"


@table("parameter", ["name", "user_name"])
def test_a_user_is_found_by_either_parameter(caller, api, parameter):
    user = api.create_user("alice")
    [found] = caller.get("users", **{parameter: "alice"}).json()
    assert_shape(found, USER)
    assert found["id"] == user.id


def test_nobody_found_is_an_empty_array(caller):
    response = caller.get("users", name="nobody")
    assert (response.status_code, response.json()) == (200, [])


def test_a_blank_parameter_counts_as_absent(caller, api):
    api.create_user("alice")
    assert [each["name"] for each in caller.get("users", user_name="", name="alice").json()] == ["alice"]
    assert_error(caller.get("users", name=""), 400, 400)
    assert_error(caller.get("users"), 400, 400)


def test_a_user_is_fetched_by_id(api):
    user = api.create_user("alice")
    assert api.get_user_by_id(user.id) == user
    user.refresh_from_server(api)
    assert user.name == "alice"


def test_an_unknown_id_is_not_found(caller):
    for endpoint in (f"users/{NOBODY}", f"users/{NOBODY}/pairings", f"user_terminals/{NOBODY}"):
        assert_error(caller.get(endpoint), 404, 404)
    assert_error(caller.post(f"users/{NOBODY}", disable_toopher_auth="True"), 404, 404)


def test_a_user_is_disabled_and_enabled(api):
    api.create_user("alice")
    assert api.disable_user("alice").toopher_authentication_enabled is False
    assert User.objects.get().toopher_authentication_enabled is False
    assert api.enable_user("alice").toopher_authentication_enabled is True
    assert User.objects.get().toopher_authentication_enabled is True


@table("text", ["True", "true", "TRUE", "1"])
@table(("parameter", "enabled"), [("disable_toopher_auth", False), ("toopher_authentication_enabled", True)])
def test_either_familys_flag_is_understood_in_any_spelling(caller, user, parameter, enabled, text):
    User.objects.update(toopher_authentication_enabled=not enabled)
    told = caller.post(f"users/{user.id}", **{parameter: text}).json()
    assert_shape(told, USER)
    assert (told["toopher_authentication_enabled"], told["disable_toopher_auth"]) == (enabled, not enabled)


@table("enabled", [True, False])
def test_many_users_are_switched_at_once(caller, api, enabled):
    several = [api.create_user(name) for name in ("alice", "bob", "carol")]
    User.objects.update(toopher_authentication_enabled=not enabled)
    ids = ", ".join([several[0].id, several[1].id.upper(), NOBODY])
    told = caller.post("users/switch", user_ids=ids, disable_toopher_auth=str(not enabled)).json()
    for each in told:
        assert_shape(each, USER)
    assert {each["id"]: each["toopher_authentication_enabled"] for each in told} == {
        several[0].id: enabled,
        several[1].id: enabled,
    }
    assert [*User.objects.order_by("name").values_list("toopher_authentication_enabled", flat=True)] == [
        enabled,
        enabled,
        not enabled,
    ]


@table("count", [2, 100])
def test_more_users_take_no_more_statements(caller, api, requester, count, django_assert_max_num_queries):
    made = User.objects.bulk_create(
        User(requester=requester, name=f"user{n}", name_digest=digest(f"user{n}")) for n in range(count)
    )
    ids = ",".join(str(each.pk) for each in made)
    with django_assert_max_num_queries(6):
        assert len(caller.post("users/switch", user_ids=ids, disable_toopher_auth="True").json()) == count


def test_S21_nobody_switches_another_requesters_users(api, make_api, make_requester):
    user = api.create_user("alice")
    make_requester("other", "other secret")
    rival = make_api("other", "other secret")
    assert rival.post("users/switch", user_ids=user.id, disable_toopher_auth=True) == []
    assert User.objects.get().toopher_authentication_enabled


@table(
    "fields",
    [
        {"user_ids": "{id},alice", "disable_toopher_auth": "True"},
        {"user_ids": "{id},", "disable_toopher_auth": "True"},
        {"user_ids": ",".join(["{id}"] * 101), "disable_toopher_auth": "True"},
        {"user_ids": "{id}"},
        {"user_ids": "{id}", "disable_toopher_auth": "perhaps"},
        {"disable_toopher_auth": "True"},
    ],
    ids=["a name", "a blank one", "too many", "no flag", "no such flag", "nobody"],
)
def test_what_cannot_be_read_switches_nobody(caller, user, fields):
    fields = {name: value.replace("{id}", str(user.pk)) for name, value in fields.items()}
    assert_error(caller.post("users/switch", **fields), 400, 400)
    assert User.objects.get().toopher_authentication_enabled


@table("text", ["False", "false", "0"])
@table(("parameter", "enabled"), [("disable_toopher_auth", True), ("toopher_authentication_enabled", False)])
def test_either_familys_flag_is_understood_when_it_says_no(caller, user, parameter, enabled, text):
    User.objects.update(toopher_authentication_enabled=not enabled)
    assert caller.post(f"users/{user.id}", **{parameter: text}).json()["toopher_authentication_enabled"] is enabled


@table("fields", [{}, {"disable_toopher_auth": ""}, {"toopher_authentication_enabled": ""}])
@table("enabled", [True, False])
def test_without_a_flag_the_user_stays_as_it_is(caller, user, fields, enabled):
    User.objects.update(toopher_authentication_enabled=enabled)
    assert caller.post(f"users/{user.id}", **fields).json()["toopher_authentication_enabled"] is enabled


@table("text", ["yes", "2", " True", "None", "\u0661"])
@table("parameter", ["disable_toopher_auth", "toopher_authentication_enabled"])
def test_S35_a_flag_that_is_no_boolean_is_refused(caller, user, parameter, text):
    assert_error(caller.post(f"users/{user.id}", **{parameter: text}), 400, 400)
    assert User.objects.get().toopher_authentication_enabled is True


# Reset


@table("parameter", ["name", "user_name"])
def test_a_reset_removes_every_pairing_and_leaves_the_user(caller, api, pair, make_phone, parameter):
    ids = [pair(make_phone()), pair(make_phone()), api.pair("alice").id]
    api.disable_user("alice")
    response = caller.post("users/reset", **{parameter: "alice"})
    assert (response.status_code, response.json()) == (200, {})
    for each in ids:
        told = api.get_pairing_by_id(each)
        assert (told.enabled, told.pending, told.deactivated) == (False, False, True)
    assert User.objects.get().toopher_authentication_enabled is False


def test_a_reset_leaves_no_seed_behind(api, pair, phone):
    pair(phone)
    api.reset_user("alice")
    assert Pairing.objects.get().otp_seed == ""


def test_a_reset_leaves_other_users_alone(api, pair, make_phone):
    pair(make_phone())
    bobs = pair(make_phone(), "bob")
    api.reset_user("alice")
    assert api.get_pairing_by_id(bobs).enabled


def test_a_reset_of_nobody_is_705(api, caller):
    with pytest.raises(UserUnknownError) as refused:
        api.reset_user("nobody")
    assert (refused.value.status, refused.value.message) == (409, "No matching user exists.")
    assert_error(caller.post("users/reset"), 400, 400)
    assert not User.objects.exists()


# A user's pairings


def test_a_users_pairings_are_told_newest_first(caller, api, pair, phone):
    first = pair(phone)
    api.post(f"pairings/{first}", deactivated=True)
    second = pair(phone)
    Pairing.objects.filter(pk=first).update(created="2020-01-01T00:00:00Z")
    user = User.objects.get()
    assert [each["id"] for each in caller.get(f"users/{user.pk}/pairings").json()] == [second, first]
    assert [each["id"] for each in caller.get(f"users/{user.pk}/pairings", deactivated="0").json()] == [second]


def test_a_users_pairings_take_a_fixed_number_of_queries(caller, pair, phone, django_assert_max_num_queries):
    for _ in range(4):
        pair(phone)
    user = User.objects.get()
    with django_assert_max_num_queries(7):
        assert len(caller.get(f"users/{user.pk}/pairings").json()) == 4


# A user's terminals and standing answers, our own addition


def test_a_users_terminals_are_told_changed_last_first(caller, api):
    first, second = (api.create_user_terminal("alice", name, name).id for name in ("PC", "Laptop"))
    Terminal.objects.filter(pk=first).update(modified="2030-01-01T00:00:00Z")
    api.create_user_terminal("bob", "Another's", "secret")
    told = caller.get(f"users/{User.objects.get(name='alice').pk}/terminals").json()
    assert [each["id"] for each in told] == [first, second]
    assert_shape(told[0], TERMINAL)


def test_a_users_terminals_take_a_fixed_number_of_queries(caller, api, django_assert_max_num_queries):
    for name in "abcd":
        api.create_user_terminal("alice", name, name)
    user = User.objects.get()
    with django_assert_max_num_queries(7):
        assert len(caller.get(f"users/{user.pk}/terminals").json()) == 4


def test_a_users_standing_answers_are_told_without_the_terminals_secret(caller, api, pair, phone):
    pair(phone)
    asked = api.authenticate("alice", "secret id", "Log In", terminal_name="PC")
    request = AuthenticationRequest.objects.get(pk=asked.id)
    expires = timezone.now() + timedelta(days=1)
    common = {
        "user": request.user,
        "pairing": request.user.pairings.get(),
        "action": request.action,
        "terminal": request.terminal,
        "terminal_digest": request.terminal.extra_digest,
    }
    row = Automation.objects.create(answer="allow", network="192.0.2.0/24", expires=expires, **common)
    Automation.objects.create(answer="deny", expires=timezone.now() - timedelta(days=1), **common)
    response = caller.get(f"users/{request.user.pk}/automations")
    [told] = response.json()
    assert told["id"] == str(row.pk)
    assert (told["answer"], told["action"]["name"], told["terminal"]["name"]) == ("allow", "Log In", "PC")
    assert (told["network"], told["expires"], told["last_used"]) == (
        "192.0.2.0/24",
        f"{expires:%Y-%m-%d %H:%M:%S}",
        "",
    )
    assert "secret id" not in response.content.decode()


def test_a_standing_answer_can_be_removed(caller, api, pair, phone):
    pair(phone)
    asked = api.authenticate("alice", "secret id", "Log In", terminal_name="PC")
    phone.approve(phone.pending().requests[0], asked.raw["number"], automate=Automate(3600))
    user = AuthenticationRequest.objects.get(pk=asked.id).user
    path, row = f"users/{user.pk}/automations", user.automations.get()
    other = api.create_user("bob")
    assert_error(caller.post(f"users/{other.id}/automations", remove=str(row.pk)), 404, 404)
    assert_error(caller.post(path, remove="x"), 400, 400)
    assert_error(caller.post(path), 400, 400)
    assert user.automations.exists()
    assert caller.post(path, remove=str(row.pk)).json() == []
    assert_error(caller.post(path, remove=str(row.pk)), 404, 404)


def test_what_cannot_be_read_gives_a_phone_no_name(caller, pair, phone):
    path = f"pairings/{pair(phone)}"
    assert_error(caller.post(path, name="Mine", deactivated="perhaps"), 400, 400)
    assert_error(caller.post(path, name="x" * 101), 400, 400)
    assert Pairing.objects.get().label == ""
    caller.post(path, name="Mine")
    assert Pairing.objects.get().label == "Mine"


# Terminals


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


def test_S35_a_rename_to_a_name_that_is_taken_is_refused(api, phone):
    alice, bob = api.create_user("alice"), api.create_user("bob")
    with pytest.raises(RequestRefusedError) as refused:
        api.pair("bob", phone.phrase().phrase, user_id=alice.id)
    assert refused.value.status == 400
    assert {str(user.pk): user.name for user in User.objects.all()} == {alice.id: "alice", bob.id: "bob"}
    assert not Pairing.objects.exists()


# Changing a terminal


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
