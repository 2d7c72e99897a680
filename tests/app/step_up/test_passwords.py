"""Who has no phone confirms by password: asked again when it is wrong, a few times only."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils import timezone

from django_toopher.models import RecoveryCode, ToopherAccount
from django_toopher.session import state as session_keys
from tests.app.acts import outcomes, reason_of
from tests.service.callers import at_once

from .pages import HELD, STEP_UP, Page, asked, both

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_an_exempt_user_confirms_by_password(bobs, seen):
    page = asked(bobs, "/pay/Ines/", {"amount": "1"})
    assert (page.way, page.action) == ("password", "Pay 1 € to Ines")
    assert page.give_password().content == b"paid Ines"
    assert outcomes("step_up") == [("granted", "")]
    assert session_keys.VERIFIED not in bobs.client.session


def test_an_exempt_user_confirms_a_page_by_password(bobs, seen):
    page = asked(bobs, "/secret/")
    assert page.give_password()["Location"] == "/secret/"
    assert bobs.get("/secret/").content == b"secret"


@both
def test_S08_a_password_given_elsewhere_verifies_no_session(fields, bobs, seen):
    page = asked(bobs, "/transfer/", fields)
    assert bobs.post(f"{STEP_UP}{page.ticket}/status/", {"password": "password"}).json()["granted"]
    assert bobs.post(page.target, {HELD: page.held}).status_code == 302
    assert session_keys.VERIFIED not in bobs.client.session
    bobs.post("/accounts/phones/codes/")
    assert not RecoveryCode.objects.exists()


@both
def test_a_wrong_password_is_asked_again_and_carries_nothing_out(fields, bobs, seen):
    page = asked(bobs, "/transfer/", fields)
    again = Page(bobs, page.give_password("wrong"))
    assert (again.way, "That password is wrong" in again.text, seen) == ("password", True, [])
    assert again.give_password().status_code == 302
    assert outcomes("step_up") == [("failed", "wrong_password"), ("granted", "")]


def test_S23_passwords_can_not_be_guessed_for_long(bobs, seen):
    page = asked(bobs, "/transfer/", {"amount": "1"})
    for _ in range(5):
        page = Page(bobs, page.give_password("wrong"))
    response = page.give_password()
    assert (response.status_code, reason_of(response)) == (429, "too_many_passwords")
    assert seen == []
    ToopherAccount.objects.update(blocked_until=timezone.now())
    assert asked(bobs, "/transfer/", {"amount": "1"}).give_password().status_code == 302


def test_S23_passwords_that_are_guessed_at_the_same_moment_are_counted_one_by_one(
    threaded_db, make_user, make_computer, seen
):
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    pages = [asked(computer, "/transfer/", {"amount": "1"}) for _ in range(20)]
    computers = [make_computer() for _ in pages]
    for each in computers:
        each.client.cookies = computer.client.cookies
    guesses = [
        lambda each=each, page=page: each.post(page.target, {HELD: page.held, "toopher_password": "wrong"})
        for each, page in zip(computers, pages, strict=True)
    ]
    statuses = [response.status_code for response in at_once(*guesses)]
    assert sorted(statuses) == [200] * 5 + [429] * 15
    assert outcomes("step_up").count(("failed", "wrong_password")) == 5


def test_S13_who_has_a_phone_can_not_confirm_by_password(alices, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(page.target, {HELD: page.arguments[HELD], "toopher_password": "password"})
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert seen == []


def test_who_was_switched_off_by_support_confirms_by_password(alices, account, embedded_api, seen):
    embedded_api.disable_user("alice")
    ToopherAccount.objects.update(enabled=False)
    assert asked(alices, "/transfer/", {"amount": "1"}).give_password().status_code == 302


def test_who_was_switched_off_is_refused_where_nobody_may_opt_out(alices, phone, embedded_api, settings, seen):
    settings.TOOPHER_ALLOW_OPT_OUT = False
    embedded_api.disable_user("alice")
    ToopherAccount.objects.update(enabled=False)
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(page.target, {**page.frame().state["postback"], **page.arguments})
    assert (response.status_code, reason_of(response), seen) == (403, "disabled", [])


def test_who_has_no_password_is_told_to_pair_a_phone(make_user, make_computer, seen):
    bob = make_user("bob")
    bob.set_unusable_password()
    bob.save()
    computer = make_computer()
    computer.client.force_login(bob)
    page = asked(computer, "/transfer/", {"amount": "1"})
    assert "/accounts/phones/" in page.text
    assert Page(computer, page.give_password("")).way == "password"
    assert seen == []


class NewHasher(PBKDF2PasswordHasher):
    algorithm = "new"
    iterations = 1


def test_a_password_that_is_hashed_anew_ends_no_session(bobs, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.NewHasher", *settings.PASSWORD_HASHERS]
    assert asked(bobs, "/transfer/", {"amount": "1"}).give_password().status_code == 302
    assert bobs.get("/members/").status_code == 200
