"""REST: users, found, made, switched on and off (PROTOCOL.md §2.1, rows 15 to 18)."""

from __future__ import annotations

from django_toopher.service.models import PregeneratedCode, User
from tests.tables import table

from ..callers import at_once
from ..shapes import NOBODY, USER, assert_error, assert_shape


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


@table(
    ("has_phone", "codes", "told"),
    [(False, 0, False), (True, 0, True), (False, 2, True), (False, "used up", True), (True, "reset", False)],
)
def test_S37_a_user_is_told_with_whether_there_is_a_second_factor(has_phone, codes, told, caller, api, pair, phone):
    user = api.create_user("alice")
    if has_phone:
        pair(phone)
    if codes:
        api.post("users/activate_next_otp_list", user_name="alice")
    if codes == "used up":
        PregeneratedCode.objects.all().delete()
    if codes == "reset":
        api.reset_user("alice")
    one = caller.get("users", user_name="alice").json()
    for row in (one[0], caller.get(f"users/{user.id}").json(), caller.post("users/create", name="alice").json()):
        assert row["has_second_factor"] is told


def test_S37_a_phone_that_waits_or_was_removed_is_no_second_factor(caller, api, pair, phone):
    waiting = api.pair("alice")
    assert caller.get(f"users/{waiting.user.id}").json()["has_second_factor"] is False
    pairing = pair(phone)
    assert caller.get(f"pairings/{pairing}").json()["user"]["has_second_factor"] is True
    assert caller.post(f"pairings/{pairing}", deactivated="True").json()["user"]["has_second_factor"] is False
    assert caller.get(f"users/{waiting.user.id}").json()["has_second_factor"] is False
