"""The requester in the same project, whose secret follows ``SECRET_KEY``."""

from __future__ import annotations

import time

from django_toopher import embedded
from django_toopher.service.models import Requester

from ...callers import Caller, as_pairs, at_once, oauth_signature
from .acts import assert_refused


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
