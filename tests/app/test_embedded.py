"""The credentials that both sides derive."""

from __future__ import annotations

from django_toopher import embedded


def test_the_secret_is_derived_from_the_secret_key(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "one", []
    (one,) = embedded.consumer_secrets()
    assert len(bytes.fromhex(one)) == 32
    settings.SECRET_KEY = "two"
    (two,) = embedded.consumer_secrets()
    assert one != two
    assert "one" not in one


def test_the_newest_key_signs_and_the_fallbacks_still_verify(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "one", []
    (one,) = embedded.consumer_secrets()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "two", ["one"]
    two, fallback = embedded.consumer_secrets()
    assert two != fallback
    assert fallback == one


def test_app_and_service_agree_while_the_key_is_rotated(settings, db, embedded_api):
    assert embedded_api.create_user("alice").name == "alice"  # signs with what was the key when it was made
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert embedded_api.get("users", user_name="alice")[0]["name"] == "alice"
