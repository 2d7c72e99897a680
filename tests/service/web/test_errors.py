"""Errors that the requester must hear of, and what nobody who was disabled gets (PROTOCOL.md §3.4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import (
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    TerminalUnknownError,
    UserDisabledError,
    UserUnknownError,
    sign_postback,
)
from django_toopher.service.models import AuthenticationRequest, Pairing
from tests.tables import table

from .pages import ALWAYS, TOKEN, assert_requester_hears, call, load, manage_url, open_page, ticket_of


def deactivate(pair, phone, api):
    api.post(f"pairings/{pair(phone)}", deactivated=True)


def deny_pairing(phone, api):
    api.pair("alice", phone.phrase().phrase)
    phone.decline(phone.pending().pairings[0])


@table("page", ["auth", "authenticate"])
@table(
    ("before", "error"),
    [("nothing", UserUnknownError), ("removed", PairingDeactivatedError), ("denied", PairingNotAuthorizedError)],
)
def test_without_inline_pairing_the_requester_hears_what_is_wrong(pair, phone, api, iframe, page, before, error):
    if before == "removed":
        deactivate(pair, phone, api)
    elif before == "denied":
        deny_pairing(phone, api)
    inline = {"allow_inline_pairing": "False"} if page == "authenticate" else {}
    state = open_page(ticket_of(load(page, terminal_name="PC", **inline))).json()
    assert (state["state"], state["granted"]) == ("finished", False)
    assert state["postback"].keys() == ALWAYS | {"error_code", "error_message"}
    with pytest.raises(error) as told:
        iframe.validate_postback(state["postback"], TOKEN)
    assert told.value.code == error.code
    assert not AuthenticationRequest.objects.exists()


def test_the_page_auth_pairs_nobody_whatever_its_url_says(requester):
    state = open_page(ticket_of(load("auth", allow_inline_pairing="True", terminal_name="PC"))).json()
    assert state["postback"]["error_code"] == "705"
    assert not Pairing.objects.exists()


@table("page", ["auth", "authenticate"])
def test_of_a_disabled_user_the_requester_hears_704(paired_phone, api, iframe, page):
    api.disable_user("alice")
    state = open_page(ticket_of(load(page, terminal_name="PC"))).json()
    with pytest.raises(UserDisabledError):
        iframe.validate_postback(state["postback"], TOKEN)
    assert state["granted"] is False


def test_a_disabled_user_pairs_no_phone(api, open_frame, phone):
    frame = open_frame()
    api.disable_user("alice")
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    for reply in (frame.call("pair"), frame.call("phrase", phrase=phone.phrase().phrase)):
        assert (reply["state"], reply["postback"]["error_code"]) == ("finished", "704")
    assert Pairing.objects.count() == 1


@pytest.mark.parametrize("how", ["disabled", "reset"])
def test_S25_a_user_disabled_or_reset_while_the_page_waits_gets_no_yes(open_frame, paired_phone, api, how):
    frame = open_frame()
    question = frame.question(paired_phone)
    api.disable_user("alice") if how == "disabled" else api.reset_user("alice")
    with pytest.raises(Exception, match=r".") as refused:
        paired_phone.approve(question, frame.state["number"])
    assert refused.value.reason == "gone"
    assert frame.poll().get("granted") is not True
    reply = call("code", frame.token, code=paired_phone.code())
    if how == "disabled":
        assert reply.json()["postback"]["error_code"] == "704"
    else:
        assert 400 <= reply.status_code < 500
    assert frame.poll().get("granted") is not True


def test_of_a_computer_without_a_name_the_requester_hears_706(paired_phone, iframe):
    state = open_page(ticket_of(load("authenticate", requester_specified_terminal_id="unknown"))).json()
    assert_requester_hears(state, 706)
    with pytest.raises(TerminalUnknownError):
        iframe.validate_postback(state["postback"], TOKEN)
    assert not AuthenticationRequest.objects.exists()


def test_an_error_tells_the_metadata_too(paired_phone):
    opened = load("authenticate", requester_specified_terminal_id="unknown", requester_metadata="a=b")
    postback = open_page(ticket_of(opened)).json()["postback"]
    assert postback["requester_metadata"] == "a=b"
    assert postback["toopher_sig"] == sign_postback(postback, "secret", "python-php")


def test_of_what_the_site_may_not_do_the_requester_hears_403(requester, paired_phone):
    requester.permitted_challenge_required = False
    requester.save()
    state = open_page(ticket_of(load("authenticate", terminal_name="PC", challenge_required="True"))).json()
    assert_requester_hears(state, 403)
    assert not AuthenticationRequest.objects.exists()


@table("page", ["authenticate", "manage_user"])
def test_an_error_met_later_is_told_in_the_same_way(api, open_frame, iframe, page):
    frame = open_frame(manage_url(iframe) if page == "manage_user" else None)
    api.disable_user("alice")
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert_requester_hears(frame.call("pair"), 704)
