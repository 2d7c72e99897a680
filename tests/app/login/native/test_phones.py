"""Phones are paired, renamed and removed on our own account page."""

from __future__ import annotations

import pytest

from django_toopher.models import ToopherAccount
from django_toopher.service.models import Pairing
from django_toopher.session.state import VERIFIED
from tests.app.acts import ACCOUNT
from tests.drivers import attribute
from tests.factories import account_with
from tests.factories import verified as verified_computer
from tests.tables import table

from .page import PHONES, PHONES_STATE, link, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture
def at_phones(alice, computer):
    """Alice at her account page, without a phone."""
    computer.password()
    assert "Pair a phone" in page_of(computer)
    return computer


def test_a_first_phone_is_paired_on_our_own_account_page(at_phones, phone, alice):
    at_phones.post(PHONES, {"step": "pair"})
    assert 'data-state="pairing"' in page_of(at_phones)
    assert at_phones.get("/accounts/phones/qr/")["Content-Type"] == "image/png"
    phone.pair_link(link())
    assert at_phones.get(PHONES_STATE).json()["state"] == "paired"
    assert at_phones.post(PHONES)["Location"] == ACCOUNT
    assert "The phone is paired." in page_of(at_phones)
    assert at_phones.client.session[VERIFIED] == str(alice.pk)
    assert ToopherAccount.objects.get().paired
    assert ToopherAccount.objects.get().device == "Pixel"
    assert "<strong>Pixel</strong>" in page_of(at_phones)


def test_before_the_phones_yes_nothing_is_paired(at_phones):
    at_phones.post(PHONES, {"step": "pair"})
    at_phones.post(PHONES)
    assert not ToopherAccount.objects.get().paired
    assert VERIFIED not in at_phones.client.session


def test_a_phone_is_paired_on_our_own_account_page_by_its_words(at_phones, phone):
    at_phones.post(PHONES, {"step": "pair"})
    at_phones.post(PHONES, {"step": "phrase", "phrase": "walnut canyon brave rocket"})
    assert "No phone shows these words now." in page_of(at_phones)
    at_phones.post(PHONES, {"step": "phrase", "phrase": phone.phrase().phrase})
    assert "Now say yes on the phone that showed the words." in page_of(at_phones)
    phone.pair(phone.pending().pairings[0])
    at_phones.post(PHONES)
    assert ToopherAccount.objects.get().paired


@pytest.fixture
def verified(account, computer):
    return verified_computer(computer, account.user)


def test_a_second_phone_is_added_and_one_removed(verified, make_phone):
    verified.post(PHONES, {"step": "pair"})
    make_phone("Second").pair_link(link())
    verified.post(PHONES)
    page = page_of(verified)
    assert page.count('value="remove"') == 2
    verified.post(PHONES, {"step": "remove", "phone": attribute(page.partition('name="phone"')[2], "value")})
    page = page_of(verified)
    assert "The phone was removed." in page
    assert page.count('value="remove"') == 1
    assert ToopherAccount.objects.get().paired


def test_a_phone_is_renamed(verified, account):
    phone = account.pairing_id
    verified.post(PHONES, {"step": "rename", "phone": phone, "name": " My  blue\tone "})
    page = page_of(verified)
    assert "The phone has its new name." in page
    assert "<strong>My blue one</strong>" in page
    account.refresh_from_db()
    assert account.device == "My blue one"
    for name in ("x" * 101, "zero\u200bwidth"):
        verified.post(PHONES, {"step": "rename", "phone": phone, "name": name})
        assert "This can&#x27;t be a phone&#x27;s name" in page_of(verified)
    assert Pairing.objects.get().label == "My blue one"


def test_S17_anothers_phone_is_not_removed(verified, make_user, make_phone):
    bobs = account_with(make_phone(), make_user("bob"))
    for phone_id in (bobs.pairing_id, "", "x", "../users/reset"):
        verified.post(PHONES, {"step": "remove", "phone": phone_id})
    assert Pairing.objects.filter(state=Pairing.State.ENABLED).count() == 2


@table("step", ["pair", "phrase", "remove", ""])
def test_S08_who_has_not_passed_the_second_factor_changes_no_phone(step, account, make_computer, phone):
    half, forced = make_computer(), make_computer()
    half.password()
    forced.client.force_login(account.user)
    phrase = phone.phrase().phrase
    for each in (half, forced, make_computer()):
        response = each.post(PHONES, {"step": step, "phrase": phrase, "phone": account.pairing_id})
        assert response.status_code in {302, 303, 403}
    assert [*Pairing.objects.values_list("state", flat=True)] == [Pairing.State.ENABLED]


def test_S29_what_is_begun_without_the_second_factor_pairs_the_first_phone_only(
    at_phones, phone, make_phone, make_computer
):
    at_phones.post(PHONES, {"step": "pair"})
    stale = link()
    owner = make_computer()
    owner.password()
    owner.post(PHONES, {"step": "pair"})
    phone.pair_link(link())
    owner.post(PHONES)
    with pytest.raises(Exception, match="answered already"):
        make_phone("attacker").pair_link(stale)


@pytest.mark.parametrize("step", ["rename", "remove"])
def test_S35_a_phone_is_named_before_the_service_knows_the_person(step, alice, computer):
    account = ToopherAccount.objects.for_user(alice)
    verified_computer(computer, alice)
    assert account.toopher_user_id == ""
    response = computer.post(PHONES, {"step": step, "phone": "x", "name": "Mine"})
    assert (response.status_code, response["Location"]) == (302, ACCOUNT)
