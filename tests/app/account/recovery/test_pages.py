"""A recovery code replaces the phone of somebody whom an automation lets in."""

from __future__ import annotations

import pytest

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt

from ...acts import ACCOUNT
from ..page import CODES, LOST, RECOVER, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_where_an_automation_lets_in_a_recovery_code_replaces_the_phone(embed, let_in_silently, account, settings):
    settings.TOOPHER_EMBED = embed
    code = recovery_codes.make(account.user)[0]
    assert f'href="{RECOVER}"' in page_of(let_in_silently)
    assert let_in_silently.get(RECOVER)["Location"] == RECOVER
    assert "Recovery code" in let_in_silently.get(RECOVER).content.decode()
    assert let_in_silently.post(RECOVER, {"code": "wrong"}).status_code == 200
    assert let_in_silently.post(CODES).status_code == 302
    assert let_in_silently.post(RECOVER, {"code": code})["Location"] == f"{LOST}?next=%2Faccounts%2Fphones%2F"
    let_in_silently.post(LOST)
    account.refresh_from_db()
    assert not account.paired
    assert let_in_silently.get(ACCOUNT).status_code == 200


def test_who_is_logged_in_and_has_no_phone_needs_no_recovery_code(alice, computer):
    computer.password()
    assert computer.get(RECOVER)["Location"] == ACCOUNT
    assert not Attempt.objects.exists()
