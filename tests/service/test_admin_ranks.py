"""Ranks in the service's admin: nobody but a superuser decides over one, and nobody over themselves, by any door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client, modify_settings
from django.urls import path
from django.utils import timezone

from django_toopher.models import ToopherAccount
from django_toopher.service.admin import UserAdmin
from django_toopher.service.models import Action, Alarm, Automation, Requester, Terminal, User, digest
from django_toopher.service.people import own_site
from django_toopher.service.people.verbs import VERBS
from django_toopher.testing import verified_login
from tests.factories import account_with, paired, registered_phone, requester_of
from tests.tables import table

ROOT = "/admin/toopher_service/"
bare = admin.AdminSite("bare")
bare.register(User, UserAdmin)
urlpatterns = [path("bare/", bare.urls)]
"""An admin site without the app."""


@pytest.fixture
def helper(make_user):
    """Somebody from support, without a rank, who may do everything that a permission allows; a browser."""
    person = make_user("helper", is_staff=True)
    person.user_permissions.set(Permission.objects.all())
    client = Client()
    verified_login(client, person)
    client.person = person
    return client


@pytest.fixture
def superuser(make_user):
    """The browser of somebody with a rank."""
    client = Client()
    verified_login(client, make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture(params=["embedded", "own key"])
def own(request, make_requester, settings):
    """This project's own site, as the service knows it."""
    if request.param != "embedded":
        make_requester(request.param)
        settings.TOOPHER_CONSUMER_KEY = request.param
        settings.TOOPHER_CONSUMER_SECRET = "secret"
    return requester_of(request.param)


@pytest.fixture
def make_person(own, make_user):
    """Makes people of the own site, with a phone; the user at the service."""

    def make(name, person=None, **fields):
        person = person or make_user(name, **fields)
        ToopherAccount.objects.create(user=person, name=name)
        return paired(own, name, registered_phone(name)).user

    return make


def post(client, page, **fields):
    return client.post(f"{ROOT}{page}", fields, secure=True, follow=True)


def changed(requester, **fields):
    """The form of its page."""
    names = ("name", "origins", "postback_encoding", "is_active", "permitted_challenge_required")
    row = {name: getattr(requester, name) for name in names}
    return {**{name: value for name, value in row.items() if value is not False}, **fields}


def test_S44_only_a_superuser_changes_the_own_site(own, helper, superuser):
    page = f"requester/{own.pk}/change/"
    assert helper.get(f"{ROOT}{page}", secure=True).status_code == 200
    fields = changed(own, permitted_opt_out="on", origins="https://evil.example")
    assert post(helper, page, **fields).status_code == 403
    assert not Requester.objects.get().permitted_opt_out
    post(superuser, page, **fields)
    assert Requester.objects.get().permitted_opt_out


def test_S44_only_a_superuser_is_shown_the_own_sites_new_secret(own, helper):
    before = Requester.objects.values().get()
    response = post(helper, "requester/", action="rotate_secret", _selected_action=own.pk)
    assert Requester.objects.values().get() == before
    assert "which only a superuser changes" in response.content.decode()
    assert not LogEntry.objects.exists()


def test_another_site_takes_its_permission_only(requester, helper):
    post(helper, f"requester/{requester.pk}/change/", **changed(requester, permitted_opt_out="on"))
    response = post(helper, "requester/", action="rotate_secret", _selected_action=requester.pk)
    requester.refresh_from_db()
    assert requester.permitted_opt_out
    assert requester.consumer_secret in response.content.decode().replace("&#x27;", "'")


@pytest.fixture
def root_and_others(make_person, helper):
    """Users of the own site: a superuser, the helper, and carol, who has no rank."""
    people = [("boss", None, {"is_superuser": True}), ("helper", helper.person, {}), ("carol", None, {})]
    return {name: make_person(name, person, **fields) for name, person, fields in people}


def automated(user):
    action, _made = Action.objects.get_or_create(
        requester=user.requester, name_digest=digest("Log In"), defaults={"name": "Log In"}
    )
    terminal = Terminal.objects.create(user=user, name="PC", extra="secret")
    later = timezone.now() + timedelta(days=1)
    where = {"terminal": terminal, "terminal_digest": digest(user.name), "action": action}
    return Automation.objects.create(user=user, pairing=user.pairings.get(), answer="deny", expires=later, **where)


@table("together", [False, True])
def test_S44_automations_of_people_out_of_reach_are_not_removed(together, root_and_others, helper, superuser):
    rows = {name: automated(user) for name, user in root_and_others.items()}

    def remove(client, name):
        if together:
            post(client, "automation/", action="delete_selected", _selected_action=rows[name].pk, post="yes")
        else:
            post(client, f"automation/{rows[name].pk}/delete/", post="yes")

    for name in rows:
        remove(helper, name)
    assert {each.user.name for each in Automation.objects.all()} == {"boss", "helper"}
    remove(superuser, "boss")
    assert {each.user.name for each in Automation.objects.all()} == {"helper"}


def test_S44_alarms_of_people_out_of_reach_are_not_settled(root_and_others, helper, superuser):
    alarms = {name: Alarm.objects.create(user=user, action="Log In") for name, user in root_and_others.items()}
    chosen = {"action": "settle", "_selected_action": [each.pk for each in alarms.values()]}
    page = post(helper, "alarm/", **chosen).content.decode()
    assert "only another superuser can do that: boss" in page
    assert "ask a colleague, or use your own page: helper" in page
    assert "Settled: 1" in page
    assert [each.user.name for each in Alarm.objects.exclude(settled=None)] == ["carol"]
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.get_edited_object()) == (helper.person, alarms["carol"])
    post(superuser, "alarm/", **chosen)
    assert not Alarm.objects.filter(settled=None).exists()
    assert LogEntry.objects.count() == 3


def test_S44_who_became_a_superuser_meanwhile_is_one(make_person, helper, superuser):
    row = automated(make_person("carol"))
    type(helper.person).objects.filter(username="carol").update(is_superuser=True)
    post(helper, f"automation/{row.pk}/delete/", post="yes")
    assert Automation.objects.exists()


def test_another_sites_user_of_a_superusers_name_has_no_rank(requester, make_person, make_user, helper):
    make_person("boss", is_superuser=True)
    row = automated(paired(requester, "boss", registered_phone()).user)
    post(helper, f"automation/{row.pk}/delete/", post="yes")
    assert not Automation.objects.exists()


def test_S44_a_link_leads_to_the_apps_page_of_the_person(make_user, helper):
    account = account_with(registered_phone(), make_user("alice"))
    page = f"{ROOT}user/{User.objects.get().pk}/change/"
    address = f'href="/admin/django_toopher/toopheraccount/{account.pk}/change/"'
    assert address in helper.get(page, secure=True).content.decode()
    helper.person.user_permissions.remove(Permission.objects.get(codename="view_toopheraccount"))
    assert address not in helper.get(page, secure=True).content.decode()


@pytest.mark.urls(__name__)
def test_S44_where_the_app_is_not_in_the_admin_there_is_no_link(make_user, superuser, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    account_with(registered_phone(), make_user("alice"))
    page = superuser.get(f"/bare/toopher_service/user/{User.objects.get().pk}/change/", secure=True).content.decode()
    assert "A user of this very site" in page
    assert "toopheraccount" not in page


def test_S44_a_service_alone_asks_no_app(make_person):
    carol = make_person("carol")
    assert own_site.accounts([carol])
    with modify_settings(INSTALLED_APPS={"remove": ["django_toopher"]}):
        assert own_site.accounts([carol]) == {}


def test_S44_of_whom_the_app_knows_nothing_only_the_page_is_there(own, helper):
    stranger = paired(own, "stranger", registered_phone()).user
    page = helper.get(f"{ROOT}user/{stranger.pk}/change/", secure=True).content.decode()
    assert "A user of this very site" in page


def test_S11_who_acts_as_somebody_else_changes_nothing_here(rf, admin_user):
    """As django-impersonate tells of it; both packages: ``tests/third_party``."""
    request = rf.get("/")
    request.user = admin_user
    doors = [
        admin.site._registry[Requester].has_change_permission,
        admin.site._registry[Automation].has_delete_permission,
        admin.site._registry[Alarm].has_settle_permission,
        *(getattr(admin.site._registry[User], f"has_{verb}_permission") for verb in VERBS),
    ]
    assert all(door(request) for door in doors)
    request.impersonator = admin_user
    assert not any(door(request) for door in doors)
