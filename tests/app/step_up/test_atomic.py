"""``ATOMIC_REQUESTS``: what a failing view did is undone, that its approval was spent is not."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_toopher.models import Attempt
from tests.app.acts import reason_of
from tests.factories import account_with, verified

from .pages import asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_S13_a_transaction_that_would_take_the_approval_back_is_refused(alices, seen, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(ImproperlyConfigured, match="non_atomic_requests"):
        alices.post("/post-decorated/", {"a": "1"})
    assert seen == []


def test_S13_with_atomic_requests_a_view_that_fails_is_undone_but_its_approval_is_spent(
    threaded_db, make_user, phone, make_computer, seen, monkeypatch
):
    account = account_with(phone, make_user("alice"))
    computer = verified(make_computer(), account.user)
    computer.client.raise_request_exception = False
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    page = asked(computer, "/fail/", {"a": "1"})
    fields = page.approved(phone)
    assert computer.post(page.target, fields).status_code == 500
    assert not Group.objects.exists()
    assert Attempt.objects.get(kind="step_up").spent
    assert reason_of(computer.post(page.target, fields)) == "expired"
    assert len(seen) == 1
