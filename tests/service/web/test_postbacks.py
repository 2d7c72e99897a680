"""What the requester gets at the end: signed, with every key (PROTOCOL.md §3.4 and §3.5)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import SignatureError, TokenError, ToopherIframe, sign_postback
from django_toopher.connection import credentials
from django_toopher.embedded import CONSUMER_KEY
from django_toopher.service.models import AuthenticationRequest
from tests.drivers import Computer, Frame
from tests.tables import table

from ..callers import ROOT
from .pages import ALWAYS, ROW, TOKEN, authenticate_url, load, open_page, poll, ticket_of


def test_a_yes_gives_a_signed_postback_with_every_key(open_frame, paired_phone, iframe):
    frame = open_frame(requester_metadata="wp: base64==", action_name="Transfer \u20ac5")
    frame.approve(paired_phone)
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(
        state["postback"], TOKEN, resource_type="authentication_request", username="alice"
    )
    asked = AuthenticationRequest.objects.get()
    assert postback.keys() >= ROW | ALWAYS | {"requester_metadata"}
    assert all(isinstance(value, str) for value in postback.values())
    assert {name: postback[name] for name in ROW - {"resource_type"}} == {
        "id": str(asked.pk),
        "pending": "false",
        "granted": "true",
        "automated": "false",
        "reason": "",
        "reason_code": "0",
        "terminal_id": str(asked.terminal_id),
        "terminal_name": "Office laptop",
        "terminal_requester_specified_id": "terminal-secret-1",
        "pairing_user_id": str(asked.user_id),
        "user_name": "alice",
        "user_toopher_authentication_enabled": "true",
        "action_id": str(asked.action_id),
        "action_name": "Transfer \u20ac5",
    }
    assert postback["requester_metadata"] == "wp: base64=="
    assert abs(int(postback["timestamp"]) - time.time()) < 10


def test_a_no_gives_a_signed_postback_that_is_not_granted(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.deny(paired_phone)
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", False)
    postback = iframe.validate_postback(state["postback"], TOKEN)
    assert (postback["granted"], postback["pending"], postback["reason_code"]) == ("false", "false", "100")


@table("metadata", ["None", "", "text", "a&b=c", "line"])
def test_the_requesters_metadata_comes_back_unchanged(open_frame, paired_phone, iframe, metadata):
    frame = open_frame(requester_metadata=metadata)
    frame.approve(paired_phone)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["requester_metadata"] == metadata


def test_metadata_and_token_that_were_not_given_are_absent_and_blank(requester, paired_phone):
    opened = open_page(ticket_of(load("authenticate", session_token=None, terminal_name="PC"))).json()
    paired_phone.deny(paired_phone.pending().requests[0])
    postback = poll(opened["token"]).json()["postback"]
    assert postback["session_token"] == ""
    assert "requester_metadata" not in postback


def test_S01_an_altered_postback_is_not_believed(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.deny(paired_phone)
    postback = frame.poll()["postback"] | {"granted": "true"}
    with pytest.raises(SignatureError):
        iframe.validate_postback(postback, TOKEN)


def test_S03_a_postback_answers_its_own_login_only(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.approve(paired_phone)
    with pytest.raises(TokenError):
        iframe.validate_postback(frame.poll()["postback"], "another token")


def test_the_postback_is_as_old_as_its_last_poll(open_frame, paired_phone):
    """Signed when it is told (PROTOCOL.md §3.5), so a slow browser does not make it too old."""
    frame = open_frame()
    frame.approve(paired_phone)
    AuthenticationRequest.objects.update(answered=timezone.now() - timedelta(seconds=300))
    assert abs(int(frame.poll()["postback"]["timestamp"]) - time.time()) < 10


@table("encoding", ["python-php", "java-ruby", "dotnet-py3"])
def test_S21_a_postback_is_signed_with_the_requesters_own_secret_and_encoding(make_requester, pair, phone, encoding):
    make_requester("other", "other secret", postback_encoding=encoding)
    pair(phone, "a~b*c d", at="other")
    other = ToopherIframe("other", "other secret", ROOT)
    frame = Frame.at(Computer(), authenticate_url(other, "a~b*c d"))
    frame.approve(phone)
    postback = frame.poll()["postback"]
    assert postback["toopher_sig"] == sign_postback(postback, "other secret", encoding)
    wrong = {
        sign_postback(postback, "other secret", each) for each in {"python-php", "java-ruby", "dotnet-py3"} - {encoding}
    }
    assert postback["toopher_sig"] not in wrong


def test_S21_a_foreign_requesters_postback_is_not_believed(open_frame, paired_phone):
    frame = open_frame()
    frame.approve(paired_phone)
    with pytest.raises(SignatureError):
        ToopherIframe("key", "other secret", ROOT).validate_postback(frame.poll()["postback"], TOKEN)


def test_the_postback_of_the_embedded_requester_is_signed_with_the_newest_secret(settings, phone, pair):
    pair(phone, at=CONSUMER_KEY)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    embedded = ToopherIframe(*credentials(), ROOT)
    frame = Frame.at(Computer(), authenticate_url(embedded))
    frame.approve(phone)
    assert embedded.validate_postback(frame.poll()["postback"], TOKEN)["granted"] == "true"
