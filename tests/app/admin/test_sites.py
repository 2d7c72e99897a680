"""The support desk in a site's own admin: its user admin, its ``AdminSite``; under WSGI and ASGI."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission
from django.test import AsyncClient

from django_toopher.admin import SupportActionsMixin
from django_toopher.models import Attempt, SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support.verbs import VERBS
from django_toopher.testing import verified_login
from tests.factories import account_with
from tests.tables import table

from ..acts import Statements

USERS = "/club/desk/auth/user/"

pytestmark = pytest.mark.urls("tests.app.admin_urls")


@pytest.fixture
def people(alice, make_user, phone):
    """Alice with a phone; bob, who has not even an account."""
    account_with(phone, alice)
    return [alice, make_user("bob")]


def act(computer, verb, users):
    fields = {"action": f"toopher_{verb}", "_selected_action": [user.pk for user in users]}
    return computer.post(USERS, fields, follow=True)


def outcomes() -> dict[str, str]:
    return dict(SupportRun.objects.get().items.values_list("account__name", "outcome"))


@table("verb", VERBS)
def test_the_sites_users_have_the_actions(verb, people, support):
    response = act(support, verb, people)
    run = SupportRun.objects.get()
    assert response.redirect_chain == [(f"/club/desk/django_toopher/supportrun/{run.pk}/change/#go", 302)]
    page = response.content.decode()
    for name in ("alice", "bob"):
        assert f">{name}</a>" in page
    assert "/admin/django_toopher" not in page
    assert ToopherAccount.objects.get(user=people[1]).name == "bob"


def test_S16_the_sites_users_are_asked_about_first(people, support):
    act(support, "disable", people)
    assert outcomes() == {"alice": "pending", "bob": "pending"}
    page = f"/club/desk/django_toopher/supportrun/{SupportRun.objects.get().pk}/change/"
    for press in ("confirm", "step"):
        support.post(page, {"press": press})
    assert outcomes() == {"alice": "done", "bob": "done"}
    assert not User.objects.filter(toopher_authentication_enabled=True).exists()


def test_S16_in_the_user_admin_each_action_needs_its_permission(people, make_user, computer):
    helper = make_user("helper", is_staff=True)
    codes = ["view_user", "change_user", "enable_account"]
    helper.user_permissions.set(Permission.objects.filter(codename__in=codes))
    verified_login(computer.client, helper)
    page = computer.get(USERS).content.decode()
    assert "toopher_enable" in page
    for verb in ("disable", "reset", "send_reset_link", "refresh"):
        assert f"toopher_{verb}" not in page
        act(computer, verb, people)
    assert not SupportRun.objects.exists()
    act(computer, "enable", people)
    assert outcomes() == {"alice": "skipped", "bob": "skipped"}


def test_the_actions_of_the_site_stay(people, support):
    page = support.get(USERS).content.decode()
    assert 'value="greet"' in page
    assert 'value="delete_selected"' in page


def test_all_pages_of_a_filtered_list_can_be_chosen(people, support, make_user):
    make_user("mallory")
    fields = {"action": "toopher_enable", "_selected_action": [people[0].pk], "select_across": "1"}
    support.post(f"{USERS}?is_staff__exact=0", fields)
    assert outcomes().keys() == {"alice", "bob", "mallory"}


def test_the_list_of_users_shows_how_each_stands(people, support, make_user):
    page = support.get(USERS).content.decode()
    account = ToopherAccount.objects.get(user=people[0])
    assert f'<a href="/club/desk/django_toopher/toopheraccount/{account.pk}/change/">phone paired</a>' in page
    assert "no phone" in page

    def queries() -> int:
        with Statements() as statements:
            support.get(USERS)
        return len(statements.queries)

    few = queries()
    for number in range(10):
        ToopherAccount.objects.for_user(make_user(f"u{number}"))
    assert queries() == few


@table("path", ["toopheraccount/", "attempt/", "supportrun/", "attempt/export/"])
def test_a_custom_admin_site_has_all_lists(path, people, support):
    response = support.get(f"/club/desk/django_toopher/{path}")
    assert response.status_code == 200
    assert response.streaming or "/admin/django_toopher" not in response.content.decode()


def test_a_persons_page_stays_in_its_admin_site(people, support):
    account = ToopherAccount.objects.get(user=people[0])
    page = support.get(f"/club/desk/django_toopher/toopheraccount/{account.pk}/change/").content.decode()
    assert f'action="/club/desk/django_toopher/toopheraccount/{account.pk}/support/"' in page
    assert "/admin/django_toopher" not in page


def test_a_check_says_that_the_pages_are_missing():
    class DeskAdmin(SupportActionsMixin, UserAdmin):
        pass

    lonely = admin.AdminSite("lonely")
    lonely.register(get_user_model(), DeskAdmin)
    [error] = [each for each in lonely._registry[get_user_model()].check() if each.id == "django_toopher.E100"]
    assert error.hint == "Call django_toopher.admin.register(site)."
    from ..admin_urls import site

    assert not site._registry[get_user_model()].check()


def test_under_asgi_the_export_is_streamed_too(threaded_db, people, staff):
    client = AsyncClient()
    verified_login(client, staff)

    @async_to_sync
    async def fetched() -> str:
        response = await client.get("/club/desk/django_toopher/attempt/export/", secure=True)
        assert response.is_async
        return b"".join([piece async for piece in response.streaming_content]).decode()

    assert fetched().count("\n") == Attempt.objects.count() + 1
