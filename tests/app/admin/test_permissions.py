"""Who may do what at the support desk (SECURITY.md S16, S17)."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from django_toopher.models import Attempt, SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import runs
from django_toopher.support.verbs import VERBS
from tests.tables import table

from ..acts import AUTHENTICATE, known
from .desk import ACCOUNTS, ATTEMPTS, RUNS, act, every_verb, page_of, state, told

PERMISSIONS = {name: verb.permission for name, verb in VERBS.items()}
ALL_BUT = {name: [each for each in PERMISSIONS.values() if each != PERMISSIONS[name]] for name in VERBS}


@every_verb
@table("permissions", [[], ["view_toopheraccount"], ["view_toopheraccount", "change_toopheraccount"]])
def test_S16_without_the_permission_nothing_is_done(permissions, verb, people, make_helper):
    alice = people["alice"]
    computer = make_helper(*permissions, *ALL_BUT[verb])
    before = [state("alice"), known(alice)]
    may_look = bool(permissions)
    assert act(computer, verb, alice).status_code == (200 if may_look else 403)
    assert computer.post(f"{ACCOUNTS}{alice.pk}/support/", {"verb": verb}).status_code == 403
    if may_look:
        assert f'value="{verb}"' not in computer.get(f"{ACCOUNTS}{alice.pk}/change/").content.decode()
        assert f"toopher_{verb}" not in computer.get(ACCOUNTS).content.decode()
    assert [state("alice"), known(alice)] == before
    assert not LogEntry.objects.exists()
    assert not SupportRun.objects.exists()


@every_verb
def test_S16_with_the_permission_it_is_done(verb, people, make_helper):
    computer = make_helper("view_toopheraccount", PERMISSIONS[verb])
    if verb == "enable":
        ToopherAccount.objects.filter(name="alice").update(enabled=False)
        User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    if verb == "lift":
        User.objects.filter(name="alice").update(failures=1)
    assert f'value="{verb}"' in computer.get(f"{ACCOUNTS}{people['alice'].pk}/change/").content.decode()
    assert told(act(computer, verb, people["alice"]))["alice"][0] == "done"


@every_verb
def test_S16_S17_a_run_is_seen_and_carried_on_with_its_permission_only(verb, people, support, make_helper):
    run = runs.create(VERBS[verb], [people["alice"]])
    page = f"{RUNS}{run.pk}/change/"
    before = state("alice")
    for permissions in ([], ["view_toopheraccount", "view_supportrun", "change_supportrun", *ALL_BUT[verb]]):
        computer = make_helper(*permissions, name=f"helper{len(permissions)}")
        assert computer.get(page).status_code in {403, 404}
        for press in ("confirm", "step", "retry", "discard"):
            assert computer.post(page, {"press": press}).status_code in {403, 404}
        assert str(run.pk) not in computer.get(RUNS).content.decode()
    assert (state("alice"), run.items.get().outcome) == (before, "pending")
    colleague = make_helper(PERMISSIONS[verb], name="colleague")
    assert str(run.pk) in colleague.get(RUNS).content.decode()
    assert colleague.get(page).status_code == 200


def test_S16_a_permission_that_was_taken_away_meanwhile_stops_the_run(people, make_helper):
    computer = make_helper("view_toopheraccount", "disable_account", "enable_account")
    run = page_of(act(computer, "disable", people["alice"], confirm=False))
    computer.post(run, {"press": "confirm"})
    computer.user.user_permissions.remove(Permission.objects.get(codename="disable_account"))
    assert computer.post(run, {"press": "step"}).status_code == 404
    assert state("alice") == (True, True, 1)


def test_S16_who_carries_a_run_on_is_who_is_logged_and_judged(people, staff, make_helper, make_user):
    people["alice"].user.is_superuser = True
    people["alice"].user.save()
    run = runs.create(VERBS["disable"], [people["alice"], people["bob"]], staff)
    computer = make_helper("disable_account")
    for press in ("confirm", "step"):
        response = computer.post(f"{RUNS}{run.pk}/change/", {"press": press}, follow=True)
    assert told(response)["alice"] == ("skipped", "a superuser: only another superuser can do that")
    assert told(response)["bob"] == ("done", "")
    assert [entry.user for entry in LogEntry.objects.all()] == [computer.user]


def test_S16_support_that_lacks_its_own_second_factor_does_nothing(people, make_computer):
    alice = people["alice"]
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    run = runs.create(VERBS["disable"], [people["bob"]], alice.user)
    computer = make_computer()
    computer.client.force_login(alice.user)  # password only, though a phone is paired
    pages = [
        computer.post(ACCOUNTS, {"action": "toopher_reset", "_selected_action": [alice.pk]}),
        *[computer.post(f"{RUNS}{run.pk}/change/", {"press": press}) for press in ("confirm", "step")],
        computer.get(f"{ATTEMPTS}export/"),
    ]
    assert {page.status_code // 100 for page in pages} <= {3, 4}
    assert {page.get("Location", AUTHENTICATE) for page in pages} == {AUTHENTICATE}
    assert (state("alice"), state("bob")) == ((True, True, 1), (True, True, 1))


def test_S16_anonymous_visitors_get_nowhere(people, computer):
    run = runs.create(VERBS["disable"], [people["bob"]])
    for page in (f"{RUNS}{run.pk}/change/", f"{ACCOUNTS}{people['bob'].pk}/support/", f"{ATTEMPTS}export/"):
        for response in (computer.get(page), computer.post(page, {"press": "confirm", "verb": "enable"})):
            assert response.status_code == 302
            assert "/admin/login/" in response["Location"]
    assert SupportRun.objects.get().confirmed is None


def test_S17_attempts_are_seen_with_the_permission_only(people, make_user, computer):
    attempt = Attempt.objects.first()
    computer.client.force_login(make_user("helper", is_staff=True))
    assert computer.get(ATTEMPTS).status_code == 403
    assert computer.get(f"{ATTEMPTS}{attempt.pk}/change/").status_code == 403


def test_S17_attempts_on_a_persons_page_need_their_own_permission(people, make_helper):
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert "Manage phones" not in make_helper("view_toopheraccount").get(page).content.decode()
    allowed = make_helper("view_toopheraccount", "view_attempt", name="auditor")
    assert "Manage phones" in allowed.get(page).content.decode()


def test_S17_an_export_needs_the_permission(people, make_helper):
    assert make_helper("view_toopheraccount").get(f"{ATTEMPTS}export/").status_code == 403
    assert make_helper("view_attempt", name="auditor").get(f"{ATTEMPTS}export/").status_code == 200
