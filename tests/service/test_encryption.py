"""Secrets at rest (SECURITY.md S34)."""

from __future__ import annotations

import base64
import io
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db.models import ExpressionWrapper, F, TextField
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.encryption import EncryptedTextField, decrypt, encrypt
from django_toopher.service.codes import totp
from django_toopher.service.models import Pairing, Requester, User
from django_toopher.service.upkeep import rekey
from tests.tables import table


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_S34_what_was_encrypted_is_decrypted(text):
    assert decrypt(encrypt(text)) == text


def test_S34_the_token_hides_the_text_and_is_another_each_time():
    first, second = encrypt("a secret of some length"), encrypt("a secret of some length")
    assert first != second
    assert b"secret" not in base64.urlsafe_b64decode(first)


def test_S34_a_fallback_key_still_decrypts(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    token = encrypt("secret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", "old"]
    assert decrypt(token) == "secret"


def test_S34_the_newest_key_encrypts(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    token = encrypt("secret")
    settings.SECRET_KEY_FALLBACKS = []
    assert decrypt(token) == "secret"


def test_S34_another_key_is_an_error_that_says_what_to_do(settings):
    token = encrypt("hunter2")
    settings.SECRET_KEY = "another"
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FALLBACKS") as error:
        decrypt(token)
    assert "hunter2" not in str(error.value)


@table("change", [lambda t: t[:-2], lambda t: t[:20] + ("A" if t[20] != "A" else "B") + t[21:], lambda t: "x"])
def test_S34_an_altered_token_is_refused(change):
    with pytest.raises(ImproperlyConfigured):
        decrypt(change(encrypt("secret")))


@table("blank", ["", None])
def test_a_blank_field_stays_blank(blank):
    field = EncryptedTextField()
    assert field.get_prep_value(blank) == blank
    assert field.from_db_value(blank, None, None) == blank


def test_S34_rows_are_read_after_a_rotation(make_requester, settings):
    row = make_requester(secret="s3cret")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert Requester.objects.get(pk=row.pk).consumer_secrets() == ["s3cret"]
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ImproperlyConfigured):
        Requester.objects.get(pk=row.pk)


# A new SECRET_KEY, and the end of the old one


@pytest.fixture
def paired_phone(pair, phone):
    pair(phone)
    return phone


@pytest.fixture
def with_a_new_key(settings, paired_phone, requester):
    """A site that has got a new key, with a phone that was paired before."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    return settings


def stored(model, name):
    raw = ExpressionWrapper(F(name), output_field=TextField())
    return [*model.objects.annotate(raw=raw).exclude(**{name: ""}).values_list("raw", flat=True)]


def test_S34_after_everything_was_encrypted_anew_the_old_key_can_go(with_a_new_key, paired_phone):
    Requester.objects.update(previous_secret="previous")
    before = stored(Pairing, "otp_seed")
    code = paired_phone.code()
    out = io.StringIO()
    call_command("toopher_service_rekey", format="json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["toopher_service.Pairing.otp_seed"] == 1
    assert told["toopher_service.Requester.consumer_secret"] == 1
    assert told["toopher_service.Requester.previous_secret"] == 0  # the new key has made it
    assert stored(Pairing, "otp_seed") != before
    with_a_new_key.SECRET_KEY_FALLBACKS = []
    assert Requester.objects.get().consumer_secret == "secret"
    assert totp.spend(User.objects.get().pairings.enabled(), code, timezone.now())


def test_S34_nothing_is_encrypted_twice(with_a_new_key):
    assert sum(count for _name, count in rekey.rekey()) > 0
    before = stored(Requester, "consumer_secret")
    assert sum(count for _name, count in rekey.rekey()) == 0
    assert stored(Requester, "consumer_secret") == before


def test_S34_more_values_than_are_read_at_once(with_a_new_key, requester, monkeypatch):
    monkeypatch.setattr(rekey, "CHUNK", 2)
    with_a_new_key.SECRET_KEY, with_a_new_key.SECRET_KEY_FALLBACKS = with_a_new_key.SECRET_KEY_FALLBACKS[0], []
    for number in range(5):
        Requester.objects.create(consumer_key=f"key{number}", consumer_secret="secret", name="Site", origins="")
    with_a_new_key.SECRET_KEY_FALLBACKS, with_a_new_key.SECRET_KEY = [with_a_new_key.SECRET_KEY], "new"
    assert dict(rekey.rekey())["toopher_service.Requester.consumer_secret"] == 6


def test_S34_a_value_that_was_changed_meanwhile_stays(with_a_new_key, monkeypatch):
    def slow(token):
        Requester.objects.update(consumer_secret="rotated")
        return encrypt("secret")

    monkeypatch.setattr(rekey, "encrypt_anew", slow)
    assert dict(rekey.rekey())["toopher_service.Requester.consumer_secret"] == 0
    assert Requester.objects.get().consumer_secret == "rotated"


def test_S34_a_value_that_no_key_opens_is_told_and_stays(with_a_new_key):
    with_a_new_key.SECRET_KEY_FALLBACKS = []
    before = stored(Requester, "consumer_secret")
    with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
        call_command("toopher_service_rekey")
    assert stored(Requester, "consumer_secret") == before
