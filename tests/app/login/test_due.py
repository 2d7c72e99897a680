"""Who has a second factor at the service is asked for it, whatever the site remembers (SECURITY.md S37)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher import signals
from django_toopher.connection import api
from django_toopher.login import due
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import PregeneratedCode, User
from django_toopher.session.state import LET_IN
from django_toopher.support import verbs
from tests.factories import paired, requester_of
from tests.service.callers import at_once
from tests.tables import table

from ..acts import ACCOUNT, AUTHENTICATE, LOGIN, Statements, reason_of
from ..middleware.clock import later

pytestmark = pytest.mark.urls("tests.app.urls")

EMBEDS = ["iframe", "redirect", "native"]


@pytest.fixture
def unheard(alice, phone):
    """Alice, whose phone was paired without this site hearing of it."""
    paired(requester_of(), "alice", phone)
    return alice


def by_login_page(browser, user):
    return browser.password(user.username, next_url="/members/")


def by_admin(browser, user):
    type(user).objects.update(is_staff=True)
    fields = {"username": user.username, "password": "password"}
    assert browser.post("/admin/login/?next=/members/", fields)["Location"] == "/members/"
    return browser.get("/members/")


def by_other_code(browser, user):
    browser.client.force_login(user)
    return browser.get("/members/")


def by_script(browser, user):
    browser.client.force_login(user)
    assert browser.get("/members/", headers={"Accept": "application/json"}).status_code == 403
    return browser.get(AUTHENTICATE, data={"next": "/members/"})


def by_the_page_that_asks(browser, user):
    browser.client.force_login(user)
    response = browser.get(AUTHENTICATE, data={"next": "/members/"})
    return response if response["Location"] != "/members/" else browser.get("/members/")


IN = {
    "login page": by_login_page,
    "admin": by_admin,
    "other code": by_other_code,
    "page that asks": by_the_page_that_asks,
}
every_way_in = pytest.mark.parametrize("way", IN.values(), ids=IN)


@every_way_in
@pytest.mark.parametrize("embed", EMBEDS)
def test_S37_a_phone_that_the_site_has_not_heard_of_is_asked(way, embed, unheard, browser, calls, settings):
    settings.TOOPHER_EMBED = embed
    assert way(browser, unheard)["Location"] == AUTHENTICATE
    assert calls == ["GET users"]
    account = ToopherAccount.objects.get(user=unheard)
    assert (account.paired, account.toopher_user_id) == (True, str(User.objects.get().pk))
    assert not browser.is_logged_in()
    assert calls == ["GET users"]  # it is known now


def test_S37_the_phone_that_was_found_lets_in(unheard, computer, phone):
    assert computer.log_in(phone, next_url="/members/")["Location"] == "/members/"
    assert computer.is_logged_in()


def test_S37_a_script_is_told(unheard, browser):
    assert by_script(browser, unheard)["Location"] == AUTHENTICATE


@every_way_in
def test_S37_who_has_none_is_looked_up_once_for_each_login(way, alice, browser, calls, monkeypatch):
    for number in (1, 2):
        way(browser, alice)
        assert browser.is_logged_in()
        assert calls == ["GET users"] * number
    for seconds in (61, 3600):  # renewals
        later(seconds, monkeypatch)
        assert browser.is_logged_in()
    assert LET_IN in browser.client.session
    assert calls == ["GET users"] * 2


def test_S37_a_page_and_a_renewal_of_who_has_none_cost_what_they_did(alice, computer, monkeypatch):
    computer.password()
    costs = []
    for seconds in (0, 0, 61):
        later(seconds, monkeypatch)
        with Statements() as statements:
            assert computer.is_logged_in()
        costs.append(len([query for query in statements.queries if "django_toopher" in query]))
    assert costs == [1, 0, 1]


def test_S37_whose_phone_is_known_is_not_looked_up(account, computer, calls):
    with Statements() as statements:
        assert computer.password()["Location"] == AUTHENTICATE
    assert calls == []
    assert not [query for query in statements.queries if "toopher_service" in query]


def test_S37_whom_the_policy_wants_is_not_looked_up(alice, computer, calls, settings):
    settings.TOOPHER_POLICY = "required"
    assert computer.password()["Location"] == AUTHENTICATE
    assert calls == []


def test_S37_a_grace_period_ends_where_there_is_a_phone(unheard, computer, settings):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    assert computer.password()["Location"] == AUTHENTICATE


def test_S37_a_session_that_was_let_in_is_asked_once_the_phone_is_found(
    alice, make_computer, phone, django_capture_on_commit_callbacks, monkeypatch
):
    first, second = make_computer(), make_computer()
    first.password()
    assert first.is_logged_in()
    paired(requester_of(), "alice", phone)
    heard = []
    signals.paired.connect(lambda **told: heard.append(told["account"]), weak=False, dispatch_uid="S37")
    with django_capture_on_commit_callbacks(execute=True):
        assert second.password()["Location"] == AUTHENTICATE
    signals.paired.disconnect(dispatch_uid="S37")
    assert heard == [ToopherAccount.objects.get()]
    later(61, monkeypatch)
    assert first.get("/members/")["Location"] == AUTHENTICATE


@table("used_up", [False, True])
def test_S37_a_list_of_codes_is_a_second_factor_used_up_or_not(used_up, alice, make_computer):
    api().post("users/activate_next_otp_list", user_name="alice", create_user_if_needed=True)
    if used_up:
        PregeneratedCode.objects.all().delete()
    computer = make_computer()
    assert computer.password()["Location"] == AUTHENTICATE
    account = ToopherAccount.objects.get()
    assert account.paired
    verbs.refresh(account, api())
    assert account.paired
    verbs.reset(account, api())
    assert computer.password()["Location"] == "/"


def test_S37_support_resets_who_has_used_up_a_list_that_nobody_heard_of(alice, computer):
    api().post("users/activate_next_otp_list", user_name="alice", create_user_if_needed=True)
    PregeneratedCode.objects.all().delete()
    verbs.reset(ToopherAccount.objects.for_user(alice), api())
    assert computer.password()["Location"] == "/"


# Who was switched off


def test_S37_who_is_switched_off_here_but_not_at_the_service_is_asked(account, computer):
    ToopherAccount.objects.update(enabled=False)
    assert computer.password()["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().enabled


def test_S37_who_is_switched_off_at_the_service_too_is_let_in_and_looked_up_once(account, computer, calls):
    verbs.carry_out(verbs.VERBS["disable"], account, api())
    calls.clear()
    computer.password()
    assert computer.is_logged_in()
    assert calls == [f"GET users/{account.toopher_user_id}"]


def test_S37_who_is_switched_off_at_the_service_alone_gets_in_where_that_is_allowed(unheard, make_computer, settings):
    api().disable_user("alice")
    assert make_computer().password()["Location"] == "/"
    settings.TOOPHER_ALLOW_OPT_OUT = False
    assert make_computer().password()["Location"] == AUTHENTICATE


# Names


@table("name", ["Alice", " alice", "alice ", "ALICE", "alic\u00e9"])
def test_S12_S37_a_phone_of_another_spelling_is_nobodys(name, alice, computer, make_phone):
    paired(requester_of(), name, make_phone())
    assert computer.twin().password()["Location"] == "/"


@table("name", ["|", "a&b=c", "a\nb", "\u00e4\u20ac\U0001f511", "../users", "%00", "x" * 150, "\ufffd", "0", " "])
def test_S37_a_name_may_have_any_characters(name, make_user, computer, make_phone):
    user = make_user(name, email="")
    computer.client.force_login(user)
    assert computer.is_logged_in()
    if name not in {"\ufffd", " "}:  # which the service takes of nobody
        paired(requester_of(), name, make_phone())
        computer.client.force_login(user)
        assert not computer.is_logged_in()


@table("name", ["", "x" * 256, "a\0b"])
def test_S37_whom_nobody_can_know_by_name_is_not_looked_up(name, alice, rf, calls):
    alice.username = name
    assert due.is_due(rf.get("/"), alice) is False
    assert (calls, ToopherAccount.objects.count()) == ([], 0)


def test_S37_who_was_renamed_is_known_by_the_old_name(alice, phone, computer):
    ToopherAccount.objects.create(user=alice, name="alice")
    paired(requester_of(), "alice", phone)
    type(alice).objects.update(username="alicia")
    assert computer.password("alicia")["Location"] == AUTHENTICATE


def test_S37_who_was_renamed_at_the_service_is_known_by_id(alice, phone, computer):
    user = paired(requester_of(), "alice", phone).user
    ToopherAccount.objects.create(user=alice, name="alice", toopher_user_id=str(user.pk))
    user.name = "alicia"
    user.save()
    assert computer.password()["Location"] == AUTHENTICATE


def test_S37_whose_id_is_known_no_more_is_found_by_name(unheard, computer, calls):
    ToopherAccount.objects.create(user=unheard, name="alice", toopher_user_id="0" * 36)
    assert computer.password()["Location"] == AUTHENTICATE
    assert [call.partition("/")[0] for call in calls] == ["GET users", "GET users"]


# Another service, which does not tell as much


def user_at(name="alice", **told):
    """How a service tells of a user."""
    return {"id": "u1", "name": name, "toopher_authentication_enabled": True, **told}


@table(
    ("told", "pairings", "asked"),
    [
        ({}, [{"id": "p1", "enabled": True}], True),
        ({}, [{"id": "p1", "enabled": False, "pending": True}], False),
        ({}, [], False),
        ({"number_of_pregenerated_otps_remaining": 3}, None, True),
        ({"has_second_factor": True}, None, True),
        ({"has_second_factor": False}, None, False),
    ],
)
def test_S37_another_service_is_asked_for_the_phones(told, pairings, asked, alice, computer, elsewhere):
    elsewhere.forget()
    elsewhere.will_answer([user_at("Alice", has_second_factor=True), user_at(**told)])
    if pairings is not None:
        elsewhere.will_answer(pairings)
    assert (computer.twin().password()["Location"] == AUTHENTICATE) is asked
    assert len(elsewhere.received) == (1 if pairings is None else 2)


# A service that is down, or answers something else


@pytest.fixture
def seen(alice):
    """Alice, whom the service had no phone of a day ago."""

    def make(ago=timedelta(days=1)):
        return ToopherAccount.objects.create(user=alice, name="alice", found_without=timezone.now() - ago)

    return make


def refused(response):
    return response.status_code == 503 and reason_of(response) == "service_down"


@pytest.mark.parametrize("way", [by_login_page, by_other_code])
def test_S15_S37_while_it_is_down_who_is_not_known_to_have_none_is_told_so(way, alice, browser, elsewhere):
    response = way(browser, alice)
    assert refused(response)
    assert "no-store" in response["Cache-Control"]
    assert LET_IN not in browser.client.session
    assert not browser.is_logged_in()
    assert refused(browser.get(AUTHENTICATE)) is (way is by_other_code)


def test_S15_S37_a_script_is_told_so_in_json(alice, browser, elsewhere):
    browser.client.force_login(alice)
    response = browser.get("/members/", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["reason"]) == (503, "service_down")


@pytest.mark.parametrize("way", [by_login_page, by_other_code])
@pytest.mark.parametrize(("days", "let_in"), [(29, True), (31, False)])
def test_S37_while_it_is_down_who_had_none_lately_gets_in(way, days, let_in, alice, browser, seen, elsewhere, caplog):
    seen(timedelta(days=days))
    assert refused(way(browser, alice)) is not let_in
    assert len(elsewhere.received) == (2 if let_in else 1)  # the other one is S42's
    assert browser.is_logged_in() is let_in
    assert ("let in without asking" in caplog.text) is let_in


def test_S37_while_it_is_down_fail_open_lets_in_who_is_not_known(alice, computer, elsewhere, settings, caplog):
    settings.TOOPHER_FAIL_OPEN = True
    assert computer.password()["Location"] == "/"
    assert "let in without asking" in caplog.text


BROKEN = {
    "HTML": {"content": b"<html>It works!</html>"},
    "no list": {"content": {}},
    "numbers": {"content": [1]},
    "a user without anything": {"content": [{"id": "u1", "name": "alice"}]},
    "a word for a flag": {"content": [user_at(has_second_factor="no")]},
    "no id": {"content": [user_at(id="")]},
    "a dot for an id": {"content": [user_at(id=".")]},
    "an id that can't be kept": {"content": [user_at(id="a\0b", has_second_factor=False)]},
    "a redirect": {"content": [], "status": 302},
    "404 as HTML": {"content": b"<h1>Not Found</h1>", "status": 404},
    "who are you": {"content": {"error_code": 401, "error_message": "not signed"}, "status": 401},
    "not so often": {"content": {"error_code": 429, "error_message": "slowly"}, "status": 429},
}


@table("answer", BROKEN.values(), ids=BROKEN)
def test_S37_S42_whoever_answers_something_else_lets_nobody_in(answer, alice, computer, seen, elsewhere, settings):
    settings.TOOPHER_FAIL_OPEN = True
    seen()
    elsewhere.forget()
    elsewhere.will_answer(**answer)
    elsewhere.will_answer(b"", 500)  # not even asked
    twin = computer.twin()
    assert refused(twin.password())
    assert len(elsewhere.received) == 1
    assert not dict(twin.client.session.items())


def test_S37_that_there_was_none_is_written_once_a_day_and_void_after_a_change(alice, computer):
    def written():
        return ToopherAccount.objects.values_list("found_without", flat=True).get()

    computer.password()
    first = written()
    computer.password()
    assert written() == first
    ToopherAccount.objects.update(found_without=first - timedelta(hours=25))
    computer.password()
    assert written() > first - timedelta(hours=1)
    ToopherAccount.objects.get().change(paired=True)
    assert written() is None


# What changes while the service is asked


@pytest.fixture
def meanwhile(monkeypatch):
    """Has something happen while the service is asked."""

    def arrange(change):
        ask = due.lookups.standing

        def standing(*args):
            told = ask(*args)
            change()
            return told

        monkeypatch.setattr(due.lookups, "standing", standing)

    return arrange


@pytest.mark.parametrize("way", [by_login_page, by_other_code])
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "x"}], ids=str)
def test_S07_S37_who_is_changed_while_the_service_is_asked_is_not_let_in(way, change, alice, computer, meanwhile):
    meanwhile(lambda: type(alice).objects.update(**change))
    response = way(computer, alice)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert LET_IN not in computer.client.session


def test_S37_a_phone_that_comes_while_the_service_is_asked_is_asked(alice, computer, meanwhile):
    meanwhile(lambda: ToopherAccount.objects.get().change(paired=True))
    assert computer.password()["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().found_without is None


def test_S37_what_was_told_does_not_undo_what_support_did_meanwhile(account, computer, meanwhile):
    ToopherAccount.objects.update(enabled=False)
    meanwhile(lambda: ToopherAccount.objects.get().change(enabled=False))
    assert computer.password()["Location"] == AUTHENTICATE
    assert not ToopherAccount.objects.get().enabled


def test_S37_two_logins_at_once_find_the_phone_once(threaded_db, restless, make_user, make_phone, make_computer):
    make_user("alice")
    paired(requester_of(), "alice", make_phone())
    computers = [make_computer(), make_computer()]
    places = at_once(*[lambda computer=computer: computer.password()["Location"] for computer in computers])
    assert places == [AUTHENTICATE] * 2
    account = ToopherAccount.objects.get()
    assert (account.paired, account.generation) == (True, 1)
    assert [*Attempt.objects.values_list("generation", flat=True)] == [1, 1]  # both can still be granted


# The account page


def test_S37_the_account_page_asks_the_phone_of_a_session_that_was_let_in(alice, computer, phone):
    computer.password()
    paired(requester_of(), "alice", phone)
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE


def test_S37_the_account_page_does_not_believe_that_it_is_switched_off(account, computer):
    verbs.carry_out(verbs.VERBS["disable"], account, api())
    computer.password()
    api().enable_user("alice")
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE


def test_S37_our_own_account_page_pairs_no_phone_beside_one_that_it_has_not_heard_of(
    alice, computer, phone, settings, calls
):
    settings.TOOPHER_EMBED = "native"
    computer.password()
    paired(requester_of(), "alice", phone)
    calls.clear()
    assert computer.post("/accounts/phones/change/", {"step": "pair"})["Location"] == ACCOUNT
    assert [each for each in calls if not each.startswith("GET users")] == []
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE


def test_S14_S37_a_login_page_that_is_only_seen_asks_nothing(db, browser, calls):
    browser.get(LOGIN)
    assert calls == []
