"""REST: a user's phones, all removed (PROTOCOL.md §2.1, row 19)."""

from __future__ import annotations

import pytest

from django_toopher.client import UserUnknownError
from django_toopher.service.models import Pairing, User
from tests.tables import table

from ..shapes import assert_error


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
