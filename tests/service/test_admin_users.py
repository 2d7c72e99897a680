"""What an operator does to the users of a site, in the admin: with the permission, asked first, logged, once."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from django_toopher.service import limits
from django_toopher.service.models import AuthenticationRequest, Frame, Tally, Terminal, User
from django_toopher.service.people import users
from django_toopher.service.people.verbs import VERBS, carry_out
from django_toopher.testing import verified_login
from tests.factories import paired, registered_phone, requester_of
from tests.tables import table

from .callers import at_once

USERS = "/admin/toopher_service/user/"
every_verb = table("verb", VERBS)
asked_first = table("verb", [name for name, verb in VERBS.items() if verb.question])


@pytest.fixture
def make_helper(make_user):
    """Makes people of the admin with some of the service's permissions; their browsers."""

    def make(*permissions, name="helper", **options):
        person = make_user(name, is_staff=True)
        allowed = Permission.objects.filter(content_type__app_label="toopher_service", codename__in=permissions)
        person.user_permissions.set(allowed)
        client = Client(**options)
        verified_login(client, person)
        client.person = person
        return client

    return make


@pytest.fixture
def helper(make_helper):
    """Somebody with all of the verbs' permissions."""
    return make_helper("view_user", *[verb.permission for verb in VERBS.values()])


@pytest.fixture
def user(requester):
    """Alice of a site elsewhere: with a phone, codes and an address; she is switched off and has to wait."""
    alice = paired(requester, "alice", registered_phone()).user
    now, later = timezone.now(), timezone.now() + timedelta(hours=1)
    fields = {"has_had_codes": True, "failures": 20, "blocked_until": later, "reported_until": later}
    User.objects.filter(pk=alice.pk).update(email="alice@example.com", toopher_authentication_enabled=False, **fields)
    asked = AuthenticationRequest(user=alice, terminal=Terminal.objects.create(user=alice, name="PC"))
    limits.count_request(asked, now)
    return User.objects.get(pk=alice.pk)


def choose(client, verb, *people, path=USERS, **fields):
    """Press the list's button, or a person's."""
    chosen = {"action": verb, "_selected_action": [str(each.pk) for each in people]}
    return client.post(path, {**chosen, **fields}, follow=True, secure=True)


def act(client, verb, *people):
    """And say yes, where that is asked."""
    response = choose(client, verb, *people)
    seen = (response.context or {}).get("seen")
    return choose(client, verb, *people, seen=seen) if seen else response


def told(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def state(user) -> list[object]:
    """All that a verb can change."""
    row = User.objects.filter(pk=user.pk).values("toopher_authentication_enabled", "failures", "has_had_codes")
    waits = User.objects.filter(pk=user.pk).values("blocked_until", "reported_until")
    return [row.first(), waits.first(), user.pairings.enabled().count(), Tally.objects.count()]


def needed(verb, user) -> None:
    """Have the verb change something."""
    User.objects.filter(pk=user.pk).update(toopher_authentication_enabled=verb != "enable")


def test_S44_switching_on(helper, user):
    assert "Second factor enabled: alice" in told(act(helper, "enable", user)).capitalize()
    user.refresh_from_db()
    assert user.toopher_authentication_enabled


def test_S44_switching_off(helper, user):
    needed("disable", user)
    act(helper, "disable", user)
    user.refresh_from_db()
    assert not user.toopher_authentication_enabled


def test_S44_a_reset_mails_and_closes_pages_as_the_sites_own_call_does(
    helper, user, mailoutbox, django_capture_on_commit_callbacks
):
    later = timezone.now() + timedelta(hours=1)
    page = Frame.objects.create(user=user, page=Frame.Page.MANAGE_USER, expires=later)
    with django_capture_on_commit_callbacks(execute=True):
        act(helper, "reset", user)
    assert not user.pairings.enabled().exists()
    assert [mail.to for mail in mailoutbox] == [["alice@example.com"]]
    page.refresh_from_db()
    assert page.expires <= timezone.now()


def test_S44_who_has_used_up_their_codes_can_be_reset_too(helper, user):
    user.pairings.all().delete()
    act(helper, "reset", user)
    user.refresh_from_db()
    assert not user.has_had_codes


def test_S44_lifting_a_wait(helper, user):
    act(helper, "lift", user)
    user.refresh_from_db()
    assert (user.failures, user.blocked_until, user.reported_until) == (0, None, None)
    assert not Tally.objects.filter(expires__gt=timezone.now()).exists()
    limits.require_not_blocked(AuthenticationRequest(user=user), timezone.now())
    assert user.pairings.enabled().exists()


def test_lifting_ends_the_wait_after_wrong_words(requester):
    alice, now = users.get_or_create(requester, "alice"), timezone.now()
    with pytest.raises(ZeroDivisionError), limits.phrase_tried(requester, "alice", now):
        1 / 0  # noqa: B018
    assert limits.lift(alice)
    assert not Tally.objects.filter(expires__gt=timezone.now()).exists()
    assert not limits.lift(alice)


@every_verb
def test_S44_the_admin_log_says_who_whom_and_when(verb, helper, user):
    needed(verb, user)
    act(helper, verb, user)
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.get_edited_object()) == (helper.person, user)
    assert entry.get_change_message() == str(VERBS[verb].done)


@every_verb
@table("permissions", [[], ["view_user"], ["view_user", "change_user", "delete_user", "add_user"]])
def test_S44_without_its_permission_nothing_is_done(verb, permissions, make_helper, user):
    needed(verb, user)
    others = [each.permission for name, each in VERBS.items() if name != verb]
    client, before = make_helper(*permissions, *others), state(user)
    for fields in ({}, {"seen": "x"}):
        assert choose(client, verb, user, **fields).status_code == 403
    if permissions:
        for page in (USERS, f"{USERS}{user.pk}/change/"):
            assert f'value="{verb}"' not in client.get(page, secure=True).content.decode()
    assert state(user) == before
    assert not LogEntry.objects.exists()


@table("permissions", [["change_user"], ["view_user", "change_user", "lift_wait", "disable_user"]])
def test_S44_nothing_is_edited_by_hand(permissions, make_helper, user):
    client, before = make_helper(*permissions), state(user)
    fields = {"email": "thief@example.com", "toopher_authentication_enabled": "", "failures": "0", "_save": "Save"}
    assert client.post(f"{USERS}{user.pk}/change/", fields, secure=True).status_code == 403
    assert (state(user), User.objects.get(pk=user.pk).email) == (before, "alice@example.com")


@asked_first
def test_S44_what_can_not_be_taken_back_is_asked_first(verb, helper, user):
    needed(verb, user)
    before = state(user)
    response = choose(helper, verb, user)
    page = unescape(response.content.decode())
    assert all(text in page for text in ("alice", "Site key", "Pixel", "row: 20", str(VERBS[verb].warning)[:20]))
    assert state(user) == before
    choose(helper, verb, user, seen="made up")
    assert state(user) == before


@asked_first
def test_S44_a_yes_can_not_be_forged_from_elsewhere(verb, make_helper, user):
    needed(verb, user)
    permissions = ["view_user", VERBS[verb].permission]
    seen = choose(make_helper(*permissions), verb, user).context["seen"]
    strict, before = make_helper(*permissions, name="strict", enforce_csrf_checks=True), state(user)
    assert choose(strict, verb, user, seen=seen).status_code == 403
    address = f"{USERS}?action={verb}&_selected_action={user.pk}&seen={seen}"
    strict.get(address, secure=True)
    assert state(user) == before


@asked_first
@table("news", [{"failures": 21}, {"toopher_authentication_enabled": None}, {"reported_until": None}, "phone", "gone"])
def test_S44_a_stale_page_does_nothing_and_asks_again(verb, news, helper, user, requester):
    needed(verb, user)
    other = users.get_or_create(requester, "bob")
    seen = choose(helper, verb, user, other).context["seen"]
    if news == "phone":
        paired(requester, "bob", registered_phone("Nokia"))
    elif news == "gone":
        User.objects.get(pk=other.pk).delete()
    else:
        was = user.toopher_authentication_enabled
        changed = {name: was if value is None and name != "reported_until" else value for name, value in news.items()}
        User.objects.filter(pk=user.pk).update(**changed)
    before = state(user)
    response = choose(helper, verb, user, other, seen=seen)
    assert "Nothing was done: something has changed" in told(response)
    assert ("1 of those who were chosen" in told(response)) == (news == "gone")
    assert (state(user), LogEntry.objects.count()) == (before, 0)
    assert response.context["seen"] != seen
    choose(helper, verb, user, other, seen=response.context["seen"])
    assert LogEntry.objects.filter(object_id=user.pk).exists() == (
        news != {"toopher_authentication_enabled": None} or verb != "disable"
    )


@every_verb
def test_S44_what_is_so_already_is_told_and_not_logged(verb, helper, user):
    needed(verb, user)
    act(helper, verb, user)
    before = state(user)
    assert str(VERBS[verb].unneeded) in told(act(helper, verb, user))
    assert (state(user), LogEntry.objects.count()) == (before, 1)


def test_S44_a_reset_of_nobody_lifts_no_wait(helper, user):
    user.pairings.all().delete()
    User.objects.update(has_had_codes=False)
    before = state(user)
    assert "no phone is paired: alice" in told(act(helper, "reset", user))
    assert state(user) == before


@every_verb
def test_S44_a_deleted_user_is_told(verb, helper, user):
    User.objects.get(pk=user.pk).delete()
    assert "Not there any more: 1" in told(choose(helper, verb, user, seen="x"))
    assert not LogEntry.objects.exists()


def test_S35_nobodys_primary_key_is_a_bad_request(helper, user):
    chosen = {"action": "lift", "_selected_action": ["x"]}
    assert helper.post(USERS, chosen, secure=True).status_code == 400


def test_S44_so_many_at_once_and_no_more(helper, requester):
    User.objects.bulk_create(User(requester=requester, name=f"u{n}", name_digest=f"{n}") for n in range(101))
    response = choose(helper, "disable", User.objects.first(), select_across="1")
    assert "at most 100" in told(response)
    assert not User.objects.filter(toopher_authentication_enabled=False).exists()


@every_verb
@table("key", ["embedded", "own key"])
@table("is_superuser", [False, True])
def test_S44_the_own_sites_users_are_to_look_at_only(verb, key, is_superuser, helper, user, settings, make_requester):
    if key != "embedded":
        make_requester(key)
        settings.TOOPHER_CONSUMER_KEY = key
    own = paired(requester_of(key), "carol", registered_phone()).user
    type(helper.person).objects.filter(pk=helper.person.pk).update(is_superuser=is_superuser)
    User.objects.filter(pk=own.pk).update(failures=5)
    needed(verb, own)
    needed(verb, user)
    before = state(own)
    response = act(helper, verb, own)
    assert "Users of this very site: use their page under Toopher accounts: carol" in told(response)
    assert state(own)[:3] == before[:3]
    response = choose(helper, verb, own, user)
    if VERBS[verb].question:
        assert [each.name for each, _lines in response.context["people"]] == ["alice"]
    act(helper, verb, own, user)
    assert state(own)[:3] == before[:3]
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(user.pk)}
    page = helper.get(f"{USERS}{own.pk}/change/", secure=True).content.decode()
    assert 'name="action"' not in page
    assert "A user of this very site" in page


@pytest.mark.parametrize("verb", VERBS)
def test_S44_of_two_at_the_same_moment_one_does_it(verb, threaded_db, make_requester):
    logged = []
    user = paired(make_requester(), "alice", registered_phone()).user
    User.objects.filter(pk=user.pk).update(failures=5)
    needed(verb, user)

    def press():
        return carry_out(VERBS[verb], User.objects.get(pk=user.pk), lambda: logged.append(verb))

    assert sorted(at_once(press, press)) == [False, True]
    assert logged == [verb]
