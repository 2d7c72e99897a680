"""Automations let in at once, confirm nothing, and are listed on the account page."""

from __future__ import annotations

import re

import pytest
from django.utils.formats import date_format

from django_toopher.models import Attempt
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Automation, Pairing
from tests.app.acts import ACCOUNT, AUTHENTICATE
from tests.drivers import attribute
from tests.factories import account_with
from tests.factories import verified as verified_computer
from tests.tables import table

from .page import PHONES, automate, number_in, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


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
        assert "This automatic approval no longer exists." in page_of(computer)
    assert Automation.objects.exists()
    computer.post(PHONES, {"step": "forget", "automation": str(automation.pk)})
    page = page_of(computer)
    assert "The phone is asked again from now on." in page
    assert "Automatic answers" not in page
    assert not Automation.objects.exists()


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
