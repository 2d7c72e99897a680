"""A computer's secret id that a thief knows is never one with which the person was granted (SECURITY.md S46)."""

from __future__ import annotations

from copy import deepcopy

import pytest

from django_toopher.connection import api
from django_toopher.login import phone_changes
from django_toopher.models import ToopherAccount
from django_toopher.service.models import Terminal
from django_toopher.support import verbs
from tests.factories import account_with

from .computers import EMBEDS, approved, asked_with, goes_on, ids_in, is_let_in, log_in, opened, plant

pytestmark = pytest.mark.urls("tests.app.urls")

KNOWN = "x" * 43


@pytest.fixture(params=EMBEDS, autouse=True)
def embed(request, settings):
    settings.TOOPHER_EMBED = request.param
    return request.param


@pytest.fixture
def thief(account, make_computer):
    """Somebody else who knows Alice's password, has begun to sign in, and has kept all that was to be seen."""
    thief = make_computer()
    thief.password()
    opened(thief)
    thief.ids = ids_in(thief) | {KNOWN}
    return thief


def plant_ids(thief, computer):
    plant(computer, *sorted(thief.ids))


def plant_session(thief, computer):
    computer.client.cookies["sessionid"] = thief.client.cookies["sessionid"].value


def plant_all(thief, computer):
    computer.client.cookies = deepcopy(thief.client.cookies)


@pytest.mark.parametrize("lost", [False, True], ids=["answer heard", "answer lost"])
@pytest.mark.parametrize("planted", [plant_ids, plant_session, plant_all])
def test_S46_what_was_planted_lets_nobody_in(planted, lost, thief, computer, phone):
    planted(thief, computer)
    if planted is plant_ids:
        computer.password()
    finish = approved(computer, phone, automate=True)
    if not lost:
        finish()
        assert computer.is_logged_in()
    assert asked_with() not in thief.ids
    assert not goes_on(thief)
    for each in [*thief.ids, *ids_in(thief)]:
        plant(thief, each)
        assert not is_let_in(thief), each


def reset(account):
    verbs.reset(ToopherAccount.objects.get(pk=account.pk), api())


def reset_elsewhere(account):
    """At the service alone, of which this site hears later."""
    api().reset_user("alice")
    verbs.refresh(ToopherAccount.objects.get(pk=account.pk), api())


def remove_the_last(account):
    fresh = ToopherAccount.objects.get(pk=account.pk)
    phone_changes.remove(api(), fresh, fresh.pairing_id, unless_last=False)


@pytest.mark.parametrize("gone", [reset, reset_elsewhere, remove_the_last])
def test_S46_what_a_phone_has_granted_ends_with_it(gone, account, phone, make_phone, make_computer, computer):
    """A stranger who had password and phone once is known at a computer, and plants its id."""
    thief = make_computer()
    log_in(thief, phone)
    granted_with = asked_with()
    gone(account)
    another = make_phone()
    account_with(another, account.user)
    plant(computer, granted_with)
    log_in(computer, another, automate=True)
    assert asked_with() != granted_with
    assert not is_let_in(thief)
    assert not Terminal.objects.filter(extra=granted_with).exclude(approved=None).exists()


def test_S46_a_planted_id_is_told_to_nobody(account, computer, phone):
    plant(computer, KNOWN)
    log_in(computer, phone)
    assert asked_with() != KNOWN
    assert asked_with() in computer.client.cookies["toopher_terminal"].value
