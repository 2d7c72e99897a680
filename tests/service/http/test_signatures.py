"""Signed requests: what is accepted, what is refused, and that only what was signed is read (PROTOCOL.md §1)."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from django_toopher import embedded
from django_toopher.service.models import Requester, SpentNonce, User
from tests.tables import table

from ..callers import ROOT, Caller, as_pairs, at_once, body_hash, form, oauth_signature

REFUSAL = {"error_code": 401, "error_message": "Not a valid OAuth signed request"}


def assert_refused(response):
    assert (response.status_code, response.json()) == (401, REFUSAL)


def created_name(response):
    assert response.status_code == 200, response.content
    return response.json()["name"]


# Where the parameters travel


@pytest.mark.parametrize("where", ["header", "body", "query"])
def test_a_post_is_accepted_wherever_its_oauth_parameters_travel(caller, where):
    assert created_name(caller.send("POST", "users/create", {"name": "alice"}, where=where)) == "alice"


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_get_is_accepted_wherever_its_oauth_parameters_travel(caller, where):
    caller.post("users/create", name="alice")
    [found] = caller.send("GET", "users", {"name": "alice"}, where=where).json()
    assert found["name"] == "alice"


@table("separator", [", ", ","])
@table("realm", ["", 'realm="https://testserver/"'])
def test_a_header_may_have_a_realm_and_either_separator(caller, separator, realm):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = caller.header(caller.signed("POST", path, fields, caller.oauth()), separator)
    if realm:
        header = header.replace("OAuth ", f"OAuth {realm}{separator}")
    response = caller.raw("POST", path, "", form(fields).encode(), {"Authorization": header})
    assert created_name(response) == "alice"


@table("scheme", ["oauth", "OAUTH"])
def test_the_scheme_of_the_header_is_known_in_any_case(caller, scheme):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = caller.header(caller.signed("POST", path, fields, caller.oauth())).replace("OAuth", scheme, 1)
    response = caller.raw("POST", path, "", form(fields).encode(), {"Authorization": header})
    assert created_name(response) == "alice"


@table("header", ["Basic dXNlcjpwYXNzd29yZA==", "Bearer abc", "OAuth2 abc", "OAuth"])
def test_an_authorization_of_another_scheme_is_ignored(caller, header):
    path, fields = "/toopher/v1/users", {"name": "alice"}
    signed = caller.signed("GET", path, fields, caller.oauth())
    response = caller.raw("GET", path, form([*fields.items(), *signed.items()]), b"", {"Authorization": header})
    assert (response.status_code, response.json()) == (200, [])


def test_a_request_without_oauth_version_is_accepted(caller):
    assert created_name(caller.send("POST", "users/create", {"name": "alice"}, oauth_version=None)) == "alice"


def test_oauth_body_hash_is_signed_and_otherwise_ignored(caller):
    response = caller.send("GET", "users", {"name": "alice"}, where="query", oauth_body_hash=body_hash(""))
    assert response.status_code == 200


@table(
    "nonce",
    [
        "7",
        "12345678",
        "nonce",
        "1234567890123456789012345678",
        "-8230183012830128301",
        "0cc175b9c0f1b6a831c399e269772661",
        "4b3403665fea6.1276523456",
        "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF3hJ5kL7nP9r",
        "a1b2c3d4e5f6g7h8",
        "n" * 255,
    ],
)
def test_nonces_of_every_published_client_are_accepted(caller, nonce):
    assert caller.send("GET", "users", {"name": "alice"}, oauth_nonce=nonce).status_code == 200


@table("nonce", ["", "n" * 256, "a\0b", "a\nb", None])
def test_other_nonces_are_refused(caller, nonce):
    assert_refused(caller.send("GET", "users", {"name": "alice"}, oauth_nonce=nonce))


# What was signed is what is read


def test_of_a_parameter_given_twice_the_last_value_counts(caller):
    response = caller.send("POST", "users/create", [("name", "first"), ("name", "last")])
    assert created_name(response) == "last"


def test_an_empty_segment_of_the_query_is_no_parameter(caller):
    path, fields = "/toopher/v1/users", {"name": "alice"}
    signed = caller.signed("GET", path, fields, caller.oauth())
    assert caller.raw("GET", path, form([*fields.items(), *signed.items()]) + "&", b"", {}).status_code == 200


def test_a_bare_question_mark_changes_nothing(caller):
    user = caller.post("users/create", name="alice").json()
    path = f"/toopher/v1/users/{user['id']}/pairings"
    header = caller.header(caller.signed("GET", path, {}, caller.oauth()))
    response = caller.client.generic("GET", f"{path}?", secure=True, headers={"Authorization": header})
    assert response.json() == []


def test_S35_a_parameter_added_to_the_body_after_signing_is_refused(caller):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = {"Authorization": caller.header(caller.signed("POST", path, fields, caller.oauth()))}
    assert_refused(caller.raw("POST", path, "", (form(fields) + "&name=mallory").encode(), header))
    assert not User.objects.exists()


def test_S35_a_query_added_to_a_signed_form_is_not_read(caller):
    """It is not refused, because .NET clients add one (PROTOCOL.md §1.3-1)."""
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = {"Authorization": caller.header(caller.signed("POST", path, fields, caller.oauth()))}
    assert created_name(caller.raw("POST", path, "name=mallory", form(fields).encode(), header)) == "alice"
    assert User.objects.count() == 1


def test_a_body_that_is_no_form_is_not_read(caller):
    path = "/toopher/v1/users/create"
    header = {"Authorization": caller.header(caller.signed("POST", path, {}, caller.oauth()))}
    response = caller.raw("POST", path, "", b'{"name": "mallory"}', header, content_type="application/json")
    assert response.status_code == 400
    assert not User.objects.exists()


def test_names_that_begin_with_oauth_are_no_parameters_of_the_call(caller):
    response = caller.send("POST", "users/create", {"name": "alice"}, oauth_callback="https://mallory.example/")
    assert created_name(response) == "alice"


def test_S12_undecodable_bytes_verify_and_name_nobody(caller):
    """Java clients encode in Latin-1 and sign what UTF-8 makes of it: "josé" and "josè" would be one person."""
    path = "/toopher/v1/users/create"
    signed = caller.signed("POST", path, {"name": "jos\ufffd"}, caller.oauth())
    response = caller.raw("POST", path, "", b"name=jos%E9", {"Authorization": caller.header(signed)})
    assert response.status_code == 400  # and not 401: the signature holds
    assert "UTF-8" in response.json()["error_message"]
    assert not User.objects.exists()


@table("body", [b"name=jos\xe9", b"name=%zz", b"name=a b", b"\xff\xfe\x00"])
def test_S35_a_body_that_is_not_form_encoded_is_refused(caller, body):
    header = {"Authorization": caller.header(caller.signed("POST", "/toopher/v1/users/create", {}, caller.oauth()))}
    response = caller.raw("POST", "/toopher/v1/users/create", "", body, header)
    assert response.status_code in {400, 401}
    assert not User.objects.exists()


# Refusals


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


# The embedded requester


def test_S34_the_embedded_requester_survives_a_rotation_of_the_secret_key(db, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    [old_secret] = embedded.consumer_secrets()
    before = Caller(embedded.CONSUMER_KEY, old_secret).post("users/create", name="alice").json()["id"]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    for secret in embedded.consumer_secrets():
        [found] = Caller(embedded.CONSUMER_KEY, secret).get("users", name="alice").json()
        assert found["id"] == before
    settings.SECRET_KEY_FALLBACKS = []
    assert_refused(Caller(embedded.CONSUMER_KEY, old_secret).get("users", name="alice"))


def test_S20_with_a_fallback_key_a_wrong_secret_is_refused_all_the_same(db, settings):
    settings.SECRET_KEY_FALLBACKS = ["old"]
    assert_refused(Caller(embedded.CONSUMER_KEY, "wrong").get("users", name="alice"))


def test_S20_a_nonce_spent_with_the_new_secret_is_spent_for_the_old_one(db, settings):
    settings.SECRET_KEY_FALLBACKS = ["old"]
    new, old = (Caller(embedded.CONSUMER_KEY, secret) for secret in embedded.consumer_secrets())
    same = {"oauth_nonce": "same", "oauth_timestamp": str(int(time.time()))}
    assert new.send("GET", "users", {"name": "alice"}, **same).status_code == 200
    assert_refused(old.send("GET", "users", {"name": "alice"}, **same))


def test_the_embedded_requester_has_the_name_of_the_setting_or_the_host(db, settings):
    [secret] = embedded.consumer_secrets()
    Caller(embedded.CONSUMER_KEY, secret).get("users", name="alice")
    assert Requester.objects.get().name == "testserver"
    Requester.objects.all().delete()
    settings.TOOPHER_SERVICE_NAME = "Example"
    Caller(embedded.CONSUMER_KEY, secret).get("users", name="alice")
    assert Requester.objects.get().name == "Example"


def test_two_first_calls_at_once_make_one_embedded_requester(threaded_db):
    [secret] = embedded.consumer_secrets()
    replies = at_once(*[lambda: Caller(embedded.CONSUMER_KEY, secret).get("users", name="a").status_code] * 2)
    assert replies == [200, 200]
    assert Requester.objects.count() == 1


def test_pairs_and_mappings_are_signed_alike():
    """The helper itself: a test vector of PROTOCOL.md §6.1."""
    fields = {
        "v": "2", "username": "jdoe", "reset_email": "jdoe@example.com", "expires": "1100",
        "oauth_consumer_key": "abcdefg", "oauth_nonce": "12345678", "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1000", "oauth_version": "1.0",
    }  # fmt: skip
    url = "https://api.toopher.test/v1/web/manage_user"
    assert oauth_signature("GET", url, as_pairs(fields), "hijklmnop") == "sV8qoKnxJ3fxfP6AHNa0eNFxzJs="
