"""The page asks the service what it has not heard of, once it may know something."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt, ToopherAccount

from ..acts import ACCOUNT, AUTHENTICATE, pairing
from .page import page_of

pytestmark = pytest.mark.urls("tests.app.urls")


def test_S39_a_phone_whose_proposal_never_arrived_is_none(alice, computer, phone):
    computer.password()
    pairing(computer, phone)  # which is never handed in
    assert computer.get(ACCOUNT).status_code == 200
    assert not ToopherAccount.objects.get().paired


def test_a_phone_that_was_paired_elsewhere_is_found(alice, computer, phone, embedded_api):
    computer.password()
    computer.get(ACCOUNT)
    embedded_api.pair("alice", phone.phrase().phrase)
    phone.pair(phone.pending().pairings[0])
    assert not ToopherAccount.objects.get().paired
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().paired
    other = type(computer)()
    assert other.log_in(phone).status_code == 302


def test_S37_a_first_visit_asks_whether_there_is_a_phone(alice, computer, elsewhere):
    computer.client.force_login(alice)
    for _ in ("login", "page"):
        elsewhere.will_answer([])
    assert computer.get(ACCOUNT).status_code == 200
    assert len(elsewhere.received) == 2
    assert not Attempt.objects.exists()


def test_S15_a_service_that_is_down_is_told(alice, computer, elsewhere):
    computer.client.force_login(alice)
    for _ in ("login", "page"):
        elsewhere.will_answer([])
    computer.get(ACCOUNT)
    elsewhere.will_answer(b"", 500)
    assert "what is shown here may be old" in page_of(computer)
