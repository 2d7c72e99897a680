"""Who is asked, when, and in what words; how long a yes counts; which requests pass."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from django_toopher.errors import UnusableActionError
from django_toopher.step_up.requirement import Requirement
from tests.app.acts import outcomes, reason_of
from tests.tables import table

from .pages import HELD, Page, age, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


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


@table("max_age", [0, -1, 1.5, "600", True])
def test_max_age_is_whole_seconds(max_age):
    with pytest.raises(ImproperlyConfigured, match="max_age"):
        Requirement("x", max_age)


@pytest.mark.parametrize("path", ["/form/", "/post-decorated/"])
def test_a_view_can_show_the_form_that_is_to_be_confirmed(path, alices, phone, seen):
    assert alices.get(path).content == b"the form"
    page = asked(alices, path, {"a": "1"})
    assert page.action == "Send the form"
    assert seen == []
    assert page.confirm(phone).content == b"sent"


def test_a_form_with_mistakes_can_be_shown_again_without_asking(alices, phone, seen):
    assert alices.post("/form/", {"mistake": "1"}).content == b"sent"
    assert outcomes("step_up") == []


def test_S13_what_lets_a_request_pass_does_not_look_at_its_confirmation(alices, phone, seen):
    page = asked(alices, "/form/", {"a": "1"})
    response = alices.post(page.target, {HELD: page.arguments[HELD], "mistake": "1"})
    assert (response.status_code, reason_of(response), seen) == (403, "invalid_postback", [])


@table("method", ["put", "patch", "delete"])
def test_S13_only_safe_methods_pass_where_forms_are_shown(method, alices, seen):
    response = getattr(alices.client, method)("/form/", secure=True)
    assert (response.status_code, response.json()["action"]) == (403, "Send the form")
    assert seen == []


@table("words", ["x" * 256, "a\x00b", "a\x1bb", "a\u202eb", "a\u200bb", "\ue000"], ids=ascii)
def test_words_that_a_phone_would_not_show_as_they_are_are_refused(words, alices, seen):
    response = alices.post("/pay/Bob/", {"amount": words})
    assert (response.status_code, reason_of(response)) == (400, "unusable_action")
    assert (seen, outcomes("step_up")) == ([], [])


def test_words_that_are_translated_later_are_words():
    assert Requirement(gettext_lazy("Sign in")).words() == "Sign in"


@table("action", [7, None, lambda: None, lambda: b"Pay"])
def test_what_is_no_text_is_no_action(action):
    with pytest.raises(ImproperlyConfigured, match="must be a text"):
        Requirement(action).words()


@table("words", ["", " \n"])
def test_no_words_are_refused(words):
    with pytest.raises(UnusableActionError):
        Requirement(lambda: words).words()


def test_blanks_in_the_words_are_no_lines(alices):
    assert asked(alices, "/pay/Bob/", {"amount": "1\n\n  2"}).action == "Pay 1 2 € to Bob"
