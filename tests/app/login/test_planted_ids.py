"""A computer's secret id that a thief knows is never one with which the person was granted (SECURITY.md S46)."""

from __future__ import annotations

from copy import deepcopy

import pytest

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


def test_S46_a_planted_id_is_told_to_nobody(account, computer, phone):
    plant(computer, KNOWN)
    log_in(computer, phone)
    assert asked_with() != KNOWN
    assert asked_with() in computer.client.cookies["toopher_terminal"].value
