"""The person's own page: phones, computers, recent sign-ins, and an end to other sessions' marks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from django_toopher.account import views
from django_toopher.client import ServiceUnavailableError, ToopherApi
from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Terminal
from django_toopher.session import generation
from django_toopher.session.state import LET_IN, GENERATION, VERIFIED
from tests.drivers import Frame, attribute
from tests.factories import account_with
from tests.factories import verified as verified_computer
from tests.tables import table

from ..acts import (
    ACCOUNT,
    ACCOUNT_POSTBACK,
    AUTHENTICATE,
    POSTBACK,
    Statements,
    pair,
    pairing,
    remove,
    signed_parameters,
)
from ..ways import confirmed_page

CODES = "/accounts/phones/codes/"
COMPUTER = "/accounts/phones/computer/"
LOST = "/accounts/phones/lost/"
RECOVER = "/accounts/recover/"
OTHERS = "/accounts/phones/sign-out-others/"
WINDOWS = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0"}
MAC = {"User-Agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1"}

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture
def windows(account, make_computer, phone):
    """Alice's Windows computer, logged in with the phone."""
    computer = make_computer(**WINDOWS)
    computer.log_in(phone)
    return computer


@pytest.fixture
def mac(windows, make_computer, phone):
    """Her Mac, too."""
    computer = make_computer(**MAC)
    computer.log_in(phone)
    return computer


@pytest.fixture
def verified(account, make_computer):
    """A computer of Alice's, the second factor passed; the service knows nothing of it."""
    return verified_computer(make_computer(), account.user)


@pytest.fixture
def another(verified, account, make_computer):
    """Another one, too."""
    return verified_computer(make_computer(), account.user)


def page_of(computer) -> str:
    return computer.get(ACCOUNT).content.decode()


def time_passes(computer, seconds):
    """For the mark, which is compared with the account now and then."""
    kept = computer.client.session
    kept[GENERATION] = [kept[GENERATION][0], kept[GENERATION][1] - seconds]
    kept.save()


def an_hour_passes(computer):
    """Until the mark is compared with the account the next time."""
    time_passes(computer, 3600)


# Recent sign-ins


def test_recent_sign_ins_say_when_where_and_how(windows, mac, phone):
    page = page_of(windows)
    assert page.count("granted: phone") == 2
    assert "Firefox on Windows" in page
    assert "Safari on Mac" in page
    assert "127.0.0.1" in page


def test_a_denied_sign_in_is_listed_and_a_waiting_one_is_not(windows, make_computer, phone):
    other = make_computer()
    other.password()
    assert page_of(windows).count("toopher-badge toopher-") == 1
    frame = other.open_iframe()
    frame.deny(phone)
    other.post(POSTBACK, frame.poll()["postback"])
    assert page_of(windows).count("toopher-badge toopher-denied") == 1


def test_S17_the_page_shows_ones_own_only(windows, make_user, make_computer, make_phone):
    bobs, phone = make_computer(**MAC), make_phone("Bob's")
    account_with(phone, make_user("bob"))
    bobs.log_in(phone, "bob")
    assert "Safari on Mac" not in page_of(windows)
    assert "Firefox on Windows" not in page_of(bobs)


# Computers


def test_computers_are_listed_once_and_this_one_is_marked(windows, mac, phone):
    windows.log_in(phone)
    page = page_of(windows)
    assert page.count('name="computer"') == 2
    windows, mac = page.index("<strong>Firefox on Windows</strong>"), page.index("<strong>Safari on Mac</strong>")
    assert windows < page.index("this one") < mac


def computer_of(computer) -> str:
    """The service's id of the computer, as its own page tells it."""
    page = page_of(computer)
    return attribute(page.partition("toopher_computers")[2].partition('name="computer"')[2], "value")


def test_a_computer_keeps_the_name_that_it_was_given(windows, phone):
    assert windows.post(COMPUTER, {"computer": computer_of(windows), "name": " My  de\0sk "})["Location"] == ACCOUNT
    assert "<strong>My desk</strong>" in page_of(windows)
    assert Terminal.objects.get().name == "My desk"
    windows.password()
    assert signed_parameters(windows)["terminal_name"] == "My desk"
    windows.log_in(phone)
    assert Terminal.objects.get().name == "My desk"


def test_S27_a_forgotten_computer_is_another_one_afterwards(windows):
    secret = Terminal.objects.get().extra
    windows.post(COMPUTER, {"computer": computer_of(windows), "forget": "1"})
    assert Terminal.objects.get().extra not in {"", secret}
    assert "toopher_computers" not in page_of(windows)
    assert "Recent sign-ins" in page_of(windows)


@pytest.mark.parametrize("action", [{"name": "Mine now"}, {"forget": "1"}], ids=str)
def test_S17_anothers_computer_is_not_changed(action, windows, make_user, make_computer, make_phone):
    theirs = computer_of(windows)
    before = [*Terminal.objects.values_list("name", "extra")]
    bobs = verified_computer(make_computer(**MAC), account_with(make_phone("Bob's"), make_user("bob")).user)
    for computer in (theirs, "", "x", "../users/reset", "\0"):
        bobs.post(COMPUTER, {"computer": computer, **action})
        assert "not in your list" in page_of(bobs)
    assert [*Terminal.objects.filter(user__name="alice").values_list("name", "extra")] == before


def test_a_blank_name_changes_nothing(windows):
    windows.post(COMPUTER, {"computer": computer_of(windows), "name": "  "})
    assert Terminal.objects.get().name == "Firefox on Windows"


@pytest.mark.parametrize("path", [COMPUTER, OTHERS])
def test_S08_only_a_verified_session_changes_anything(path, account, computer, make_computer):
    half, forced = computer, make_computer()
    half.password()
    forced.client.force_login(account.user)
    before = ToopherAccount.objects.get().generation
    for each in (half, forced, make_computer()):
        assert each.post(path).status_code in {302, 303, 403}
    assert ToopherAccount.objects.get().generation == before


# Other sessions


def test_another_session_has_to_confirm_again_after_a_change_of_phones(verified, another, make_phone):
    assert verified.post(ACCOUNT_POSTBACK, pairing(verified, make_phone("new"))).status_code == 302
    an_hour_passes(another)
    assert another.get("/members/")["Location"] == AUTHENTICATE
    assert VERIFIED not in another.client.session
    an_hour_passes(verified)
    assert verified.is_logged_in()


def test_a_removed_phone_ends_other_marks_too(verified, another, make_phone):
    verified.post(ACCOUNT_POSTBACK, pairing(verified, make_phone("new")))
    verified.post(ACCOUNT_POSTBACK, remove(verified))
    an_hour_passes(another)
    assert not another.is_logged_in()
    assert verified.is_logged_in()


def test_S08_a_page_that_the_password_alone_has_opened_manages_no_phone_that_comes_meanwhile(
    alice, make_computer, phone, make_phone
):
    thief, owner = make_computer(), make_computer()
    thief.password()
    frame = thief.open_iframe(ACCOUNT)
    link = frame.call("pair")["link"]
    pair(owner, phone)
    here = phone.account().id
    with pytest.raises(Exception, match="answered already"):
        make_phone("thief").pair_link(link)
    for call, fields in {"remove": {}, "rename": {"name": "x"}, "reset": {}, "switch": {"enabled": "true"}}.items():
        assert frame.call(call, pairing=here, **fields)["reason"] == "gone"
    assert phone.account().id == here


def test_S08_a_page_that_the_password_alone_has_opened_tells_of_no_phone(alice, computer, phone, embedded_api):
    computer.password()
    embedded_api.pair("alice", phone.phrase().phrase)
    phone.pair(phone.pending().pairings[0])  # of which the site has not heard
    assert "phones" not in computer.open_iframe(ACCOUNT).state


@pytest.fixture
def let_in_silently(account, computer, phone):
    """Alice's computer, for which the phone has given a standing answer; whoever sits there has typed her password."""
    computer.password()
    frame = computer.open_iframe()
    phone.approve(phone.pending().requests[0], frame.state["number"], automate=Automate(3600))
    computer.post(POSTBACK, frame.poll()["postback"])
    del computer.client.cookies["sessionid"]
    computer.password()
    computer.post(POSTBACK, computer.open_iframe().poll()["postback"])
    assert Attempt.objects.latest("created").method == "automation"
    return computer


@pytest.mark.parametrize("atomic", [True, False])
def test_S08_a_standing_answer_changes_no_factor(atomic, let_in_silently, phone, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
    assert let_in_silently.is_logged_in()
    before = ToopherAccount.objects.get().generation
    for path in (COMPUTER, OTHERS, CODES):
        assert let_in_silently.post(path)["Location"] == ACCOUNT
    assert (ToopherAccount.objects.get().generation, RecoveryCode.objects.count()) == (before, 0)
    page = page_of(let_in_silently)
    assert "Manage phones" in page
    assert "Sign out" not in page
    path, fields = confirmed_page(let_in_silently, phone, ACCOUNT)
    assert let_in_silently.post(path, fields)["Location"] == ACCOUNT
    assert signed_parameters(let_in_silently, ACCOUNT)
    assert let_in_silently.post(CODES).status_code == 200
    assert RecoveryCode.objects.count() == 10


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S08_a_standing_answer_makes_no_codes_when_the_phone_is_removed_elsewhere(
    embed, let_in_silently, phone, settings
):
    settings.TOOPHER_EMBED = embed
    phone.remove(phone.account().id)
    page = page_of(let_in_silently)
    if embed == "iframe":
        held = re.search(r"&quot;toopher_held&quot;: &quot;([^&]+)&quot;", page)[1]
        postback = Frame.at(let_in_silently, attribute(page, "src")).state["postback"]
        let_in_silently.post("/accounts/step-up/", {**postback, "toopher_held": held})
    assert not ToopherAccount.objects.get().paired
    assert let_in_silently.post(CODES).status_code == 302
    assert not RecoveryCode.objects.exists()


def test_S09_the_sessions_key_changes_when_the_person_confirms_what_a_standing_answer_opened(let_in_silently, phone):
    key = let_in_silently.client.session.session_key
    path, fields = confirmed_page(let_in_silently, phone, ACCOUNT)
    let_in_silently.post(path, fields)
    assert let_in_silently.client.session.session_key != key


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_where_a_standing_answer_lets_in_a_recovery_code_replaces_the_phone(embed, let_in_silently, account, settings):
    settings.TOOPHER_EMBED = embed
    code = recovery_codes.make(account.user)[0]
    assert f'href="{RECOVER}"' in page_of(let_in_silently)
    assert let_in_silently.get(RECOVER)["Location"] == RECOVER
    assert "Recovery code" in let_in_silently.get(RECOVER).content.decode()
    assert let_in_silently.post(RECOVER, {"code": "wrong"}).status_code == 200
    assert let_in_silently.post(CODES).status_code == 302
    assert let_in_silently.post(RECOVER, {"code": code})["Location"] == f"{LOST}?next=%2Faccounts%2Fphones%2F"
    let_in_silently.post(LOST)
    account.refresh_from_db()
    assert not account.paired
    assert let_in_silently.get(ACCOUNT).status_code == 200


def test_who_is_logged_in_and_has_no_phone_needs_no_recovery_code(alice, computer):
    computer.password()
    assert computer.get(RECOVER)["Location"] == ACCOUNT
    assert not Attempt.objects.exists()


def test_everywhere_else_can_be_asked_again(windows, mac):
    assert "Ask the phone again everywhere else" in page_of(windows)
    windows.post(OTHERS)
    an_hour_passes(mac)
    assert not mac.is_logged_in()
    assert windows.is_logged_in()


def test_S08_a_reset_at_the_same_moment_ends_this_session_too(verified, account, monkeypatch):
    checked = views.is_verified

    def is_verified(request, found):
        is_so = checked(request, found)
        account.change()  # support is quicker than what comes next
        return is_so

    monkeypatch.setattr(views, "is_verified", is_verified)
    assert verified.post(OTHERS)["Location"] == ACCOUNT
    monkeypatch.undo()
    an_hour_passes(verified)
    assert not verified.is_logged_in()


@pytest.mark.parametrize("path", [OTHERS, "/accounts/phones/lost/", "/accounts/phones/codes/"])
def test_S08_a_session_that_was_signed_out_renews_itself_by_nothing(path, verified, another, account):
    verified.post(OTHERS)
    another.post(path)  # at once: its mark was compared a moment ago
    account.refresh_from_db()
    assert account.paired
    assert not RecoveryCode.objects.exists()
    an_hour_passes(verified)
    assert verified.is_logged_in()
    assert not another.is_logged_in()


def test_the_first_phone_ends_sessions_that_had_the_password_only(alice, make_computer, phone):
    thief, owner = make_computer(), make_computer()
    for computer in (thief, owner):
        computer.password()
        assert computer.is_logged_in()
    assert LET_IN in thief.client.session
    owner.post(ACCOUNT_POSTBACK, pairing(owner, phone))
    an_hour_passes(thief)
    assert thief.get("/members/")["Location"] == AUTHENTICATE


def test_a_change_reaches_other_sessions_within_the_time_of_the_setting(verified, another, settings):
    settings.TOOPHER_SESSION_CHECK = 100
    verified.post(OTHERS)
    time_passes(another, 50)
    assert another.is_logged_in()
    time_passes(another, 50)
    assert not another.is_logged_in()


def test_in_between_a_page_costs_nothing(verified):
    with Statements() as statements:
        assert verified.is_logged_in()
    assert not [query for query in statements.queries if "toopher" in query.partition(" WHERE ")[0]]
    an_hour_passes(verified)
    with Statements() as statements:
        assert verified.is_logged_in()
    assert len([query for query in statements.queries if 'FROM "django_toopher' in query.replace("`", '"')]) == 1


@table("strange", [None, 7, [], [0], ["0", "0"], [None, None]], ids=repr)
def test_a_stamp_that_can_not_be_read_is_made_anew(strange, verified):
    kept = verified.client.session
    kept[GENERATION] = strange
    kept.save()
    assert verified.is_logged_in()
    assert verified.client.session[GENERATION][0] == ToopherAccount.objects.get().generation


def test_what_no_account_has_changed_holds(alice):
    assert generation.of_user(alice) == 0


# Refreshing


def test_a_phone_whose_postback_never_arrived_is_found(alice, computer, phone):
    computer.password()
    pairing(computer, phone)  # which is never handed in
    assert not ToopherAccount.objects.get().paired
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().paired
    other = type(computer)()
    assert other.log_in(phone).status_code == 302


def changes_of_phones():
    return Attempt.objects.filter(kind="pairing")


def test_loading_the_page_again_begins_no_other_change_of_phones(alice, computer, phone):
    computer.password()
    for _ in range(5):
        page_of(computer)
    assert changes_of_phones().count() == 1
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, phone)).status_code == 302
    assert changes_of_phones().count() == 1
    page_of(computer)
    assert changes_of_phones().count() == 2  # what was handed in is spent


@pytest.mark.parametrize(("left", "begun"), [(310, 1), (290, 2)])
def test_a_change_of_phones_that_has_less_than_half_of_its_time_left_is_begun_anew(left, begun, alice, computer):
    computer.password()
    page_of(computer)
    changes_of_phones().update(expires=timezone.now() + timedelta(seconds=left))
    page_of(computer)
    assert changes_of_phones().count() == begun


def test_a_first_visit_asks_the_service_nothing(alice, computer, elsewhere):
    computer.client.force_login(alice)
    assert computer.get(ACCOUNT).status_code == 200
    assert not elsewhere.received
    assert Attempt.objects.count() == 1


def test_S15_a_service_that_is_down_is_told(alice, computer, elsewhere):
    computer.client.force_login(alice)
    computer.get(ACCOUNT)
    elsewhere.will_answer(b"", 500)
    assert "what is shown here may be old" in page_of(computer)


# The phone's name


@pytest.fixture
def asked(monkeypatch):
    """The API's paths that were asked for, without those of the phone."""
    paths = []
    get = ToopherApi.get

    def record(self, path, **parameters):
        paths.append(path)
        return get(self, path, **parameters)

    monkeypatch.setattr(ToopherApi, "get", record)
    return paths


def test_a_phone_that_is_paired_on_the_account_page_is_known_by_name(alice, computer, phone, asked):
    pair(computer, phone)
    account = ToopherAccount.objects.get()
    assert account.device == "Pixel"
    assert asked == [f"pairings/{account.pairing_id}"]


def test_a_phone_that_is_paired_at_the_login_is_known_by_name_and_asked_for_once(
    alice, computer, phone, asked, settings
):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    account = ToopherAccount.objects.get()
    assert account.device == "Pixel"
    assert asked == [f"pairings/{account.pairing_id}"]
    computer.client.logout()
    computer.log_in(phone)
    assert len(asked) == 1


@pytest.mark.parametrize("where", ["account", "login"])
def test_a_service_that_does_not_tell_the_name_changes_nothing(where, alice, computer, phone, monkeypatch, settings):
    def fail(self, pairing_id):
        raise ServiceUnavailableError("down")

    monkeypatch.setattr(ToopherApi, "get_pairing_by_id", fail)
    if where == "account":
        pair(computer, phone)
    else:
        settings.TOOPHER_POLICY = "required"
        computer.log_in(phone)
    account = ToopherAccount.objects.get()
    assert account.paired
    assert account.device == ""
    assert "does not answer" not in page_of(computer)
