"""Our own page that asks the phone (``TOOPHER_EMBED = "native"``): through the API, without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from django_toopher import client
from django_toopher.factors import recovery_codes
from django_toopher.login import native as asking
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing, User
from django_toopher.service.phones import pairings
from django_toopher.session.state import LET_IN, PENDING_LOGIN, VERIFIED
from tests.client import replies
from tests.drivers import attribute
from tests.factories import account_with
from tests.factories import verified as verified_computer
from tests.tables import table

from ..acts import ACCOUNT, AUTHENTICATE, LOGIN, POSTBACK, Statements, known, outcomes, reason_of

STATE = "/accounts/authenticate/state/"
QR = "/accounts/authenticate/qr/"
RECOVER = "/accounts/recover/"

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture(autouse=True)
def native(settings):
    settings.TOOPHER_EMBED = "native"


def state_of(response) -> str:
    return attribute(response.content.decode(), "data-state")


def number_in(response) -> str:
    return re.search(r'class="toopher-number"[^>]*>([\d ]+)<', response.content.decode())[1].replace(" ", "")


def poll(computer) -> dict:
    return computer.get(STATE).json()


@pytest.fixture
def asked(account, computer):
    """Alice's computer after the password, at the page that waits for her phone."""
    computer.password(next_url="/members/")
    computer.page = computer.get(AUTHENTICATE)
    return computer


def approve(computer, phone):
    phone.approve(phone.pending().requests[0], number_in(computer.page))


@pytest.fixture
def approved(asked, phone):
    """The same after the phone's yes, of which the site has not heard yet."""
    approve(asked, phone)
    return asked


# The way through


def test_a_yes_on_the_phone_logs_in(asked, phone, alice):
    assert state_of(asked.page) == "waiting"
    approve(asked, phone)
    response = asked.post(AUTHENTICATE)
    assert response["Location"] == "/members/"
    assert asked.is_logged_in()
    assert asked.client.session[VERIFIED] == str(alice.pk)
    attempt = Attempt.objects.get(kind="login")
    assert (attempt.outcome, attempt.method) == ("granted", "phone")
    assert attempt.terminal_name
    assert attempt.terminal_id == str(AuthenticationRequest.objects.get().terminal_id)


def test_what_the_site_knows_of_the_phone_stays_as_it_is(account, approved):
    before = known(account)
    approved.post(AUTHENTICATE)
    assert approved.is_logged_in()
    assert known(account) == before


def test_S26_the_phone_shows_where_the_computer_is(asked, phone):
    assert phone.pending().requests[0].address == "127.0.0.1"


def test_loading_the_page_again_after_the_yes_goes_on_too(asked, phone):
    approve(asked, phone)
    assert asked.get(AUTHENTICATE)["Location"] == "/members/"


def test_before_the_answer_the_button_leaves_everything_as_it_is(asked, phone):
    again = asked.post(AUTHENTICATE)
    assert (state_of(again), number_in(again)) == ("waiting", number_in(asked.page))
    assert not asked.is_logged_in()


def test_a_reload_asks_the_phone_nothing_new(asked, phone):
    for _ in range(3):
        assert number_in(asked.get(AUTHENTICATE)) == number_in(asked.page)
    assert len(phone.pending().requests) == 1
    assert AuthenticationRequest.objects.count() == 1


def test_the_poll_tells_how_far_it_is_and_no_secret(asked, phone):
    assert poll(asked) == {"state": "waiting", "granted": False}
    approve(asked, phone)
    assert poll(asked) == {"state": "answered", "granted": True}
    assert outcomes() == [("pending", "")]  # nothing is carried out by looking


def test_a_no_ends_the_login(asked, phone):
    phone.deny(phone.pending().requests[0])
    assert poll(asked) == {"state": "answered", "granted": False}
    response = asked.post(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert outcomes() == [("denied", "denied")]
    assert not asked.is_logged_in()


def test_an_unanswered_question_is_asked_again_on_demand_only(asked, phone):
    AuthenticationRequest.objects.update(expires=timezone.now())
    assert state_of(asked.get(AUTHENTICATE)) == "unanswered"
    assert poll(asked)["state"] == "unanswered"
    assert AuthenticationRequest.objects.count() == 1
    asked.page = asked.post(AUTHENTICATE, {"step": "ask"})
    approve(asked, phone)
    assert asked.post(AUTHENTICATE).status_code == 302


def test_a_question_that_waits_is_not_asked_again(asked):
    asked.post(AUTHENTICATE, {"step": "ask"})
    assert AuthenticationRequest.objects.count() == 1


def test_too_many_questions_hold_the_page(asked, settings):
    settings.TOOPHER_SERVICE_QUESTION_LIMIT = 1
    AuthenticationRequest.objects.update(expires=timezone.now())
    response = asked.post(AUTHENTICATE, {"step": "ask"})
    assert state_of(response) == "hold"
    assert b"Wait 10 min" in response.content


# The one-time code


def test_who_looks_too_often_is_held_and_loses_nothing(asked, phone, settings):
    settings.TOOPHER_SERVICE_POLL_LIMIT = 2  # in a second
    assert "hold" in [poll(asked)["state"] for _ in range(20)]
    settings.TOOPHER_SERVICE_POLL_LIMIT = 1000
    approve(asked, phone)
    assert asked.post(AUTHENTICATE)["Location"] == "/members/"


def test_the_phones_code_does_as_well(asked, phone):
    assert (
        asked.post(AUTHENTICATE, {"step": "code", "code": f" {phone.code()[:3]} {phone.code()[3:]}"}).status_code == 302
    )
    assert Attempt.objects.get(kind="login").method == "code"


def test_a_list_of_codes_is_mentioned_to_who_has_one(asked, embedded_api):
    assert "a code from your list" not in asked.get(AUTHENTICATE).content.decode()
    embedded_api.post("users/activate_next_otp_list", user_name="alice")
    assert "a code from your list" in asked.get(AUTHENTICATE).content.decode()


def test_a_wrong_code_is_told_and_three_of_them_deny(asked, phone):
    wrong = "000000" if phone.code() != "000000" else "111111"
    for _ in range(2):
        response = asked.post(AUTHENTICATE, {"step": "code", "code": wrong})
        assert "That code is not right" in response.content.decode()
        assert state_of(response) == "waiting"
    assert reason_of(asked.post(AUTHENTICATE, {"step": "code", "code": wrong})) == "denied"
    assert not asked.is_logged_in()


@table("code", ["", " ", "\0", "x" * 1000, "١٢٣٤٥٦"])
def test_what_is_no_code_lets_nobody_in(code, asked):
    assert asked.post(AUTHENTICATE, {"step": "code", "code": code}).status_code == 200
    assert not asked.is_logged_in()


@pytest.mark.parametrize("granted", [True, False])
def test_a_code_that_comes_after_the_phones_answer_changes_nothing(granted, asked, phone, monkeypatch):
    code, send = phone.code(), client.AuthenticationRequest.authenticate_with_otp

    def late(self, *args):
        approve(asked, phone) if granted else phone.deny(phone.pending().requests[0])
        return send(self, *args)

    monkeypatch.setattr(client.AuthenticationRequest, "authenticate_with_otp", late)
    response = asked.post(AUTHENTICATE, {"step": "code", "code": code})
    assert (response.status_code, asked.is_logged_in()) == ((302, True) if granted else (403, False))


def test_who_was_disabled_meanwhile_is_told_so(asked, phone):
    User.objects.update(toopher_authentication_enabled=False)
    response = asked.post(AUTHENTICATE, {"step": "code", "code": phone.code()})
    assert reason_of(response) == "disabled"
    assert not asked.is_logged_in()


# Cancelling


def test_cancelling_takes_the_question_back_at_the_phone(asked, phone):
    assert asked.post("/accounts/cancel/")["Location"] == LOGIN
    assert not phone.pending().requests
    assert outcomes() == [("failed", "abandoned")]
    assert PENDING_LOGIN not in asked.client.session


def test_what_was_approved_before_the_cancel_logs_nobody_in(asked, phone):
    approve(asked, phone)
    asked.post("/accounts/cancel/")
    assert asked.post(AUTHENTICATE)["Location"] == LOGIN
    assert not asked.is_logged_in()


def test_a_second_login_takes_the_first_question_back(asked, phone):
    asked.password()
    assert not phone.pending().requests
    assert outcomes() == [("failed", "abandoned"), ("pending", "")]


def test_a_question_that_is_asked_while_the_next_login_begins_is_taken_back(account, computer, phone, monkeypatch):
    computer.password()
    abandon = asking.attempts.abandon

    def late(pending):
        monkeypatch.undo()
        computer.get(AUTHENTICATE)  # another tab
        abandon(pending)

    monkeypatch.setattr(asking.attempts, "abandon", late)
    computer.password()
    assert not phone.pending().requests


# Pairing on the way


@pytest.fixture
def pairing(alice, computer, settings):
    """Alice's computer after the password, at the page that wants a phone."""
    settings.TOOPHER_POLICY = "required"
    computer.password(next_url="/members/")
    computer.page = computer.get(AUTHENTICATE)
    return computer


def link() -> str:
    return f"https://testserver/toopher/phone/#pair={pairings.link_token(Pairing.objects.latest('created'))}"


def test_a_phone_is_paired_by_the_picture_and_then_asked(pairing, phone):
    assert state_of(pairing.page) == "pairing"
    image = pairing.get(QR)
    assert (image["Content-Type"], image.content[:4]) == ("image/png", b"\x89PNG")
    phone.pair_link(link())
    assert poll(pairing)["state"] == "paired"
    pairing.page = pairing.post(AUTHENTICATE)
    assert state_of(pairing.page) == "waiting"
    approve(pairing, phone)
    assert pairing.post(AUTHENTICATE).status_code == 302
    account = ToopherAccount.objects.get()
    assert (account.paired, account.pairing_id) == (True, str(Pairing.objects.get().pk))
    assert pairing.get(QR).status_code == 404


def test_a_phone_is_paired_by_its_words(pairing, phone):
    words = phone.phrase().phrase
    response = pairing.post(AUTHENTICATE, {"step": "phrase", "phrase": words.upper()})
    assert state_of(response) == "pairing"
    assert "Now say yes on the phone that showed the words." in response.content.decode()
    phone.pair(phone.pending().pairings[0])
    assert state_of(pairing.post(AUTHENTICATE)) == "waiting"


def test_words_that_no_phone_shows_are_told(pairing):
    response = pairing.post(AUTHENTICATE, {"step": "phrase", "phrase": "walnut canyon brave rocket"})
    assert "No phone shows these words now." in response.content.decode()
    assert state_of(response) == "pairing"


def test_a_reload_shows_the_same_pairing(pairing):
    for _ in range(3):
        assert state_of(pairing.get(AUTHENTICATE)) == "pairing"
    assert Pairing.objects.count() == 1


def test_a_pairing_that_ran_out_is_begun_again_on_demand(pairing):
    Pairing.objects.update(state=Pairing.State.DENIED)
    assert state_of(pairing.get(AUTHENTICATE)) == "unpaired"
    assert state_of(pairing.post(AUTHENTICATE, {"step": "pair"})) == "pairing"


def test_a_pairing_begun_with_the_password_alone_adds_no_second_phone(pairing, phone, make_phone, make_computer):
    stale = link()
    other = make_computer()
    other.password()
    other.get(AUTHENTICATE)
    phone.pair_link(link())
    with pytest.raises(Exception, match="answered already"):
        make_phone("attacker").pair_link(stale)
    assert Pairing.objects.filter(state=Pairing.State.ENABLED).count() == 1


def test_where_a_phone_is_optional_a_removed_one_is_told(account, computer):
    Pairing.objects.update(state=Pairing.State.DEACTIVATED)
    computer.password()
    response = computer.get(AUTHENTICATE)
    assert reason_of(response) == "phone_removed"
    assert not ToopherAccount.objects.get().paired


# Whom it lets in


def test_S03_S17_nobody_looks_at_anothers_attempt(asked, make_computer, make_user):
    stranger = make_computer()
    for path in (STATE, QR):
        assert stranger.get(path).status_code in {403, 404}
    make_user("bob")
    stranger.password("bob")
    assert poll(stranger) == {"state": "over", "reason": "nothing_pending"}


def test_S05_a_yes_to_another_question_does_not_count(asked, phone, embedded_api):
    approve(asked, phone)
    other = embedded_api.authenticate("alice", "terminal", "Pay", terminal_name="Laptop")
    Attempt.objects.filter(kind="login").update(request_id=other.id)
    phone.approve(phone.pending().requests[0], other.number)
    assert reason_of(asked.post(AUTHENTICATE)) == "invalid_postback"
    assert not asked.is_logged_in()


def test_S06_a_yes_of_another_user_does_not_count(asked, make_user, make_phone, embedded_api):
    bobs = make_phone()
    account_with(bobs, make_user("bob"))
    other = embedded_api.authenticate("bob", "terminal", "Log In", terminal_name="Laptop")
    bobs.approve(bobs.pending().requests[0], other.number)
    Attempt.objects.filter(kind="login").update(request_id=other.id)
    assert reason_of(asked.post(AUTHENTICATE)) == "user_changed"
    assert not asked.is_logged_in()


@table("change", [{"is_active": False}, {"password": "x"}, {"username": "alicia"}], ids=str)
def test_S07_a_user_who_was_changed_meanwhile_is_refused(change, approved, alice):
    computer = approved.twin()
    type(alice).objects.update(**change)
    assert reason_of(computer.post(AUTHENTICATE)) == "user_changed"
    assert not computer.is_logged_in()


def test_S04_an_answer_logs_in_once(asked, phone, make_computer):
    approve(asked, phone)
    thief = make_computer()
    thief.client.cookies = type(asked.client.cookies)(asked.client.cookies.output(header="", sep=";"))
    assert asked.post(AUTHENTICATE).status_code == 302
    Attempt.objects.update(outcome="granted")
    assert thief.post(AUTHENTICATE).status_code in {302, 303, 403}
    assert not thief.is_logged_in()


def test_S09_the_key_changes_with_the_login(asked, phone):
    before = asked.client.cookies["sessionid"].value
    approve(asked, phone)
    asked.post(AUTHENTICATE)
    assert asked.client.cookies["sessionid"].value != before


def test_two_tabs_ask_one_question(account, computer, embedded_api):
    computer.password()
    attempt = Attempt.objects.get(kind="login")
    stale = Attempt.objects.get(pk=attempt.pk)
    here = asking.Computer("t" * 43, "Laptop")
    first = asking.ask(embedded_api, attempt, here, pairs=False)
    second = asking.ask(embedded_api, stale, here, pairs=False)
    assert first.number == second.number
    waiting = AuthenticationRequest.objects.filter(state=AuthenticationRequest.State.PENDING)
    assert [str(row.pk) for row in waiting] == [attempt.request_id]


def test_the_buttons_need_a_csrf_token(asked):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = asked.client.cookies
    assert strict.post(AUTHENTICATE, secure=True).status_code == 403


@pytest.mark.parametrize("embed", ["iframe", "redirect"])
def test_the_other_ways_take_no_buttons(embed, account, computer, settings):
    settings.TOOPHER_EMBED = embed
    computer.password()
    assert computer.post(AUTHENTICATE).status_code == 405


# A standing answer, and what it costs


def automate(computer, phone):
    """Say yes on the phone, from now on."""
    computer.password()
    page = computer.get(AUTHENTICATE)
    phone.approve(phone.pending().requests[0], number_in(page), automate=Automate(3600))
    assert computer.post(AUTHENTICATE).status_code == 302
    del computer.client.cookies["sessionid"]


@pytest.mark.urls("tests.app.step_up_urls")
def test_S13_a_login_by_a_standing_answer_confirms_no_action(account, computer, phone):
    automate(computer, phone)
    computer.password()
    computer.get(AUTHENTICATE)
    assert computer.is_logged_in()
    assert computer.get("/books/").content != b"books"


def test_a_remembered_computer_is_let_in_at_once(account, computer, phone):
    automate(computer, phone)
    computer.password(next_url="/members/")
    assert computer.get(AUTHENTICATE)["Location"] == "/members/"
    assert computer.is_logged_in()
    assert Attempt.objects.filter(kind="login").latest("created").method == "automation"


# The service is down


def test_S15_a_service_that_is_down_lets_nobody_in_and_codes_still_work(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    codes = recovery_codes.make(alice)
    computer.password()
    elsewhere.will_answer(b"<h1>Server Error</h1>", 500)
    response = computer.get(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert RECOVER in response.content.decode()
    assert computer.post(RECOVER, {"code": codes[0]}).status_code == 302


def test_S15_fail_open_lets_in_unverified(alice, computer, elsewhere, settings):
    settings.TOOPHER_FAIL_OPEN = True
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password()
    elsewhere.will_answer(b"", 500)
    assert computer.get(AUTHENTICATE).status_code == 302
    assert LET_IN in computer.client.session
    assert VERIFIED not in computer.client.session
    assert outcomes() == [("let_in", "service_down")]


@table("host", ["testserver:99999", "testserver:0", "127.0.0.1:0080"])
def test_S15_no_host_header_makes_the_service_look_down(host, account, computer, settings):
    settings.TOOPHER_FAIL_OPEN = True
    computer = computer.twin()
    computer.password()
    assert computer.get(AUTHENTICATE, headers={"Host": host}).status_code in {200, 400, 503}
    assert not computer.is_logged_in()


def test_S15_fail_open_lets_nobody_in_whom_the_service_refuses(alice, computer, elsewhere, settings):
    settings.TOOPHER_FAIL_OPEN = True
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password()
    elsewhere.will_answer({"error_code": 401, "error_message": "not signed"}, 401)
    assert computer.get(AUTHENTICATE).status_code == 503
    assert not computer.is_logged_in()


def test_who_was_disabled_at_the_service_is_told(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password()
    elsewhere.will_answer({"error_code": 704, "error_message": "disabled"}, 409)
    assert reason_of(computer.get(AUTHENTICATE)) == "disabled"
    assert not ToopherAccount.objects.get().enabled


def test_a_service_without_numbers_is_answered_with_a_tap(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password()
    user = replies.user(name="alice")
    asked = replies.authentication_request(pending=True, granted=False, user=user, terminal=replies.terminal(user=user))
    elsewhere.will_answer(asked)
    page = computer.get(AUTHENTICATE).content.decode()
    assert "Approve the sign-in there." in page
    assert "toopher-number" not in page


def test_S01_a_postback_without_a_signature_lets_nobody_in_here_either(asked):
    assert asked.post(POSTBACK, {"granted": "true"}).status_code == 403
    assert not asked.is_logged_in()


def test_a_poll_costs_two_statements_of_ours(asked):
    with Statements() as statements:
        poll(asked)
    ours = [query for query in statements.queries if "toopher_service" not in query]
    assert len(ours) <= 2


# The account page


PHONES = "/accounts/phones/change/"
PHONES_STATE = "/accounts/phones/state/"


def page_of(computer) -> str:
    return computer.get(ACCOUNT).content.decode()


@pytest.fixture
def at_phones(alice, computer):
    """Alice at her account page, without a phone."""
    computer.password()
    assert "Pair a phone" in page_of(computer)
    return computer


def test_a_first_phone_is_paired_on_our_own_account_page(at_phones, phone, alice):
    at_phones.post(PHONES, {"step": "pair"})
    assert 'data-state="pairing"' in page_of(at_phones)
    assert at_phones.get("/accounts/phones/qr/")["Content-Type"] == "image/png"
    phone.pair_link(link())
    assert at_phones.get(PHONES_STATE).json()["state"] == "paired"
    assert at_phones.post(PHONES)["Location"] == ACCOUNT
    assert "The phone is paired." in page_of(at_phones)
    assert at_phones.client.session[VERIFIED] == str(alice.pk)
    assert ToopherAccount.objects.get().paired
    assert ToopherAccount.objects.get().device == "Pixel"
    assert "<strong>Pixel</strong>" in page_of(at_phones)


def test_before_the_phones_yes_nothing_is_paired(at_phones):
    at_phones.post(PHONES, {"step": "pair"})
    at_phones.post(PHONES)
    assert not ToopherAccount.objects.get().paired
    assert VERIFIED not in at_phones.client.session


def test_a_phone_is_paired_on_our_own_account_page_by_its_words(at_phones, phone):
    at_phones.post(PHONES, {"step": "pair"})
    at_phones.post(PHONES, {"step": "phrase", "phrase": "walnut canyon brave rocket"})
    assert "No phone shows these words now." in page_of(at_phones)
    at_phones.post(PHONES, {"step": "phrase", "phrase": phone.phrase().phrase})
    assert "Now say yes on the phone that showed the words." in page_of(at_phones)
    phone.pair(phone.pending().pairings[0])
    at_phones.post(PHONES)
    assert ToopherAccount.objects.get().paired


@pytest.fixture
def verified(account, computer):
    return verified_computer(computer, account.user)


def test_a_second_phone_is_added_and_one_removed(verified, make_phone):
    verified.post(PHONES, {"step": "pair"})
    make_phone("Second").pair_link(link())
    verified.post(PHONES)
    page = page_of(verified)
    assert page.count('value="remove"') == 2
    verified.post(PHONES, {"step": "remove", "phone": attribute(page.partition('name="phone"')[2], "value")})
    page = page_of(verified)
    assert "The phone was removed." in page
    assert page.count('value="remove"') == 1
    assert ToopherAccount.objects.get().paired


@pytest.fixture
def let_in_silently(account, computer, phone):
    """Alice's computer, which her phone has let in by itself."""
    automate(computer, phone)
    computer.password()
    computer.get(AUTHENTICATE)
    assert computer.is_logged_in()
    return computer


@table("step", ["pair", "remove", "phrase", "rename", "forget"])
def test_S08_a_standing_answer_changes_no_phone(step, account, let_in_silently, phone, make_phone):
    computer = let_in_silently.twin()
    fields = {"phrase": make_phone().phrase().phrase, "phone": account.pairing_id}
    assert computer.post(PHONES, {"step": step, **fields})["Location"] == ACCOUNT
    assert [*Pairing.objects.values_list("state", flat=True)] == [Pairing.State.ENABLED]
    page = computer.get(ACCOUNT)
    assert "Manage phones" in page.content.decode()
    phone.approve(phone.pending().requests[0], number_in(page))
    held = attribute(page.content.decode().partition('name="toopher_held"')[2], "value")
    assert computer.post("/accounts/step-up/", {"toopher_held": held})["Location"] == ACCOUNT
    assert "Pixel" in page_of(computer)


def test_standing_answers_are_listed(account, computer, phone):
    computer.password()
    number = number_in(computer.get(AUTHENTICATE))
    phone.approve(phone.pending().requests[0], number, automate=Automate(3600))
    computer.post(AUTHENTICATE)
    page = page_of(computer)
    assert "Automatic answers" in page
    assert re.search("approved until [A-Z][a-z]+", page)
    assert f"Paired {date_format(Pairing.objects.get().created, 'DATE_FORMAT')}<" in page
    automation = Automation.objects.get()
    for each in ("", "x", str(Pairing.objects.get().pk)):
        computer.post(PHONES, {"step": "forget", "automation": each})
        assert "This automatic answer is there no more." in page_of(computer)
    assert Automation.objects.exists()
    computer.post(PHONES, {"step": "forget", "automation": str(automation.pk)})
    page = page_of(computer)
    assert "The phone is asked again from now on." in page
    assert "Automatic answers" not in page
    assert not Automation.objects.exists()


def test_a_phone_is_renamed(verified, account):
    phone = account.pairing_id
    verified.post(PHONES, {"step": "rename", "phone": phone, "name": " My  blue\tone "})
    page = page_of(verified)
    assert "The phone has its new name." in page
    assert "<strong>My blue one</strong>" in page
    account.refresh_from_db()
    assert account.device == "My blue one"
    for name in ("x" * 101, "zero\u200bwidth"):
        verified.post(PHONES, {"step": "rename", "phone": phone, "name": name})
        assert "This can&#x27;t be a phone&#x27;s name" in page_of(verified)
    assert Pairing.objects.get().label == "My blue one"


def test_S17_the_automatic_answers_and_names_of_another_stay(
    account, computer, phone, make_user, make_computer, make_phone
):
    automate(computer, phone)
    bobs = verified_computer(make_computer(), account_with(make_phone(), make_user("bob")).user)
    assert bobs.is_logged_in()
    bobs.post(PHONES, {"step": "forget", "automation": str(Automation.objects.get().pk)})
    bobs.post(PHONES, {"step": "rename", "phone": account.pairing_id, "name": "Mine"})
    assert "Mine" not in page_of(bobs)
    assert (Automation.objects.count(), Pairing.objects.filter(label="Mine").count()) == (1, 0)


def test_S17_anothers_phone_is_not_removed(verified, make_user, make_phone):
    bobs = account_with(make_phone(), make_user("bob"))
    for phone_id in (bobs.pairing_id, "", "x", "../users/reset"):
        verified.post(PHONES, {"step": "remove", "phone": phone_id})
    assert Pairing.objects.filter(state=Pairing.State.ENABLED).count() == 2


@table("step", ["pair", "phrase", "remove", ""])
def test_S08_who_has_not_passed_the_second_factor_changes_no_phone(step, account, make_computer, phone):
    half, forced = make_computer(), make_computer()
    half.password()
    forced.client.force_login(account.user)
    phrase = phone.phrase().phrase
    for each in (half, forced, make_computer()):
        response = each.post(PHONES, {"step": step, "phrase": phrase, "phone": account.pairing_id})
        assert response.status_code in {302, 303, 403}
    assert [*Pairing.objects.values_list("state", flat=True)] == [Pairing.State.ENABLED]


def test_S29_what_is_begun_without_the_second_factor_pairs_the_first_phone_only(
    at_phones, phone, make_phone, make_computer
):
    at_phones.post(PHONES, {"step": "pair"})
    stale = link()
    owner = make_computer()
    owner.password()
    owner.post(PHONES, {"step": "pair"})
    phone.pair_link(link())
    owner.post(PHONES)
    with pytest.raises(Exception, match="answered already"):
        make_phone("attacker").pair_link(stale)


def test_S15_the_account_page_stands_while_the_service_is_down(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", toopher_user_id="u1")
    computer.password()
    elsewhere.will_answer(b"", 500)
    assert "what is shown here may be old" in page_of(computer)
    elsewhere.will_answer(b"", 500)
    assert computer.post(PHONES, {"step": "pair"})["Location"] == ACCOUNT
