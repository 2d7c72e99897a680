"""REST: a user's pairings (PROTOCOL.md §2.1, row 20); terminals and automations, our own addition."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing, Terminal, User

from ..shapes import TERMINAL, assert_error, assert_shape


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


def test_a_users_automations_are_told_without_the_terminals_secret(caller, api, pair, phone):
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


def test_a_users_automation_can_be_removed(caller, api, pair, phone):
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
