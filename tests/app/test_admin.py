"""Support's tools."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from datetime import timezone as zones

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from django_toopher import connection
from django_toopher.admin.attempts import REASONS
from django_toopher.errors import SecondFactorError
from django_toopher.models import Attempt, SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import AuthenticationRequest, Automation, User
from django_toopher.support import runs
from django_toopher.support.verbs import VERBS
from tests.factories import account_with
from tests.tables import table

from .acts import AUTHENTICATE, Statements, known, outcomes

ACCOUNTS = "/admin/django_toopher/toopheraccount/"
ATTEMPTS = "/admin/django_toopher/attempt/"
RUNS = "/admin/django_toopher/supportrun/"

PERMISSIONS = {name: verb.permission for name, verb in VERBS.items()}
ALL_BUT = {name: [each for each in PERMISSIONS.values() if each != PERMISSIONS[name]] for name in VERBS}
every_verb = table("verb", VERBS)


@pytest.fixture
def support(staff, computer):
    """The computer of somebody who may do everything."""
    computer.client.force_login(staff)
    return computer


@pytest.fixture
def people(make_user, make_phone):
    """Alice and bob, each with a phone, and carol, whom the service does not know yet; their accounts by name."""
    for name in ("alice", "bob"):
        account_with(make_phone(name), make_user(name))
    ToopherAccount.objects.create(user=make_user("carol"), name="carol")
    return {account.name: account for account in ToopherAccount.objects.all()}


def act(computer, action, *accounts, page=ACCOUNTS, confirm=True):
    """Choose an action on the list, as the page's form does, and say yes where that is asked; the run's page."""
    fields = {"action": f"toopher_{action}", "_selected_action": [account.pk for account in accounts]}
    response = computer.post(page, fields, follow=True)
    if not confirm or not response.redirect_chain:
        return response
    run = page_of(response)
    for press in ("confirm", "step") if "run" in response.context and not response.context["run"].confirmed else ():
        response = computer.post(run, {"press": press}, follow=True)
    return response


def page_of(response) -> str:
    return response.redirect_chain[-1][0].partition("#")[0]


def told(response) -> dict[str, tuple[str, str]]:
    """What the run's page says of each person."""
    return {item.account.name: (item.outcome, item.why) for item in response.context["page"]}


def state(name: str) -> tuple[bool, bool, int]:
    """What the account and the service say: enabled here and there, phones there."""
    account, user = ToopherAccount.objects.get(name=name), User.objects.get(name=name)
    return account.enabled, user.toopher_authentication_enabled, user.pairings.enabled().count()


@pytest.fixture
def make_helper(make_user, make_computer):
    """Makes support people with some permissions; their computers."""

    def make(*permissions, name="helper"):
        helper = make_user(name, is_staff=True)
        helper.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        computer = make_computer()
        computer.client.force_login(helper)
        computer.user = helper
        return computer

    return make


# Actions


def test_disable_and_enable(people, support):
    alice, bob = people["alice"], people["bob"]
    assert told(act(support, "disable", alice)) == {"alice": ("done", "")}
    assert (state("alice"), state("bob")) == ((False, False, 1), (True, True, 1))
    assert told(act(support, "enable", alice, bob)) == {
        "alice": ("done", ""),
        "bob": ("skipped", "the second factor is on already"),
    }
    assert (state("alice"), state("bob")) == ((True, True, 1), (True, True, 1))


def test_reset_removes_all_phones_and_voids_what_is_pending(people, support, make_computer):
    make_computer().password("alice")
    before = people["alice"].generation
    act(support, "reset", people["alice"])
    alice = ToopherAccount.objects.get(name="alice")
    assert state("alice") == (True, True, 0)
    assert (alice.paired, alice.pairing_id, alice.generation) == (False, "", before + 1)
    assert outcomes() == [("pending", "")]
    other = make_computer()
    other.password("alice")
    assert other.is_logged_in()


def test_a_reset_link_is_mailed(people, support):
    before = len(mail.outbox)
    response = act(support, "send_reset_link", people["alice"], people["carol"])
    assert told(response) == {
        "alice": ("done", "alice@example.com: alice"),
        "carol": ("skipped", "no phone is paired"),
    }
    assert [message.to for message in mail.outbox[before:]] == [["alice@example.com"]]


def test_refresh_takes_over_the_name_of_the_phone(people, support):
    act(support, "refresh", *people.values())
    assert dict(ToopherAccount.objects.values_list("name", "device")) == {"alice": "alice", "bob": "bob", "carol": ""}


@pytest.mark.parametrize("action", ["disable", "reset"])
def test_S16_a_page_names_the_people_and_asks_first(action, people, support):
    response = act(support, action, people["alice"], people["bob"], confirm=False)
    page = response.content.decode()
    assert "Yes, I’m sure" in page
    assert "alice" in page
    assert "bob@example.com" in page
    assert "carol" not in page
    assert (state("alice"), state("bob")) == ((True, True, 1), (True, True, 1))
    run = page_of(response)
    support.post(run, {"press": "step"})
    assert state("alice") == (True, True, 1)
    assert support.post(run, {"press": "discard"}, follow=True).status_code == 200
    assert not SupportRun.objects.exists()


@pytest.mark.parametrize("action", ["disable", "reset"])
def test_S16_a_confirmation_can_not_be_forged_from_elsewhere(action, people, support):
    run = page_of(act(support, action, people["alice"], confirm=False))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = support.client.cookies
    assert strict.post(run, {"press": "confirm"}, secure=True).status_code == 403
    assert SupportRun.objects.get().confirmed is None


def test_a_confirmed_run_is_not_discarded(people, support):
    run = page_of(act(support, "disable", people["alice"], confirm=False))
    support.post(run, {"press": "confirm"})
    response = support.post(run, {"press": "discard"}, follow=True)
    assert page_of(response) == run
    assert "Too late: it was confirmed before" in response.content.decode()
    assert SupportRun.objects.exists()


def test_many_are_done_in_steps_that_answer_in_json(people, support, make_user):
    others = [ToopherAccount.objects.for_user(make_user(f"u{number}")) for number in range(11)]
    run = page_of(act(support, "enable", *others))
    assert SupportItem.objects.filter(outcome="pending").count() == 11
    page = support.get(run).content.decode()
    assert 'max="11" value="0"' in page
    assert 'value="step"' in page
    reply = support.post(run, {"press": "step"}, headers={"Accept": "application/json"}).json()
    assert reply == {"total": 11, "pending": 0, "done": 0, "skipped": 11, "failed": 0, "settled": 11}
    assert 'value="step"' not in support.get(run).content.decode()


def test_without_scripts_a_button_does_each_step(people, support, make_user):
    others = [ToopherAccount.objects.for_user(make_user(f"u{number}")) for number in range(11)]
    run = page_of(act(support, "enable", *others))
    response = support.post(run, {"press": "step"}, follow=True)
    assert {outcome for outcome, _ in told(response).values()} == {"skipped"}


def test_S16_each_person_is_named_and_one_failure_stops_nobody(people, support):
    ToopherAccount.objects.filter(name="bob").update(name=" ")  # a name that no service takes
    broken = ToopherAccount.objects.get(name=" ")
    ToopherAccount.objects.filter(pk=broken.pk).update(toopher_user_id="")
    response = act(support, "disable", *people.values())
    assert told(response)["alice"] == told(response)["carol"] == ("done", "")
    assert told(response)[" "][0] == "failed"
    assert told(response)[" "][1].startswith("the service refused: ")
    assert ToopherAccount.objects.get(pk=broken.pk).enabled
    ToopherAccount.objects.filter(pk=broken.pk).update(name="bob")
    run = f"{RUNS}{SupportRun.objects.get().pk}/change/"
    for press in ("retry", "step"):
        response = support.post(run, {"press": press}, follow=True)
    assert {outcome for outcome, _ in told(response).values()} == {"done"}
    assert state("bob") == (False, False, 1)


def test_S16_a_service_that_is_down_changes_nothing_here(people, support, elsewhere):
    for _ in people:
        elsewhere.will_answer(b"", 500)
    response = act(support, "disable", *people.values())
    assert {outcome for outcome, _ in told(response).values()} == {"failed"}
    assert {*told(response)} == {*people}
    assert not ToopherAccount.objects.filter(enabled=False).exists()
    assert not LogEntry.objects.exists()


def test_S16_who_did_what_to_whom_is_logged(people, support, staff):
    for action in ("disable", "enable", "reset"):
        act(support, action, people["alice"], people["bob"])
    logged = [(entry.user, entry.object_id, entry.action_flag) for entry in LogEntry.objects.all()]
    assert sorted(logged, key=str) == sorted(
        [(staff, str(people[name].pk), CHANGE) for name in ("alice", "bob") for _ in range(3)], key=str
    )
    texts = {entry.get_change_message() for entry in LogEntry.objects.all()}
    assert texts == {"second factor disabled", "second factor enabled", "phones removed"}
    history = support.get(f"{ACCOUNTS}{people['alice'].pk}/history/").content.decode()
    assert "phones removed" in history


# Who may


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
    assert f'value="{verb}"' in computer.get(f"{ACCOUNTS}{people['alice'].pk}/change/").content.decode()
    assert told(act(computer, verb, people["alice"]))["alice"][0] == "done"


@every_verb
def test_the_button_on_a_persons_page_does_the_same(verb, people, support):
    response = support.post(f"{ACCOUNTS}{people['alice'].pk}/support/", {"verb": verb}, follow=True)
    assert response.context["run"].verb == verb
    assert [*told(response)] == ["alice"]


@table("verb", ["", "nonsense", "__class__"])
def test_a_button_that_there_is_not_does_nothing(verb, people, support):
    assert support.post(f"{ACCOUNTS}{people['alice'].pk}/support/", {"verb": verb}).status_code == 404
    assert support.get(f"{ACCOUNTS}{people['alice'].pk}/support/").status_code == 405


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


# Lists and pages


def test_accounts_are_neither_made_nor_edited_by_hand(people, support):
    assert support.get(f"{ACCOUNTS}add/").status_code == 403
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert support.get(page).status_code == 200
    support.post(page, {"name": "bob", "enabled": "", "paired": "", "toopher_user_id": "x"})
    alice = ToopherAccount.objects.get(pk=people["alice"].pk)
    assert (alice.name, alice.enabled, alice.paired) == ("alice", True, True)


def test_the_lists_show_people_and_find_them(people, support):
    page = support.get(f"{ACCOUNTS}?q=alice").content.decode()
    assert "alice" in page
    assert "bob" not in page
    assert support.get(f"{ATTEMPTS}?q=alice&outcome=granted").status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_S18_attempts_are_for_reading_only(method, people, support):
    attempt = Attempt.objects.first()
    paths = [f"{ATTEMPTS}add/", f"{ATTEMPTS}{attempt.pk}/delete/"]
    assert {getattr(support, method)(path).status_code for path in paths} == {403}
    before = Attempt.objects.filter(pk=attempt.pk).values().get()
    page = support.get(f"{ATTEMPTS}{attempt.pk}/change/")
    assert page.status_code == 200
    assert support.post(f"{ATTEMPTS}{attempt.pk}/change/", {"outcome": "granted"}).status_code == 403
    assert Attempt.objects.filter(pk=attempt.pk).values().get() == before
    for secret in (attempt.token_digest, attempt.auth_digest):
        assert secret not in page.content.decode()


def test_S18_attempts_are_not_deleted_from_the_list_either(people, support):
    attempt = Attempt.objects.first()
    support.post(ATTEMPTS, {"action": "delete_selected", "_selected_action": [attempt.pk], "post": "yes"})
    assert Attempt.objects.filter(pk=attempt.pk).exists()


def test_S17_attempts_are_seen_with_the_permission_only(people, make_user, computer):
    attempt = Attempt.objects.first()
    computer.client.force_login(make_user("helper", is_staff=True))
    assert computer.get(ATTEMPTS).status_code == 403
    assert computer.get(f"{ATTEMPTS}{attempt.pk}/change/").status_code == 403


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(people, support, make_user):
    def fill(count):
        users = [get_user_model()(username=f"u{count}-{number}") for number in range(count)]
        get_user_model().objects.bulk_create(users)
        ToopherAccount.objects.bulk_create(
            [ToopherAccount(user=each, name=each.username, name_digest=each.username) for each in users]
        )
        SupportRun.objects.bulk_create([SupportRun(verb="enable", by=each) for each in users])
        common = {"generation": 0, "action": "Log In", "expires": timezone.now(), "outcome": "granted"}
        Attempt.objects.bulk_create(
            [Attempt(user=each, username=each.username, token_digest=each.username, **common) for each in users]
        )

    def queries(page: str) -> int:
        with Statements() as statements:
            assert support.get(page).status_code == 200
        return len(statements.queries)

    fill(10)
    lists = [ACCOUNTS, ATTEMPTS, RUNS]
    support.get(ACCOUNTS)  # the session's first request has more to do
    few = [queries(page) for page in lists]
    fill(490)
    assert [queries(page) for page in lists] == few
    assert max(few) < 12


FILTERS = ["enabled__exact=0", "paired__exact=1", "used=30", "used=90", "used=old", "used=never", "deleted=1"]


@table(("query", "names"), [*zip(FILTERS, ["bob", "alice", "alice", "alice", "bob", "carol", ""], strict=True)])
def test_the_list_is_filtered(query, names, people, support):
    ToopherAccount.objects.exclude(name="alice").update(paired=False)
    ToopherAccount.objects.filter(name="bob").update(enabled=False)
    Attempt.objects.filter(username="bob").update(finished="2020-01-01T00:00:00Z")
    shown = support.get(f"{ACCOUNTS}?{query}").context["cl"].result_list
    assert " ".join(account.name for account in shown) == names


@table("column", range(1, 6))
def test_the_list_is_sorted_by_each_column(column, people, support):
    assert support.get(f"{ACCOUNTS}?o={column}").status_code == 200


@table("query", ["alice", "alice@example.com", "{pairing}", "{user}"])
def test_people_are_found_by_name_address_and_ids(query, people, support):
    alice = people["alice"]
    query = query.format(pairing=alice.pairing_id, user=alice.toopher_user_id)
    assert [*support.get(f"{ACCOUNTS}?q={query}").context["cl"].result_list] == [alice]


def test_a_persons_page_shows_what_the_service_says_now(people, support, settings):
    alice = people["alice"]
    connection.api().authenticate("alice", "the secret id", "Log In", terminal_name="Laptop")
    asked = AuthenticationRequest.objects.select_related("user", "terminal").get()
    Automation.objects.create(
        user=asked.user, terminal=asked.terminal, terminal_digest=asked.terminal.extra_digest, action=asked.action,
        pairing=asked.user.pairings.get(), answer="allow", expires=timezone.now() + timedelta(days=1),
        network="192.0.2.0/24", last_used=datetime(2026, 1, 31, 23, 30, tzinfo=zones.utc),
    )  # fmt: skip
    settings.TIME_ZONE = "Asia/Tokyo"
    page = support.get(f"{ACCOUNTS}{alice.pk}/change/").content.decode()
    for shown in ("Laptop", "192.0.2.0/24", "Manage phones", "The second factor is on.", "Feb. 1, 2026, 8:30 a.m."):
        assert shown in page
    assert "<td>yes</td>" in page
    assert "UTC" not in page
    assert "the secret id" not in page


def reasons(error=SecondFactorError):
    """What an attempt may say of why it did not succeed."""
    return {error.reason}.union(*map(reasons, error.__subclasses__()))


@table("reason", [*sorted(reasons()), "abandoned"])
def test_a_reason_is_told_in_words(reason, people, support):
    Attempt.objects.filter(user=people["alice"].user).update(outcome="failed", reason=reason)
    attempt = Attempt.objects.filter(reason=reason).first()
    for page in (f"{ACCOUNTS}{people['alice'].pk}/change/", ATTEMPTS, f"{ATTEMPTS}{attempt.pk}/change/"):
        assert str(REASONS[reason]).replace("'", "&#x27;") in support.get(page).content.decode()


def test_an_attempt_that_nobody_finished_ran_out(people, support):
    Attempt.objects.filter(user=people["alice"].user).update(outcome="pending")
    assert "the time ran out" not in support.get(ATTEMPTS).content.decode()
    Attempt.objects.filter(user=people["alice"].user).update(expires=timezone.now())
    assert "the time ran out" in support.get(ATTEMPTS).content.decode()


def test_an_attempt_that_was_granted_needs_no_reason(people, support):
    attempt = Attempt.objects.filter(outcome="granted").first()
    page = support.get(f"{ATTEMPTS}{attempt.pk}/change/").content.decode()
    assert re.search(r"Reason:.*?readonly\">-<", page, re.DOTALL)


def test_a_person_who_never_used_it_has_a_page_without_raw_values(people, support):
    page = support.get(f"{ACCOUNTS}{people['carol'].pk}/change/").content.decode()
    assert ">None<" not in page


def test_a_persons_page_says_where_the_service_disagrees(people, support):
    User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    page = support.get(f"{ACCOUNTS}{people['alice'].pk}/change/").content.decode()
    assert "That is not what is known here" in page


def test_a_persons_page_survives_a_service_that_is_down(people, support, elsewhere):
    elsewhere.will_answer(b"<html>", 500)
    response = support.get(f"{ACCOUNTS}{people['alice'].pk}/change/")
    assert response.status_code == 200
    page = response.content.decode()
    assert "The service did not answer as it should" in page
    assert "Manage phones" in page
    assert len(elsewhere.received) == 1  # who does not answer once is not asked more


def test_S17_attempts_on_a_persons_page_need_their_own_permission(people, make_helper):
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert "Manage phones" not in make_helper("view_toopheraccount").get(page).content.decode()
    allowed = make_helper("view_toopheraccount", "view_attempt", name="auditor")
    assert "Manage phones" in allowed.get(page).content.decode()


def test_the_account_of_a_deleted_user_has_a_page(people, support):
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert "The account stays" not in support.get(page).content.decode()
    people["alice"].user.delete()
    assert "The account stays" in support.get(page).content.decode()
    assert "alice (deleted)" in support.get(ACCOUNTS).content.decode()
    for deleted, names in {"0": ["bob", "carol"], "1": ["alice"], "2": ["alice", "bob", "carol"]}.items():
        found = support.get(f"{ACCOUNTS}?deleted={deleted}").context["cl"].result_list
        assert [account.name for account in found] == names
    assert told(act(support, "reset", people["alice"]))["alice"] == ("done", "")


# Export


def exported(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return [*csv.reader(io.StringIO(text, newline=""))]


def test_attempts_are_exported_as_the_list_shows_them(people, support):
    response = support.get(f"{ATTEMPTS}export/?q=alice&outcome__exact=granted")
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="attempts-')
    header, *rows = exported(response)
    assert header[:5] == ["created", "username", "kind", "action", "outcome"]
    assert [row[1:5] for row in rows] == [["alice", "pairing", "Manage phones", "granted"]]


def test_chosen_attempts_are_exported(people, support):
    chosen = Attempt.objects.filter(username="bob").first()
    response = support.post(ATTEMPTS, {"action": "export_selected", "_selected_action": [chosen.pk]})
    assert [row[1] for row in exported(response)[1:]] == ["bob"]


@table("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1"])
def test_no_cell_of_an_export_is_a_formula(start, people, support):
    Attempt.objects.update(browser=start, username=start)
    for row in exported(support.get(f"{ATTEMPTS}export/"))[1:]:
        assert row[1] == row[8] == f"'{start}"


def test_no_cell_of_an_export_is_parted_at_a_semicolon(people, support):
    Attempt.objects.update(browser="Mozilla/5.0 (X11;=1+1")  # a spreadsheet may part bare cells there
    text = b"".join(support.get(f"{ATTEMPTS}export/").streaming_content).decode()
    assert '"Mozilla/5.0 (X11;=1+1"' in text


def test_S18_an_export_has_no_digest(people, support):
    attempt = Attempt.objects.first()
    text = b"".join(support.get(f"{ATTEMPTS}export/").streaming_content).decode()
    assert attempt.token_digest not in text
    assert attempt.auth_digest not in text


def test_a_large_export_is_read_piece_by_piece(people, support, monkeypatch):
    monkeypatch.setattr("django_toopher.admin.attempts.CHUNK", 1)
    pieces = [*support.get(f"{ATTEMPTS}export/").streaming_content]
    assert len(pieces) == 3


def test_S17_an_export_needs_the_permission(people, make_helper):
    assert make_helper("view_toopheraccount").get(f"{ATTEMPTS}export/").status_code == 403
    assert make_helper("view_attempt", name="auditor").get(f"{ATTEMPTS}export/").status_code == 200


def test_a_wrong_filter_exports_nothing(people, support):
    assert support.get(f"{ATTEMPTS}export/?nonsense=1").status_code == 404


@table("page", [ACCOUNTS, ATTEMPTS, RUNS])
def test_a_page_of_nobody_is_not_found(page, support):
    response = support.get(f"{page}00000000-0000-4000-8000-000000000000/change/", follow=True)
    assert response.status_code in {200, 404}  # the admin's own pages go back to its index
