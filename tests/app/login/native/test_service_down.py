"""Our own pages while the service is down, or does not ask this person (SECURITY.md S15)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_toopher.factors import recovery_codes
from django_toopher.models import ToopherAccount
from django_toopher.session.state import LET_IN, VERIFIED
from tests.app.acts import ACCOUNT, AUTHENTICATE, outcomes, reason_of
from tests.tables import table

from .page import PHONES, RECOVER, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


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


def test_S15_the_account_page_stands_while_the_service_is_down(alice, computer, elsewhere):
    ToopherAccount.objects.create(user=alice, name="alice", toopher_user_id="u1", found_without=timezone.now())
    computer.password()
    elsewhere.will_answer(b"", 500)
    assert "what is shown here may be old" in page_of(computer)
    elsewhere.will_answer(b"", 500)
    assert computer.post(PHONES, {"step": "pair"})["Location"] == ACCOUNT
