"""Who is asked, when, and in what words; how long a yes counts; and what the admin shows of it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from django_toopher.errors import UnusableActionError
from django_toopher.models import Attempt
from django_toopher.session import state as session_keys
from django_toopher.step_up import approvals
from tests.app.acts import outcomes, reason_of
from tests.tables import table

from .pages import Page, age, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_nobody_is_asked_before_logging_in(db, computer, seen):
    assert computer.get("/transfer/?a=1")["Location"] == "/accounts/login/?next=/transfer/%3Fa%3D1"
    assert computer.post("/transfer/").status_code == 302
    assert (seen, outcomes("step_up")) == ([], [])


def test_a_login_counts_for_as_long_as_the_view_says(account, computer, phone, seen):
    computer.log_in(phone)
    assert computer.get("/books/").content == b"books"
    age(computer, 601)
    assert asked(computer, "/books/").confirm(phone).status_code == 302
    assert computer.get("/books/").content == b"books"
    assert computer.get("/books/").content == b"books"
    assert computer.post("/books/").content == b"books"
    age(computer, 601)
    assert Page(computer, computer.get("/books/")).way == "iframe"


def test_the_yes_to_another_fixed_action_counts_too(alices, phone):
    age(alices, 601)
    asked(alices, "/secret/").confirm(phone)
    alices.get("/secret/")
    age(alices, 500)
    assert alices.get("/books/").content == b"books"


def test_S13_words_made_from_a_request_are_confirmed_for_themselves(alices, phone):
    asked(alices, "/look/?what=this").confirm(phone)
    assert alices.get("/look/?what=this").content == b"seen"
    assert alices.get("/look/?what=this&more=1").content == b"seen"  # the same words
    assert Page(alices, alices.get("/look/?what=that")).action == "Look at that"


def test_a_session_that_is_only_let_in_was_not_verified(make_user, make_computer, phone):
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    assert Page(computer, computer.get("/books/")).way == "password"


def test_who_says_yes_is_verified_from_then_on(account, phone, make_computer, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    computer = make_computer()
    computer.client.force_login(account.user)
    key = computer.client.cookies["sessionid"].value
    asked(computer, "/transfer/", {"a": "1"}).confirm(phone)
    assert session_keys.VERIFIED in computer.client.session
    assert computer.client.cookies["sessionid"].value != key


def test_a_phone_that_is_paired_on_the_way_confirms(make_user, make_computer, phone, settings, seen):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    settings.TOOPHER_POLICY = "required"
    computer = make_computer()
    computer.client.force_login(make_user("bob"))
    page = asked(computer, "/transfer/", {"a": "1"})
    frame = page.frame()
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    response = computer.post(page.target, {**frame.poll()["postback"], **page.arguments})
    assert (response.status_code, len(seen)) == (302, 1)


# The words


@table("words", ["x" * 256, "a\x00b", "a\x1bb", "a\u202eb", "a\u200bb", "\ue000"], ids=ascii)
def test_words_that_a_phone_would_not_show_as_they_are_are_refused(words, alices, seen):
    response = alices.post("/pay/Bob/", {"amount": words})
    assert (response.status_code, reason_of(response)) == (400, "unusable_action")
    assert (seen, outcomes("step_up")) == ([], [])


def test_words_that_are_translated_later_are_words():
    assert approvals.Requirement(gettext_lazy("Sign in")).words() == "Sign in"


@table("action", [7, None, lambda: None, lambda: b"Pay"])
def test_what_is_no_text_is_no_action(action):
    with pytest.raises(ImproperlyConfigured, match="must be a text"):
        approvals.Requirement(action).words()


@table("words", ["", " \n"])
def test_no_words_are_refused(words):
    with pytest.raises(UnusableActionError):
        approvals.Requirement(lambda: words).words()


def test_blanks_in_the_words_are_no_lines(alices):
    assert asked(alices, "/pay/Bob/", {"amount": "1\n\n  2"}).action == "Pay 1 2 € to Bob"


def test_the_admin_shows_what_was_confirmed(alices, phone, staff, make_computer):
    asked(alices, "/pay/Bob/", {"amount": "300"}).confirm(phone)
    admin = make_computer()
    admin.client.force_login(staff)
    text = admin.get("/admin/django_toopher/attempt/?kind__exact=step_up").content.decode()
    assert "Pay 300 € to Bob" in text
    detail = admin.get(f"/admin/django_toopher/attempt/{Attempt.objects.get(kind='step_up').pk}/change/")
    assert "step-up" in detail.content.decode()
    assert Attempt.objects.get(kind="step_up").request_digest not in detail.content.decode()
