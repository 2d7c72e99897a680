"""Who cancels, or begins another login, takes the question back at the phone."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from django_toopher.session.state import PENDING_LOGIN
from tests.app.acts import AUTHENTICATE, LOGIN, outcomes

from .page import approve

pytestmark = pytest.mark.urls("tests.app.urls")


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
    finish = Attempt.finish

    def late(attempt, *args, **kwargs):
        monkeypatch.undo()
        computer.get(AUTHENTICATE)  # another tab
        return finish(attempt, *args, **kwargs)

    monkeypatch.setattr(Attempt, "finish", late)
    computer.password()
    assert not phone.pending().requests
