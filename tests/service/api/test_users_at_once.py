"""REST: the second factor of many users switched in one call, our own addition."""

from __future__ import annotations

from django_toopher.service.models import User, digest
from tests.tables import table

from ..shapes import NOBODY, USER, assert_error, assert_shape


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
