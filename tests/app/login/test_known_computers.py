"""At which computers a person is known again: one id for each person, kept where the answer got lost."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest, Terminal

from ..acts import AUTHENTICATE, POSTBACK, Statements, approval, signed
from ..ways import RECOVER
from .computers import (
    ASKED,
    EMBEDS,
    GRANTED,
    approved,
    asked_with,
    cookies_of,
    goes_on,
    is_let_in,
    log_in,
    opened,
    plant,
)

pytestmark = pytest.mark.urls("tests.app.urls")

every_way = pytest.mark.parametrize("embed", EMBEDS)
by_the_services_page = pytest.mark.parametrize("embed", EMBEDS[:2])


@pytest.fixture
def embed():
    """What ``every_way`` chooses; else the iframe."""
    return "iframe"


@pytest.fixture(autouse=True)
def embedded(embed, settings):
    settings.TOOPHER_EMBED = embed


def logs_out(computer):
    del computer.client.cookies["sessionid"]


@every_way
def test_S46_the_cookie_comes_with_the_grant_and_not_before(account, computer, phone):
    computer.password()
    finish = approved(computer, phone)
    assert GRANTED not in cookies_of(computer)
    finish()
    assert cookies_of(computer)[GRANTED].value == asked_with()
    assert ASKED not in cookies_of(computer) or cookies_of(computer)[ASKED].value == ""


@every_way
def test_S46_a_person_is_known_again(account, computer, phone):
    log_in(computer, phone, automate=True)
    first = asked_with()
    assert is_let_in(computer)
    assert asked_with() == first
    assert cookies_of(computer)[GRANTED].value == f"{first}~"
    assert is_let_in(computer)
    assert Attempt.objects.latest("created").method == "automation"


@every_way
def test_S46_people_who_share_a_browser_have_an_id_each(account, bob, computer, phone):
    log_in(computer, phone, automate=True)
    alices = asked_with()
    log_in(computer, bob.phone, "bob", automate=True)
    bobs = asked_with()
    assert (alices == bobs, cookies_of(computer)[GRANTED].value) == (False, f"{bobs}.{alices}")
    assert is_let_in(computer)
    assert asked_with() == alices
    assert is_let_in(computer, "bob")
    assert asked_with() == bobs
    assert cookies_of(computer)[GRANTED].value == f"{bobs}~.{alices}~"


def test_S46_only_whose_last_login_needed_no_phone_is_tried_without_one(account, bob, computer, phone):
    log_in(computer, bob.phone, "bob")
    log_in(computer, phone, automate=True)
    assert is_let_in(computer)
    logs_out(computer)
    before = AuthenticationRequest.objects.count()
    assert computer.password("bob")["Location"] == AUTHENTICATE
    assert AuthenticationRequest.objects.count() == before


@every_way
def test_S46_the_cookie_of_one_lets_no_other_in(account, bob, computer, phone, make_computer):
    log_in(computer, phone, automate=True)
    bobs = make_computer()
    bobs.client.cookies[GRANTED] = bobs.client.cookies[ASKED] = cookies_of(computer)[GRANTED].value
    assert not is_let_in(bobs, "bob")
    assert asked_with() != cookies_of(computer)[GRANTED].value


@every_way
def test_S46_without_the_cookie_it_is_another_computer(account, computer, phone):
    log_in(computer, phone, automate=True)
    for kept in (None, "", "x" * 5000):
        cookies_of(computer).pop(GRANTED, None)
        if kept is not None:
            plant(computer, kept)
        assert not is_let_in(computer)
    assert len({*Terminal.objects.values_list("extra", flat=True)}) == 4


@every_way
def test_an_answer_that_got_lost_is_found_again_by_the_same_login(account, computer, phone):
    computer.password()
    approved(computer, phone, automate=True)
    assert goes_on(computer)
    assert is_let_in(computer)


@by_the_services_page
def test_S46_an_answer_that_got_lost_is_found_again_by_the_next_login(account, computer, phone):
    computer.password()
    approved(computer, phone, automate=True)
    first = asked_with()
    assert is_let_in(computer)
    assert (asked_with(), cookies_of(computer)[GRANTED].value) == (first, f"{first}~")


@by_the_services_page
def test_an_answer_that_we_have_heard_and_the_browser_has_not_is_found_again(account, computer, phone):
    computer.password()
    finish, before = approved(computer, phone, automate=True), computer.twin()
    finish()
    assert Attempt.objects.latest("created").outcome == "granted"
    with Statements() as statements:
        assert is_let_in(before)
    assert not [query for query in statements.queries if '"toopher_service_terminal"."approved"' in query[:50]]


def test_S46_what_was_asked_and_not_approved_is_not_asked_with_again(account, computer, phone):
    computer.password()
    opened(computer)
    first = asked_with()
    opened(computer)
    assert asked_with() != first
    frame = opened(computer)
    frame.deny(phone)
    second = asked_with()
    assert computer.post(POSTBACK, frame.poll()["postback"]).status_code == 403
    assert not is_let_in(computer)
    assert asked_with() not in {first, second}


def test_S46_what_was_approved_of_another_is_not_found_again(account, bob, computer, phone):
    computer.password()
    approved(computer, phone, automate=True)
    lost = asked_with()
    assert not is_let_in(computer, "bob")
    assert asked_with() != lost


def test_S46_what_was_forgotten_is_not_found_again(account, computer, phone):
    """Neither by the cookie, nor by what the service says."""
    log_in(computer, phone, automate=True)
    first = asked_with()
    terminal = Terminal.objects.get()
    assert computer.post("/accounts/phones/computer/", {"computer": str(terminal.pk), "forget": "1"}).status_code == 302
    plant(computer, first)
    assert not is_let_in(computer)
    assert asked_with() != first


@every_way
def test_S46_renames_keep_it(account, computer, phone):
    log_in(computer, phone, automate=True)
    terminal = Terminal.objects.get()
    computer.post("/accounts/phones/computer/", {"computer": str(terminal.pk), "name": "My desk"})
    assert Terminal.objects.get().name == "My desk"
    get_user_model().objects.update(username="alicia")
    assert is_let_in(computer, "alicia")
    assert Terminal.objects.get().name == "My desk"


@every_way
def test_S46_a_secret_key_that_is_rotated_meanwhile_changes_nothing(account, computer, phone, settings):
    computer.password()
    finish = approved(computer, phone, automate=True)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-one-for-tests-only", [settings.SECRET_KEY]
    finish()
    assert computer.is_logged_in()
    first = asked_with()
    assert is_let_in(computer)
    assert asked_with() == first


@every_way
def test_S46_after_the_attempts_are_purged_it_is_another_computer(account, computer, phone):
    log_in(computer, phone, automate=True)
    Attempt.objects.all().delete()
    assert not is_let_in(computer)


@every_way
def test_S46_two_tabs_are_one_computer_afterwards(account, computer, phone):
    computer.password()
    opened(computer)
    approved(computer, phone, automate=True)()
    assert cookies_of(computer)[GRANTED].value == asked_with()
    assert is_let_in(computer)


def test_S46_a_recovery_code_tells_of_no_computer(account, computer):
    codes = recovery_codes.make(account.user)
    computer.password()
    opened(computer)
    assert computer.post(RECOVER, {"code": codes[0]}).status_code == 302
    assert GRANTED not in cookies_of(computer)
    assert not is_let_in(computer)


@pytest.mark.parametrize("told", ["", "another service's", "x" * 44, "x" * 43 + "~"])
def test_S46_an_id_that_is_none_of_ours_is_not_kept(told, account, computer, phone):
    fields = approval(computer, phone)
    del fields["toopher_sig"]
    assert computer.post(POSTBACK, signed(fields, terminal_requester_specified_id=told)).status_code == 302
    assert GRANTED not in cookies_of(computer)


def test_a_login_at_a_known_computer_asks_the_service_nothing_more(account, computer, phone):
    """Not even where the browser has asked with another id meanwhile."""
    log_in(computer, phone)
    cookies_of(computer)[ASKED] = "x" * 43
    logs_out(computer)
    computer.password()
    with Statements() as statements:
        computer.get(AUTHENTICATE)
    assert not [query for query in statements.queries if "toopher_service" in query]
