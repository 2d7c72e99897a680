"""Pairing a first phone inside a login page, by link or by phrase (SECURITY.md S06, S29)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Pairing
from tests.tables import table

from ..callers import at_once, rows
from .pages import TOKEN, assert_refused, authenticate_url, call, load, open_page, ticket_of


def test_who_has_no_phone_is_shown_a_link_and_its_picture(open_frame):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    assert frame.state["link"].startswith("https://testserver/toopher/phone/#pair=")
    assert frame.state["qr"].startswith("data:image/svg+xml")
    assert frame.poll()["state"] == "pairing"


def test_a_phone_is_paired_by_the_link_and_then_asked(open_frame, phone, iframe):
    frame = open_frame()
    phone.pair_link(frame.state["link"])
    assert frame.poll() == {"state": "paired"}
    assert frame.call("ask")["state"] == "waiting"
    frame.approve(phone)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["granted"] == "true"


def test_a_phone_is_paired_by_its_phrase_and_then_asked(open_frame, phone):
    frame = open_frame()
    first_link = frame.state["link"]
    assert frame.call("phrase", phrase=phone.phrase().phrase)["state"] == "pairing"
    assert "link" not in frame.state
    assert str(Pairing.objects.exclude(authenticator=None).get().authenticator_id) == phone.id
    phone.pair(phone.pending().pairings[0])
    assert frame.poll()["state"] == "paired"
    assert frame.call("ask")["state"] == "waiting"
    frame.approve(phone)
    assert frame.poll()["granted"] is True
    assert Pairing.objects.filter(state="deactivated").count() == 1, first_link


def test_S29_the_link_that_was_shown_before_a_phrase_is_void(open_frame, phone, make_phone):
    frame = open_frame()
    link = frame.state["link"]
    frame.call("phrase", phrase=phone.phrase().phrase)
    with pytest.raises(Exception, match="used already") as refused:
        make_phone("Thief's").pair_link(link)
    assert refused.value.reason == "gone"


@table("phrase", ["", "  ", "awkward turtle", "\0", "\u00e9" * 500])
def test_an_unknown_phrase_is_told_and_changes_nothing(open_frame, phrase):
    frame = open_frame()
    before = rows()
    response = call("phrase", frame.token, phrase=phrase)
    assert_refused(response, 404)
    assert rows() == {**before, "Tally": before["Tally"] + 1}  # the guess is counted
    assert frame.poll()["state"] == "pairing"


def test_a_pairing_that_the_phone_declined_can_be_tried_again(open_frame, phone):
    frame = open_frame()
    phone.decline(phone.offer(frame.state["link"]))
    assert frame.poll() == {"state": "unpaired"}
    assert frame.call("pair")["state"] == "pairing"
    phone.pair_link(frame.state["link"])
    assert frame.poll()["state"] == "paired"


def test_S29_a_link_that_ran_out_can_be_made_anew(open_frame, phone):
    frame = open_frame()
    link = frame.state["link"]
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll() == {"state": "unpaired"}
    assert frame.call("pair")["link"] != link


# Who has a phone pairs no other


def test_S06_a_login_page_of_somebody_with_a_phone_pairs_no_other_by_phrase(open_frame, paired_phone, make_phone):
    """Who knows the password only must not add a phone of their own."""
    thief = make_phone("Thief's")
    frame = open_frame()
    response = call("phrase", frame.token, phrase=thief.phrase().phrase)
    assert 400 <= response.status_code < 500, response.content
    assert thief.pending().pairings == ()
    assert Pairing.objects.count() == 1


def test_S06_a_login_page_of_somebody_with_a_phone_pairs_no_other_by_link(open_frame, paired_phone):
    frame = open_frame()
    assert "link" not in frame.call("pair")
    assert Pairing.objects.count() == 1


@pytest.mark.parametrize("how", ["url", "page"])
def test_S06_a_page_without_inline_pairing_pairs_nothing_by_phrase(open_frame, paired_phone, make_phone, iframe, how):
    thief = make_phone("Thief's")
    url = authenticate_url(iframe, allow_inline_pairing=False)
    token = (
        open_frame(url).token
        if how == "url"
        else open_page(ticket_of(load("auth", terminal_name="PC"))).json()["token"]
    )
    assert 400 <= call("phrase", token, phrase=thief.phrase().phrase).status_code < 500
    assert thief.pending().pairings == ()


def test_S06_a_frame_that_waited_for_a_phone_pairs_none_once_the_user_has_one(open_frame, pair, phone, make_phone):
    frame = open_frame()
    pair(phone)
    thief = make_phone("Thief's")
    response = call("phrase", frame.token, phrase=thief.phrase().phrase)
    assert 400 <= response.status_code < 500, response.content
    assert thief.pending().pairings == ()


def offered(frame, phone, by):
    """What ``phone`` is offered by a login page that waits for one."""
    if by == "link":
        return phone.offer(frame.state["link"])
    frame.call("phrase", phrase=phone.phrase().phrase)
    return phone.pending().pairings[0]


def refusal(call, *arguments):
    """The reason for which a phone's call is refused, or what it returns."""
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_a_frame_that_waited_enables_no_phone_once_the_user_has_one(open_frame, pair, phone, make_phone, by):
    frame, thief = open_frame(), make_phone("Thief's")
    offer = offered(frame, thief, by)
    pair(phone)
    assert refusal(thief.pair, offer) in {"gone", "not_found"}
    assert [str(each.authenticator_id) for each in Pairing.objects.enabled()] == [phone.id]
    assert thief.pairings() == ()


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_of_two_first_phones_at_the_same_moment_one_is_paired(threaded_db, open_frame, iframe, make_phone, by):
    phones = [make_phone(), make_phone()]
    frames_ = [open_frame(), open_frame(authenticate_url(iframe, token="another login"))]
    offers = [offered(frame, phone, by) for frame, phone in zip(frames_, phones, strict=True)]
    outcomes = at_once(*[lambda n=n: refusal(phones[n].pair, offers[n]) == "gone" for n in (0, 1)])
    assert sorted(outcomes) == [False, True]
    assert Pairing.objects.enabled().count() == 1


def test_S06_after_a_reset_a_login_page_pairs_again(open_frame, paired_phone, make_phone, api):
    api.reset_user("alice")
    frame, second = open_frame(), make_phone("Second")
    assert frame.state["state"] == "pairing"
    second.pair_link(frame.state["link"])
    assert frame.call("ask")["state"] == "waiting"
