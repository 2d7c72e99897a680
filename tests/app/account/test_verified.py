"""Who may change a second factor: who has passed it in this session, in person, and as it is now (SECURITY.md S08)."""

from __future__ import annotations

import re

import pytest
from django.db import connections

from django_toopher.account import verified as access
from django_toopher.models import RecoveryCode, ToopherAccount
from tests.drivers import Frame, attribute

from ..acts import ACCOUNT, signed_parameters
from ..ways import confirmed_page
from .page import CODES, COMPUTER, OTHERS, an_hour_passes, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.mark.parametrize("path", [COMPUTER, OTHERS])
def test_S08_only_a_verified_session_changes_anything(path, account, computer, make_computer):
    half, forced = computer, make_computer()
    half.password()
    forced.client.force_login(account.user)
    before = ToopherAccount.objects.get().generation
    for each in (half, forced, make_computer()):
        assert each.post(path).status_code in {302, 303, 403}
    assert ToopherAccount.objects.get().generation == before


@pytest.mark.parametrize("atomic", [True, False])
def test_S08_a_standing_answer_changes_no_factor(atomic, let_in_silently, phone, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
    assert let_in_silently.is_logged_in()
    before = ToopherAccount.objects.get().generation
    for path in (COMPUTER, OTHERS, CODES):
        assert let_in_silently.post(path)["Location"] == ACCOUNT
    assert (ToopherAccount.objects.get().generation, RecoveryCode.objects.count()) == (before, 0)
    page = page_of(let_in_silently)
    assert "Manage phones" in page
    assert "Sign out" not in page
    path, fields = confirmed_page(let_in_silently, phone, ACCOUNT)
    assert let_in_silently.post(path, fields)["Location"] == ACCOUNT
    assert signed_parameters(let_in_silently, ACCOUNT)
    assert let_in_silently.post(CODES).status_code == 200
    assert RecoveryCode.objects.count() == 10


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S08_a_standing_answer_makes_no_codes_when_the_phone_is_removed_elsewhere(
    embed, let_in_silently, phone, settings
):
    settings.TOOPHER_EMBED = embed
    phone.remove(phone.account().id)
    page = page_of(let_in_silently)
    if embed == "iframe":
        held = re.search(r"&quot;toopher_held&quot;: &quot;([^&]+)&quot;", page)[1]
        postback = Frame.at(let_in_silently, attribute(page, "src")).state["postback"]
        let_in_silently.post("/accounts/step-up/", {**postback, "toopher_held": held})
    assert not ToopherAccount.objects.get().paired
    assert let_in_silently.post(CODES).status_code == 302
    assert not RecoveryCode.objects.exists()


def test_S09_the_sessions_key_changes_when_the_person_confirms_what_a_standing_answer_opened(let_in_silently, phone):
    key = let_in_silently.client.session.session_key
    path, fields = confirmed_page(let_in_silently, phone, ACCOUNT)
    let_in_silently.post(path, fields)
    assert let_in_silently.client.session.session_key != key


def test_S08_a_reset_at_the_same_moment_ends_this_session_too(verified, account, monkeypatch):
    checked = access.is_verified

    def is_verified(request, found):
        is_so = checked(request, found)
        account.change()  # support is quicker than what comes next
        return is_so

    monkeypatch.setattr(access, "is_verified", is_verified)
    assert verified.post(OTHERS)["Location"] == ACCOUNT
    monkeypatch.undo()
    an_hour_passes(verified)
    assert not verified.is_logged_in()


@pytest.mark.parametrize("path", [OTHERS, "/accounts/phones/lost/", "/accounts/phones/codes/"])
def test_S08_a_session_that_was_signed_out_renews_itself_by_nothing(path, verified, another, account):
    verified.post(OTHERS)
    another.post(path)  # at once: it was compared a moment ago
    account.refresh_from_db()
    assert account.paired
    assert not RecoveryCode.objects.exists()
    an_hour_passes(verified)
    assert verified.is_logged_in()
    assert not another.is_logged_in()
