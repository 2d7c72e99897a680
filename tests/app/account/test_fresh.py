"""Changing the second factor takes a fresh confirmation, in person and in this session (SECURITY.md S38)."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.service.models import Automation, Pairing, Terminal, User
from django_toopher.session import state
from tests.drivers import Frame, attribute
from tests.factories import account_with, paired, requester_of
from tests.factories import verified as verified_computer

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, AUTHENTICATE, pair, pairing, remove
from ..login.native.page import PHONES, link, number_in
from .page import CODES, COMPUTER, LOST, OTHERS, computer_of, page_of

pytestmark = pytest.mark.urls("tests.app.urls")

CONFIRM = "/accounts/phones/confirm/"


def passes(computer, seconds=700):
    """So long ago is what was confirmed in this session, and the login."""
    kept = computer.client.session
    for key in (state.VERIFIED_AT, state.LOGGED_IN_AT, state.PASSWORD_AT):
        if key in kept:
            kept[key] -= seconds
    if state.CONFIRMED in kept:
        kept[state.CONFIRMED] = {action: when - seconds for action, when in kept[state.CONFIRMED].items()}
    kept.save()
    return computer


@pytest.fixture
def stale(verified):
    """Alice's session, in which she said yes on her phone thirteen days ago."""
    return passes(verified, 13 * 24 * 3600)


def confirm(computer, phone, path, response):
    """Say yes on the phone to the page that ``response`` is, in whichever way it asks; what comes then."""
    page = response.content.decode()
    if "toopher_iframe" in page:
        frame = Frame.at(computer, attribute(page, "src"))
        frame.approve(phone)
        held = re.search(r"&quot;toopher_held&quot;: &quot;([^&]+)&quot;", page)[1]
        return computer.post(path, {**frame.poll()["postback"], "toopher_held": held})
    phone.approve(phone.pending().requests[0], number_in(response))
    return computer.post(path, {"toopher_held": held_in(page)})


def held_in(page):
    return attribute(page.partition('name="toopher_held"')[2], "value")


@pytest.mark.parametrize("embed", ["iframe", "redirect", "native"])
def test_S38_new_codes_wait_for_a_fresh_yes_and_are_made_then(embed, stale, phone, settings):
    settings.TOOPHER_EMBED = embed
    asked = stale.post(CODES)
    assert not RecoveryCode.objects.exists()
    assert "Manage phones" in asked.content.decode()
    assert confirm(stale, phone, CODES, asked).status_code == 200
    assert RecoveryCode.objects.count() == 10
    assert stale.post(CODES).status_code == 200  # and for a while nobody is asked again


@pytest.mark.parametrize("embed", ["iframe", "redirect"])
def test_S38_in_place_of_the_management_page_stands_a_button(embed, stale, phone, settings):
    settings.TOOPHER_EMBED = embed
    page = page_of(stale)
    assert "Confirm to make changes" in page
    assert "manage_user" not in page
    asked = stale.post(CONFIRM)
    assert confirm(stale, phone, CONFIRM, asked)["Location"] == ACCOUNT
    page = page_of(stale)
    assert "Confirm to make changes" not in page
    assert "manage_user" in page


def test_S38_a_proposal_that_comes_late_is_held_until_it_is_confirmed(verified, phone, make_phone):
    second = make_phone("Second")
    proposal = pairing(verified, second)
    passes(verified)
    asked = verified.post(ACCOUNT_POSTBACK, proposal)
    assert second.pairings() == ()
    assert confirm(verified, phone, ACCOUNT_POSTBACK, asked)["Location"] == ACCOUNT
    assert len(second.pairings()) == 1


@pytest.mark.parametrize("step", ["pair", "rename", "remove", "complete"])
def test_S38_our_own_buttons_ask_first_and_act_then(step, verified, account, phone, make_phone, settings):
    settings.TOOPHER_EMBED = "native"
    if step == "complete":
        verified.post(PHONES, {"step": "pair"})
        make_phone("Second").pair_link(link())
    passes(verified)
    before = [*Pairing.objects.values_list("state", "label")]
    asked = verified.post(PHONES, {"step": step, "phone": account.pairing_id, "name": "Mine"})
    assert [*Pairing.objects.values_list("state", "label")] == before
    assert confirm(verified, phone, PHONES, asked)["Location"] == ACCOUNT
    assert [*Pairing.objects.values_list("state", "label")] != before


def test_S38_a_computer_is_renamed_with_a_fresh_yes_and_forgotten_without(windows, phone):
    fields = {"computer": computer_of(windows), "name": "Desk"}
    passes(windows)
    asked = windows.post(COMPUTER, fields)
    assert asked.status_code == 200
    confirm(windows, phone, COMPUTER, asked)
    assert "Desk" in page_of(windows)
    passes(windows)
    windows.post(COMPUTER, {**fields, "forget": "1"})
    assert "The computer is forgotten." in page_of(windows)


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S38_an_automation_ends_without_a_fresh_yes(embed, let_in_silently, account, make_computer, settings):
    settings.TOOPHER_EMBED = embed
    computer, automation = verified_computer(make_computer(), account.user), str(Automation.objects.get().pk)
    if embed == "iframe":
        proposal = computer.open_iframe(ACCOUNT).call("forget", automation=automation)["postback"]
        passes(computer)
        computer.post(ACCOUNT_POSTBACK, proposal)
    else:
        passes(computer)
        computer.post(PHONES, {"step": "forget", "automation": automation})
    assert not Automation.objects.exists()


def test_S38_signing_out_elsewhere_needs_no_fresh_yes(stale, account):
    before = account.generation
    assert stale.post(OTHERS)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert account.generation == before + 1


def test_S38_phones_are_not_removed_as_lost_by_an_old_session(stale, phone):
    asked = stale.post(LOST)
    assert Pairing.objects.enabled().exists()
    confirm(stale, phone, LOST, asked)
    assert not Pairing.objects.enabled().exists()


def test_S38_a_recovery_code_is_a_yes_in_person(account, computer, settings):
    codes = recovery_codes.make(account.user)
    computer.password()
    computer.post("/accounts/recover/", {"code": codes[0]})
    assert computer.post(LOST)["Location"] == ACCOUNT
    assert not Pairing.objects.enabled().exists()


# Who has no phone


def test_S38_who_has_just_typed_the_password_pairs_the_first_phone(alice, computer, phone):
    pair(computer, phone)
    assert phone.pairings()


@pytest.mark.parametrize("embed", ["iframe", "native"])
@pytest.mark.parametrize("way", ["old", "forced"])
def test_S38_any_other_session_types_the_password_first(way, embed, alice, computer, phone, settings):
    settings.TOOPHER_EMBED = embed
    if way == "old":
        computer.password()
        passes(computer)
    else:
        computer.client.force_login(alice)
    path, fields = (CONFIRM, {}) if embed == "iframe" else (PHONES, {"step": "pair"})
    if embed == "iframe":
        assert "confirm with your password" in page_of(computer)
    asked = computer.post(path, fields)
    assert not Pairing.objects.exists()
    held = held_in(asked.content.decode())
    again = computer.post(path, {"toopher_held": held, "toopher_password": "wrong"})
    assert "That password is wrong" in again.content.decode()
    held = held_in(again.content.decode())
    assert computer.post(path, {"toopher_held": held, "toopher_password": "password"})["Location"] == ACCOUNT
    if embed == "iframe":
        assert computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))["Location"] == ACCOUNT
    else:
        phone.pair_link(link())
        computer.post(PHONES)
    assert len(phone.pairings()) == 1


def test_S38_who_has_no_password_signs_in_anew(alice, computer, phone):
    alice.set_unusable_password()
    alice.save()
    computer.client.force_login(alice)
    proposal = pairing(computer, phone)
    passes(computer)
    assert "Sign in again" in page_of(computer)
    assert computer.post(ACCOUNT_POSTBACK, proposal)["Location"] == ACCOUNT
    assert phone.pairings() == ()
    computer.client.force_login(alice)
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))["Location"] == ACCOUNT


def test_S38_who_is_let_in_while_the_service_is_down_has_not_signed_in_anew(alice, computer, elsewhere, settings):
    demanded(settings)
    computer.client.force_login(alice)
    passes(computer)
    settings.TOOPHER_FAIL_OPEN = True
    for _question in range(4):
        elsewhere.will_send()
    assert computer.get("/members/", follow=True).content == b"welcome alice"
    settings.TOOPHER_BASE_URL = settings.TOOPHER_CONSUMER_KEY = settings.TOOPHER_CONSUMER_SECRET = None
    assert computer.post(CONFIRM)["Location"] == AUTHENTICATE
    assert computer.open_iframe().state["state"] == "finished"
    assert not Pairing.objects.exists()


def test_S38_a_password_given_before_the_phone_was_paired_confirms_nothing_after_it(
    alice, computer, phone, make_computer
):
    computer.client.force_login(alice)
    held = held_in(computer.post(CONFIRM).content.decode())
    computer.post(CONFIRM, {"toopher_held": held, "toopher_password": "password"})
    account_with(phone, alice)
    kept = computer.client.session
    state.set_verified(kept, ToopherAccount.objects.get().generation)  # the phone's yes, long ago
    kept[state.VERIFIED_AT] -= 700
    kept.save()
    assert "Manage phones" in computer.post(CODES).content.decode()
    assert not RecoveryCode.objects.exists()


def test_S38_the_service_is_asked_whether_there_is_no_phone(alice, computer, phone, embedded_api):
    computer.password()
    proposal = pairing(computer, phone)
    embedded_api.pair("alice", (other := phone).phrase().phrase)
    other.pair(phone.pending().pairings[0])  # of which the site has not heard
    assert computer.post(ACCOUNT_POSTBACK, proposal)["Location"] == ACCOUNT
    assert ToopherAccount.objects.get().paired
    assert Pairing.objects.enabled().count() == 1


# The last one


def demanded(settings):
    settings.TOOPHER_POLICY = "required"


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S38_the_last_phone_stays_where_the_policy_demands_one(embed, verified, account, make_phone, settings):
    demanded(settings)
    settings.TOOPHER_EMBED = embed
    if embed == "iframe":
        assert "postback" not in verified.open_iframe(ACCOUNT).call("remove", pairing=account.pairing_id)
        settings.TOOPHER_POLICY = "optional"
        proposals = [remove(verified)]
        demanded(settings)
        for proposal in proposals:
            verified.post(ACCOUNT_POSTBACK, proposal)
    else:
        verified.post(PHONES, {"step": "remove", "phone": account.pairing_id})
    assert "This site wants you to have a phone." in page_of(verified)
    assert Pairing.objects.enabled().exists()
    assert ToopherAccount.objects.get().paired


@pytest.mark.parametrize("change", [("reset", {}), ("switch", {"enabled": "false"})], ids=["reset", "switch"])
def test_S38_nor_are_all_removed_or_switched_off_there(change, verified, account, settings):
    from django_toopher.service.models import Requester

    Requester.objects.update(permitted_opt_out=True)
    name, fields = change
    proposal = verified.open_iframe(ACCOUNT).call(name, **fields)["postback"]
    demanded(settings)
    verified.post(ACCOUNT_POSTBACK, proposal)
    assert "This site wants you to have a phone." in page_of(verified)
    account.refresh_from_db()
    assert (account.paired, account.enabled) == (True, True)
    assert Pairing.objects.enabled().exists()


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S38_a_lost_phone_goes_when_the_new_one_is_there(embed, account, computer, phone, make_phone, settings):
    demanded(settings)
    settings.TOOPHER_EMBED = embed
    codes, new = recovery_codes.make(account.user), make_phone("New")
    Attempt.objects.update(terminal_digest="d" * 64)  # granted at a computer
    known = Terminal.objects.create(user=User.objects.get(), name="PC", extra="known", approved=timezone.now())
    computer.password()
    lost = computer.post("/accounts/recover/", {"code": codes[0]})["Location"]
    assert "all your old phones are removed" in computer.get(lost).content.decode()
    assert computer.post(LOST)["Location"] == ACCOUNT
    assert Pairing.objects.enabled().count() == 1
    assert "the old ones are then removed" in page_of(computer)
    if embed == "iframe":
        computer.post(ACCOUNT_POSTBACK, pairing(computer, new))
    else:
        computer.post(PHONES, {"step": "pair"})
        new.pair_link(link())
        computer.post(PHONES)
    assert (len(new.pairings()), phone.pairings()) == (1, ())
    known.refresh_from_db()  # whom that phone has let in is known no more (S46)
    assert known.approved is None
    assert not Attempt.objects.exclude(terminal_digest="").exists()
    page = page_of(computer)
    assert "The phone is paired, the old ones were removed." in page
    assert "are then removed" not in page
    third = make_phone("Third")
    computer.post(PHONES, {"step": "pair"}) if embed == "native" else None
    if embed == "iframe":
        computer.post(ACCOUNT_POSTBACK, pairing(computer, third))
        assert len(new.pairings()) == 1


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_S37_a_request_of_who_has_no_phone_asks_the_service_whether_that_is_so_at_most_once(
    embed, alice, computer, settings, calls
):
    settings.TOOPHER_EMBED = embed
    computer.password()
    passes(computer)
    # the page, and what can be done there without a phone, take over first how things stand at the service
    most = {(ACCOUNT, "get"): 1, (CONFIRM, "post"): 2, (PHONES, "post"): 2, (CODES, "post"): 1}
    for (path, method), number in most.items():
        calls.clear()
        assert getattr(computer, method)(path).status_code in {200, 302}, path
        assert len([call for call in calls if call == "GET users"]) <= number, (path, calls)


def test_S38_a_lost_phone_of_which_the_site_has_not_heard_stays_too(alice, computer, phone, settings):
    demanded(settings)
    codes = recovery_codes.make(alice)
    computer.password()
    paired(requester_of(), "alice", phone)  # its postback was lost
    computer.post("/accounts/recover/", {"code": codes[0]})
    assert computer.post(LOST)["Location"] == ACCOUNT
    assert phone.pairings()
    assert "the old ones are then removed" in page_of(computer)
