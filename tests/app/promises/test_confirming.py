"""Confirming: what was asked, once, by who asked."""

from __future__ import annotations

from django_toopher.models import ToopherAccount
from tests.app.acts import undone
from tests.app.ways import FORM, PATH, STEP_UPS
from tests.factories import verified

from .means import CHANGES, PAGES, every_step_up, logged_in_as_alice

pytestmark = PAGES


@every_step_up
def test_S13_S17_nobody_else_carries_it_out(way, alices, bob, make_browser, phone, settings, carried_out):
    carry_out = way(alices, phone, settings)
    bobs, again, stranger = make_browser(), make_browser(), make_browser()
    settings.TOOPHER_EMBED = "iframe"
    ToopherAccount.objects.filter(user=bob).update(enabled=True)
    verified(bobs, bob)
    logged_in_as_alice(again)
    way_is_a_token = way is STEP_UPS["REST"]  # which is the permission, whatever the browser
    for thief in (bobs, again, stranger) if not way_is_a_token else ():
        carry_out(thief)
        assert carried_out() == 0
    carry_out()
    assert carried_out() == 1


@every_step_up
def test_S04_S07_S13_it_is_carried_out_once_as_it_was_and_for_who_asked(
    way, alices, alice, phone, settings, carried_out
):
    carry_out = way(alices, phone, settings)
    for name, change in CHANGES.items():
        if (way, name) in {(STEP_UPS["password"], "disabled"), (STEP_UPS["REST"], "renamed")}:
            continue  # is what makes this way; is whom the token names
        with undone(alices):
            change(type(alice).objects.get())
            carry_out()
            assert carried_out() == 0, name
    for path in ("/transfer/large/", "/transfer/?to=eve", "/protected-inside/", "/form/"):
        with undone(alices):
            carry_out(path=path)
            assert carried_out() == 0, path
    assert carry_out().status_code in {200, 302}
    assert carried_out() == 1
    carry_out()
    assert carried_out() == 1


def test_S15_nothing_is_confirmed_while_the_service_is_down(alices, request, settings, carried_out):
    elsewhere = request.getfixturevalue("elsewhere")
    for embed in ("iframe", "native"):
        settings.TOOPHER_EMBED = embed
        for headers in ({}, {"Accept": "application/json"}):
            elsewhere.will_answer(b"<h1>Server Error</h1>", 500)
            assert alices.post(PATH, FORM, headers=headers).status_code == 503
    assert carried_out() == 0
