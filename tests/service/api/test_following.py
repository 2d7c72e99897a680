"""REST: authentication requests, polled and cancelled (PROTOCOL.md §2.1, rows 12 and 14)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest

from ..shapes import NOBODY, REQUEST, assert_error, assert_shape


def test_a_request_is_followed_by_polling(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    assert api.get_authentication_request_by_id(asked.id) == asked
    phone.approve(phone.pending().requests[0], asked.number)
    asked.refresh_from_server(api)
    assert (bool(asked), asked.pending, asked.reason, asked.reason_code) == (True, False, "", 0)


def test_an_unanswered_request_ends_with_a_reason(api, caller, pairing):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    told = caller.get(f"authentication_requests/{asked.id}").json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["reason_code"]) == (False, False, 101)
    assert told["reason"]


def test_a_request_waits_90_seconds_at_least(api, pairing):
    api.authenticate("alice", "s1", terminal_name="PC")
    assert AuthenticationRequest.objects.get().expires - timezone.now() > timedelta(seconds=85)


def test_a_cancelled_request_is_over(caller, api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    told = caller.post(f"authentication_requests/{asked.id}/cancel").json()
    assert_shape(told, REQUEST)
    assert (told["cancelled"], told["pending"], told["granted"], told["reason_code"]) == (True, False, False, 102)
    assert phone.pending().requests == ()


def test_S25_cancelling_changes_no_answer(caller, api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    phone.deny(phone.pending().requests[0])
    told = caller.post(f"authentication_requests/{asked.id}/cancel").json()
    assert (told["cancelled"], told["reason_code"]) == (False, 100)


def test_an_unknown_request_is_not_found(caller):
    assert_error(caller.get(f"authentication_requests/{NOBODY}"), 404, 404)
    assert_error(caller.post(f"authentication_requests/{NOBODY}/cancel"), 404, 404)
    assert_error(caller.post(f"authentication_requests/{NOBODY}/otp_auth", otp="123456"), 404, 404)
