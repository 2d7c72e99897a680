"""Signatures that do not hold (SECURITY.md S20)."""

from __future__ import annotations

import time

from django.test import Client

from django_toopher.service.models import Requester, SpentNonce
from tests.tables import table

from ...callers import ROOT, Caller, at_once, form, oauth_signature
from .acts import assert_refused


def test_S20_an_unsigned_request_is_refused(caller):
    assert_refused(caller.raw("GET", "/toopher/v1/users", "name=alice", b"", {}))


@table("key", ["key", "nobody"])
def test_S20_a_bad_signature_is_answered_alike_whether_or_not_the_key_exists(requester, key):
    response = Caller(key, "wrong").get("users", name="alice")
    assert_refused(response)
    assert response["WWW-Authenticate"] == 'OAuth realm="toopher"'


@table("key", ["KEY", "key ", " key", "k\u00e9y", "k\0y", "", "k" * 101])
def test_S20_a_consumer_key_is_matched_exactly(requester, key):
    assert_refused(Caller(key, "secret").get("users", name="alice"))


def test_S20_a_blank_secret_signs_for_nobody(make_requester):
    make_requester("empty", "")
    assert_refused(Caller("empty", "").get("users", name="alice"))


@table("off", [-301, -3600, 302, 3600])
def test_S20_a_stale_or_future_timestamp_is_refused(caller, off):
    timestamp = str(int(time.time()) + off)
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_timestamp=timestamp))


@table("off", [-290, 290])
def test_a_timestamp_within_five_minutes_is_accepted(caller, off):
    timestamp = str(int(time.time()) + off)
    assert caller.send("GET", "users", {"name": "alice"}, oauth_timestamp=timestamp).status_code == 200


@table("timestamp", ["", "now", "1.5", "-1", "\u0661" * 10, "9" * 400, None])
def test_S20_a_timestamp_that_is_no_number_is_refused(caller, timestamp):
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_timestamp=timestamp))


@table("method", ["PLAINTEXT", "RSA-SHA1", "hmac-sha1", "none", "", None])
def test_S20_other_signature_methods_are_refused(caller, method):
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_signature_method=method))


def test_S20_plaintext_with_the_true_secret_is_refused(caller):
    oauth = caller.oauth(oauth_signature_method="PLAINTEXT") | {"oauth_signature": "secret&"}
    assert_refused(caller.deliver("GET", "/toopher/v1/users", {"name": "alice"}, oauth))


def test_S20_a_token_is_never_valid(caller):
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_token="token"))


def test_S20_an_oauth_parameter_given_twice_is_refused(caller):
    path = "/toopher/v1/users"
    pairs = [*caller.oauth().items(), ("oauth_nonce", "another")]
    signature = oauth_signature("GET", f"{ROOT}/users", pairs, caller.secret)
    assert_refused(caller.raw("GET", path, form([*pairs, ("oauth_signature", signature)]), b"", {}))


@table("other", ["/toopher/v1/users/reset", "/toopher/v1/user_terminals/create"])
def test_S20_a_signature_for_one_path_serves_no_other(caller, other):
    fields = {"name": "alice"}
    signed = caller.signed("POST", "/toopher/v1/users/create", fields, caller.oauth())
    assert_refused(caller.deliver("POST", other, fields, signed))


def test_S20_a_signature_for_one_method_serves_no_other(caller):
    path, fields = "/toopher/v1/users", {"name": "alice"}
    signed = caller.signed("POST", path, fields, caller.oauth())
    assert_refused(caller.raw("GET", path, form(fields), b"", {"Authorization": caller.header(signed)}))


def test_S20_a_request_sent_again_is_refused(caller):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    signed = caller.signed("POST", path, fields, caller.oauth())
    assert caller.deliver("POST", path, fields, signed).status_code == 200
    assert_refused(caller.deliver("POST", path, fields, signed))


def test_S20_a_request_sent_again_in_another_place_is_refused(caller):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    signed = caller.signed("POST", path, fields, caller.oauth())
    assert caller.deliver("POST", path, fields, signed, "header").status_code == 200
    assert_refused(caller.deliver("POST", path, fields, signed, "body"))


def test_S20_one_nonce_serves_two_requesters_once_each(caller, make_requester):
    make_requester("other", "other secret")
    other = Caller("other", "other secret")
    assert caller.send("GET", "users", {"name": "alice"}, oauth_nonce="same").status_code == 200
    assert other.send("GET", "users", {"name": "alice"}, oauth_nonce="same").status_code == 200


def test_S20_a_bad_signature_spends_no_nonce(caller):
    oauth = caller.oauth()
    path, fields = "/toopher/v1/users", {"name": "alice"}
    assert_refused(caller.deliver("GET", path, fields, {**oauth, "oauth_signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}))
    assert not SpentNonce.objects.exists()
    assert caller.deliver("GET", path, fields, caller.signed("GET", path, fields, oauth)).status_code == 200


def test_S20_of_two_threads_with_one_nonce_one_succeeds(threaded_db, requester):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    signed = Caller().signed("POST", path, fields, Caller().oauth())
    replies = at_once(*[lambda: Caller().deliver("POST", path, fields, signed).status_code] * 2)
    assert sorted(replies) == [200, 401]


@table(
    "header",
    [
        "OAuth ",
        "OAuth oauth_consumer_key",
        "OAuth =",
        "OAuth ,,,",
        'OAuth oauth_consumer_key="key',
        'OAuth oauth_consumer_key="%zz"',
        "OAuth " + "a" * 8000,
        'OAuth oauth_signature="\u00e9"',
    ],
)
def test_S35_a_malformed_header_is_refused(requester, header):
    headers = {"Authorization": header.encode().decode("latin-1")}
    assert_refused(Client().get("/toopher/v1/users?name=alice", secure=True, headers=headers))


def test_a_requester_that_was_switched_off_is_answered_403(caller, requester):
    Requester.objects.filter(pk=requester.pk).update(is_active=False)
    response = caller.get("users", name="alice")
    assert (response.status_code, response.json()["error_code"]) == (403, 403)


def test_S20_a_bad_signature_does_not_tell_that_a_requester_is_switched_off(requester):
    Requester.objects.filter(pk=requester.pk).update(is_active=False)
    assert_refused(Caller("key", "wrong").get("users", name="alice"))


def test_a_secret_of_any_characters_signs(make_requester):
    secret = "s&cret %41+/=\u00e9\U0001f511"
    make_requester("odd key&", secret)
    assert Caller("odd key&", secret).get("users", name="alice").status_code == 200
