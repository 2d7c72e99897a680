"""A phone makes itself known (docs/authenticator.rst): its name and its key."""

from __future__ import annotations

import time

from cryptography.hazmat.primitives.asymmetric import ec

from django_toopher.service.models import Authenticator
from tests.service.callers import RawPhone, at_once, jwk_of
from tests.tables import table

from .acts import assert_refused, compact


def test_register_makes_a_phone_known(db):
    phone = RawPhone().register("Pixel")
    known = Authenticator.objects.get(pk=phone.id)
    assert (known.name, known.public_key) == ("Pixel", jwk_of(phone.key))


def test_the_same_key_again_is_answered_with_the_same_id(db):
    phone = RawPhone().register("Pixel")
    first = phone.id
    assert phone.register("Another name").id == first
    assert Authenticator.objects.get().name == "Pixel"


def test_the_same_key_registered_by_two_threads_at_once_is_one_phone(threaded_db):
    key = RawPhone().key
    ids = at_once(*[lambda: RawPhone(key).register().id] * 2)
    assert ids[0] == ids[1]
    assert Authenticator.objects.count() == 1


def test_a_reply_tells_the_services_clock(raw_phone):
    assert abs(raw_phone.call("pending").json()["now"] - time.time()) < 10


@table("name", ["", "   ", "\n", "n" * 101, None, 7, True, ["a"], {}, "a\0b", "\ud800"])
def test_S35_a_name_that_is_none_is_refused(db, name):
    phone = RawPhone()
    claims = {**phone.claims("register"), "name": name}
    assert_refused(phone.send("register", phone.token(claims, jwk=jwk_of(phone.key))), 400, "bad_request")
    assert not Authenticator.objects.exists()


@table("name", ["n" * 100, "Jos\u00e9s \U0001f4f1", "\u0627\u0644\u0639"])
def test_a_name_of_up_to_100_characters_is_kept(db, name):
    assert Authenticator.objects.get(pk=RawPhone().register(name).id).name == name


def test_S26_a_registration_must_be_signed_by_its_own_key(db):
    phone, other = RawPhone(), RawPhone()
    token = phone.token(phone.claims("register", name="Phone"), jwk=jwk_of(other.key))
    assert_refused(phone.send("register", token), 401, "bad_signature")
    assert not Authenticator.objects.exists()


GOOD_KEY = jwk_of(ec.generate_private_key(ec.SECP256R1()))


@table(
    "key",
    [
        None,
        "key",
        7,
        [],
        {},
        {**GOOD_KEY, "kty": "RSA"},
        {**GOOD_KEY, "crv": "P-384"},
        {**GOOD_KEY, "crv": "secp256k1"},
        {**GOOD_KEY, "x": "AAAA"},
        {**GOOD_KEY, "x": 7},
        {**GOOD_KEY, "x": "!" * 43},
        {**GOOD_KEY, "x": GOOD_KEY["x"] + "\n"},
        {**GOOD_KEY, "y": GOOD_KEY["x"]},
        {**GOOD_KEY, "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": GOOD_KEY["x"]},
        {"kty": "oct", "k": "c2VjcmV0"},
    ],
)
def test_S26_a_key_that_is_no_point_of_P256_is_refused(db, key):
    phone = RawPhone()
    token = compact({"alg": "ES256", "jwk": key}, phone.claims("register", name="Phone"), phone.key)
    response = phone.send("register", token)
    assert response.status_code in {400, 401}, response.content
    assert response.json()["error_message"]
    assert not Authenticator.objects.exists()


def test_S26_a_key_on_another_curve_is_refused(db):
    phone = RawPhone(ec.generate_private_key(ec.SECP384R1()))
    token = phone.token(phone.claims("register", name="Phone"), algorithm="ES384", jwk=jwk_of(phone.key))
    assert_refused(phone.send("register", token), 400, "bad_request")
