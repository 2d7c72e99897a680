"""The authenticator's API (docs/authenticator.rst), with the terminal program and with messages made by hand."""

from __future__ import annotations

import base64
import hmac
import json
import time
from datetime import timedelta

import jwt
import pyotp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from django_toopher.client import RateLimitError, RequestRefusedError
from django_toopher.service import authentication_requests, authenticators, one_time_passwords, pairings, users
from django_toopher.service.authenticators import PHRASE_WORDS, _words
from django_toopher.service.device import urls
from django_toopher.service.device.terminal import RefusedError
from django_toopher.service.errors import GoneError
from django_toopher.service.models import (
    AuthenticationRequest,
    Authenticator,
    Pairing,
    PairingPhrase,
    User,
)

from .callers import PHONE, RawPhone, at_once, base64url, jwk_of, rows

CALLS = (
    "register",
    "phrase",
    "offer",
    "pair",
    "pending",
    "answer",
    "report",
    "extend",
    "automations",
    "automation-remove",
    "pairings",
    "remove",
    "push",
    "push-remove",
)


def test_S26_every_call_is_tried_here():
    """So that a new one can't be forgotten."""
    assert {str(each.pattern).removeprefix("v1/") for each in urls.urlpatterns if "v1/" in str(each.pattern)} == {
        *CALLS
    }


def assert_refused(response, status, reason):
    told = response.json()
    assert (response.status_code, told["reason"]) == (status, reason), told
    assert told["error_code"] == status
    assert told["error_message"]
    assert abs(told["now"] - time.time()) < 10


def refusal(call, *arguments):
    """The reason for which the terminal program's call is refused, or what it returns."""
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


def compact(header, claims, key):
    """A JWS signed by ``key``, whatever its parts are."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = jwt.get_algorithm_by_name("ES256").sign(signed.encode(), key)
    return f"{signed}.{base64url(signature)}"


@pytest.fixture
def paired(pair, raw_phone):
    """A phone (by hand) that is paired with alice."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def asked(api, paired):
    """A request that waits for alice's yes, as the requester knows it."""
    return api.authenticate("alice", "terminal-1", "Log In", terminal_name="Office laptop")


def state_of(asked):
    return AuthenticationRequest.objects.get(pk=asked.id).state


def expire(asked):
    AuthenticationRequest.objects.filter(pk=asked.id).update(expires=timezone.now() - timedelta(seconds=1))


# register


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


@pytest.mark.parametrize("name", ["", "   ", "\n", "n" * 101, None, 7, True, ["a"], {}, "a\0b", "\ud800"])
def test_S35_a_name_that_is_none_is_refused(db, name):
    phone = RawPhone()
    claims = {**phone.claims("register"), "name": name}
    assert_refused(phone.send("register", phone.token(claims, jwk=jwk_of(phone.key))), 400, "bad_request")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("name", ["n" * 100, "Jos\u00e9s \U0001f4f1", "\u0627\u0644\u0639"])
def test_a_name_of_up_to_100_characters_is_kept(db, name):
    assert Authenticator.objects.get(pk=RawPhone().register(name).id).name == name


def test_S26_a_registration_must_be_signed_by_its_own_key(db):
    phone, other = RawPhone(), RawPhone()
    token = phone.token(phone.claims("register", name="Phone"), jwk=jwk_of(other.key))
    assert_refused(phone.send("register", token), 401, "bad_signature")
    assert not Authenticator.objects.exists()


GOOD_KEY = jwk_of(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
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


# phrase, offer, pair


def test_S29_a_phrase_is_four_words_of_2048(raw_phone):
    phrase = raw_phone.call("phrase").json()["phrase"].split()
    assert len(phrase) == PHRASE_WORDS == 4
    assert len(set(_words())) == 2048
    assert set(phrase) <= set(_words())


def test_S29_a_phrase_lasts_ten_minutes(raw_phone):
    assert abs(raw_phone.call("phrase").json()["expires"] - time.time() - 600) < 10


def test_S29_a_phrase_is_used_once(api, raw_phone):
    phrase = raw_phone.call("phrase").json()["phrase"]
    api.pair("alice", phrase)
    with pytest.raises(RequestRefusedError):
        api.pair("bob", phrase)
    assert [each["user"] for each in raw_phone.call("pending").json()["pairings"]] == ["alice"]


def test_S29_of_two_threads_with_one_phrase_one_gets_it(threaded_db, api, make_api, raw_phone):
    phrase = raw_phone.call("phrase").json()["phrase"]

    def pair_as(name):
        try:
            return bool(make_api().pair(name, phrase).pending)
        except RequestRefusedError:
            return False

    assert sorted(at_once(lambda: pair_as("alice"), lambda: pair_as("bob"))) == [False, True]
    assert Pairing.objects.count() == 1


def test_S29_of_many_threads_with_one_phrase_one_spends_it(threaded_db, raw_phone):
    now = timezone.now()
    for _ in range(10):
        phrase = raw_phone.call("phrase").json()["phrase"]
        found = at_once(*[lambda phrase=phrase: authenticators.spend_phrase(phrase, now)] * 4)
        assert len([each for each in found if each is not None]) == 1


def test_S29_an_expired_phrase_finds_nothing(api, raw_phone):
    phrase = raw_phone.call("phrase").json()["phrase"]
    PairingPhrase.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(RequestRefusedError) as refused:
        api.pair("alice", phrase)
    assert (refused.value.status, refused.value.code) == (404, 404)
    assert refused.value.message == "No pending pairing requests with specified pairing_phrase"


def test_S29_a_new_phrase_voids_the_one_before(api, raw_phone):
    first, second = (raw_phone.call("phrase").json()["phrase"] for _ in range(2))
    assert first != second
    with pytest.raises(RequestRefusedError):
        api.pair("alice", first)
    assert api.pair("alice", second).pending


@pytest.mark.parametrize("typed", [str.upper, str.title, lambda p: f"  {p}\t", lambda p: p.replace(" ", "  ")])
def test_case_and_white_space_do_not_matter_in_a_phrase(api, raw_phone, typed):
    assert api.pair("alice", typed(raw_phone.call("phrase").json()["phrase"])).pending


def test_a_pairing_by_phrase_waits_for_the_phone(api, raw_phone, requester):
    pairing = api.pair("alice", raw_phone.call("phrase").json()["phrase"])
    [offer] = raw_phone.call("pending").json()["pairings"]
    expires = offer.pop("expires")
    assert offer == {"id": pairing.id, "requester": requester.name, "user": "alice"}
    assert abs(expires - time.time() - 600) < 10
    assert (pairing.pending, pairing.enabled) == (True, False)


def test_a_yes_enables_the_pairing_and_tells_the_seed(api, raw_phone):
    pairing = api.pair("alice", raw_phone.call("phrase").json()["phrase"])
    [offer] = raw_phone.call("pending").json()["pairings"]
    reply = raw_phone.call(
        "pair", pairing=offer["id"], requester=offer["requester"], user=offer["user"], decision="allow"
    ).json()
    del reply["now"]
    assert reply == {"pairing": pairing.id, "secret": reply["secret"], "digits": 6, "period": 30}
    assert len(base64.b32decode(reply["secret"])) == 20
    pairing.refresh_from_server(api)
    assert (pairing.pending, pairing.enabled, pairing.deactivated) == (False, True, False)
    assert raw_phone.call("pending").json()["pairings"] == []


def test_a_no_denies_the_pairing_and_tells_no_seed(api, raw_phone):
    pairing = api.pair("alice", raw_phone.call("phrase").json()["phrase"])
    [offer] = raw_phone.call("pending").json()["pairings"]
    reply = raw_phone.call(
        "pair", pairing=offer["id"], requester=offer["requester"], user=offer["user"], decision="deny"
    ).json()
    assert reply.keys() == {"pairing", "now"}
    pairing.refresh_from_server(api)
    assert (pairing.pending, pairing.enabled, pairing.deactivated) == (False, False, False)
    assert Pairing.objects.get().otp_seed == ""


def link_to(api, user="alice"):
    """A pairing by link and the link's token."""
    pairing = api.pair(user)
    return pairing, pairings.link_token(Pairing.objects.get(pk=pairing.id))


def test_an_offer_tells_what_a_link_leads_to_and_changes_nothing(api, raw_phone, requester):
    pairing, link = link_to(api)
    before = rows()
    told = [raw_phone.call("offer", link=link).json() for _ in range(2)]
    assert {**told[0], "now": 0} == {**told[1], "now": 0}
    assert told[0].keys() == {"id", "requester", "user", "expires", "now"}
    assert (told[0]["id"], told[0]["requester"], told[0]["user"]) == (pairing.id, requester.name, "alice")
    assert rows() == before
    assert Pairing.objects.get().authenticator is None


def test_a_link_pairs_the_phone_that_says_yes(api, phone, raw_phone):
    pairing, link = link_to(api)
    account = phone.pair_link(link)
    assert (account.id, account.user, account.digits, account.period) == (pairing.id, "alice", 6, 30)
    assert [(each.id, each.user) for each in phone.pairings()] == [(pairing.id, "alice")]
    assert raw_phone.call("pairings").json()["pairings"] == []


def test_S29_a_link_is_used_once(api, make_phone):
    _, link = link_to(api)
    first, second = make_phone(), make_phone()
    offer = second.offer(link)
    first.pair_link(link)
    assert refusal(second.offer, link) == "gone"
    assert refusal(second.pair, offer) == "gone"
    assert second.pairings() == ()


def test_S29_a_link_that_was_declined_is_used_up(api, make_phone):
    _, link = link_to(api)
    phone = make_phone()
    offer = phone.offer(link)
    phone.decline(offer)
    assert refusal(phone.pair, offer) == "gone"


def test_S29_of_two_phones_with_one_link_one_is_paired(threaded_db, api, make_phone):
    _, link = link_to(api)
    phones = [make_phone(), make_phone()]
    offers = [phone.offer(link) for phone in phones]
    outcomes = at_once(*[lambda n=n: refusal(phones[n].pair, offers[n]) == "gone" for n in (0, 1)])
    assert sorted(outcomes) == [False, True]
    winner = phones[outcomes.index(False)]
    assert str(Pairing.objects.get().authenticator_id) == winner.id


def test_S29_an_expired_link_is_refused(api, phone):
    _, link = link_to(api)
    offer = phone.offer(link)
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert refusal(phone.offer, link) == "gone"
    assert refusal(phone.pair, offer) == "gone"


def test_S29_a_link_carries_a_signature_of_112_bits_at_least(api):
    _, link = link_to(api)
    _, _, signature = link.rpartition(":")
    assert len(base64.urlsafe_b64decode(signature + "==")) * 8 >= 112


@pytest.mark.parametrize(
    "forge", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t.split(":")[0], str.upper]
)
def test_S29_a_forged_link_is_not_found(api, raw_phone, forge):
    _, link = link_to(api)
    assert_refused(raw_phone.call("offer", link=forge(link)), 404, "not_found")


@pytest.mark.parametrize("link", ["", ":", "a:b", "\u00e9:\u00e9", "x" * 1000, "\ud800"])
def test_S35_what_is_no_link_is_refused(raw_phone, link):
    response = raw_phone.call("offer", link=link)
    assert response.status_code in {400, 404}
    assert response.json()["error_message"]


def test_S17_a_pairing_by_phrase_can_not_be_answered_by_another_phone(api, raw_phone):
    pairing = api.pair("alice", raw_phone.call("phrase").json()["phrase"])
    other = RawPhone().register("Other")
    shown = {"requester": "Site key", "user": "alice", "decision": "allow"}
    assert_refused(other.call("pair", pairing=pairing.id, **shown), 404, "not_found")
    link = pairings.link_token(Pairing.objects.get())
    assert other.call("pair", pairing=pairing.id, link=link, **shown).status_code in {404, 409}
    assert other.call("offer", link=link).status_code in {404, 409}
    assert Pairing.objects.get().state == "pending"


def test_a_link_serves_its_own_pairing_only(api, raw_phone):
    _, link = link_to(api)
    bobs, _ = link_to(api, "bob")
    shown = {"requester": "Site key", "user": "bob", "decision": "allow"}
    assert_refused(raw_phone.call("pair", pairing=bobs.id, link=link, **shown), 404, "not_found")
    assert not Pairing.objects.exclude(state="pending").exists()


@pytest.mark.parametrize("changed", [{"requester": "Bank"}, {"user": "bob"}, {"user": "Alice"}, {"user": "alice "}])
def test_S26_a_yes_to_a_pairing_that_showed_something_else_is_a_mismatch(api, raw_phone, changed):
    pairing, link = link_to(api)
    shown = {"requester": "Site key", "user": "alice", "decision": "allow", **changed}
    assert_refused(raw_phone.call("pair", pairing=pairing.id, link=link, **shown), 409, "mismatch")
    assert Pairing.objects.get().state == "pending"


def test_S25_a_pairing_is_answered_once(paired):
    pairing = str(Pairing.objects.get().pk)
    shown = {"requester": "Site key", "user": "alice"}
    assert_refused(paired.call("pair", pairing=pairing, decision="deny", **shown), 409, "gone")
    assert_refused(paired.call("pair", pairing=pairing, decision="allow", **shown), 409, "gone")
    assert Pairing.objects.get().state == "enabled"


def test_S25_a_pairing_that_was_removed_in_the_meantime_is_not_enabled(api, phone):
    pairing, link = link_to(api)
    offer = phone.offer(link)
    api.reset_user("alice")
    assert refusal(phone.pair, offer) == "gone"
    pairing.refresh_from_server(api)
    assert not pairing.enabled


# pending and pairings


def test_pending_tells_the_request_as_it_was_asked(paired, asked, requester):
    question = paired.question()
    created, expires, latest = (question.pop(name) for name in ("created", "expires", "latest"))
    assert question == {
        "id": asked.id,
        "requester": requester.name,
        "user": "alice",
        "action": "Log In",
        "terminal": "Office laptop",
        "address": "",
        "number_length": 6,
        "automate": 30 * 24 * 3600,
    }
    assert abs(created - time.time()) < 10
    assert expires - created in {119, 120, 121}
    assert latest - created == 600


def test_S22_pending_does_not_tell_the_number(paired, asked):
    assert asked.number not in paired.call("pending").content.decode()


def test_pending_is_newest_first(api, paired):
    ids = [api.authenticate("alice", f"terminal-{n}", terminal_name="PC").id for n in range(3)]
    for n, each in enumerate(ids):
        AuthenticationRequest.objects.filter(pk=each).update(created=timezone.now() + timedelta(seconds=n))
    assert [each["id"] for each in paired.call("pending").json()["requests"]] == ids[::-1]


def test_S17_pending_tells_nothing_of_other_phones(asked):
    other = RawPhone().register("Other").call("pending").json()
    assert (other["requests"], other["pairings"]) == ([], [])


def test_every_phone_of_a_user_is_asked(pair, paired, asked):
    second = RawPhone().register("Second")
    pair(second)
    assert second.question()["id"] == paired.question()["id"] == asked.id


def test_a_phone_paired_twice_with_a_user_is_asked_once(pair, paired, asked):
    pair(paired)
    assert len(paired.call("pending").json()["requests"]) == 1


@pytest.mark.parametrize("over", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_pending_leaves_out_what_can_not_be_answered(api, paired, asked, over):
    end(over, api, paired, asked)
    assert paired.call("pending").json()["requests"] == []


def test_pairings_tells_the_accounts_of_this_phone(api, pair, paired, asked, requester):
    pair(paired, "bob")
    told = {each["user"]: each for each in paired.call("pairings").json()["pairings"]}
    assert told.keys() == {"alice", "bob"}
    assert told["bob"]["last_used"] is None
    assert told["bob"]["requester"] == requester.name
    assert abs(told["bob"]["created"] - time.time()) < 10
    paired.answer(paired.question(), asked.number)
    told = {each["user"]: each for each in paired.call("pairings").json()["pairings"]}
    assert abs(told["alice"]["last_used"] - time.time()) < 10


def test_remove_removes_one_account(api, pair, paired):
    pair(paired, "bob")
    accounts = {each["user"]: each["id"] for each in paired.call("pairings").json()["pairings"]}
    reply = paired.call("remove", pairing=accounts["alice"]).json()
    assert reply.keys() == {"now"}
    assert [each["user"] for each in paired.call("pairings").json()["pairings"]] == ["bob"]
    told = api.get_pairing_by_id(accounts["alice"])
    assert (told.enabled, told.deactivated) == (False, True)


def test_S17_another_phones_account_can_not_be_removed(paired):
    other = RawPhone().register("Other")
    pairing = Pairing.objects.get()
    assert_refused(other.call("remove", pairing=str(pairing.pk)), 404, "not_found")
    pairing.refresh_from_db()
    assert pairing.is_enabled


# answer


def test_a_yes_with_the_number_grants(api, paired, asked):
    reply = paired.answer(paired.question(), asked.number)
    assert (reply.status_code, reply.json()["state"]) == (200, "granted")
    asked.refresh_from_server(api)
    assert (asked.granted, asked.pending, asked.automated, asked.reason_code) == (True, False, False, 0)


def test_a_no_denies(api, paired, asked):
    reply = paired.answer(paired.question(), decision="deny")
    assert (reply.status_code, reply.json()["state"]) == (200, "denied")
    asked.refresh_from_server(api)
    assert (asked.granted, asked.pending, asked.reason_code) == (False, False, 100)
    assert asked.reason


def test_the_signed_answer_is_kept_as_evidence(paired, asked):
    token = paired.token(paired.claims("answer", **paired.answer_claims(paired.question(), asked.number)))
    paired.send("answer", token)
    kept = AuthenticationRequest.objects.get()
    assert kept.evidence == token
    assert str(kept.pairing.authenticator_id) == paired.id


def test_S22_the_number_is_six_random_digits(api, paired, settings):
    settings.TOOPHER_SERVICE_QUESTION_LIMIT = 20
    numbers = {api.authenticate("alice", "t", terminal_name="PC").number for _ in range(20)}
    assert all(len(number) == 6 and number.isascii() and number.isdigit() for number in numbers)
    assert len(numbers) > 15


@pytest.mark.parametrize("wrong", ["", " ", "1", "0000000", "abcdef", "\u0661" * 6, "\ud800"])
def test_S22_a_wrong_number_grants_nothing(paired, asked, wrong):
    response = paired.answer(paired.question(), wrong)
    assert response.status_code in {400, 403}, response.content
    assert state_of(asked) == "pending"


def test_S22_an_answer_without_a_number_is_refused(paired, asked):
    claims = paired.answer_claims(paired.question())
    del claims["number"]
    assert_refused(paired.call("answer", **claims), 400, "bad_request")
    assert state_of(asked) == "pending"


def another(number):
    """A number that is certainly not this one."""
    return f"{(int(number) + 1) % 1_000_000:06}"


def test_S22_a_wrong_number_tells_how_many_tries_remain(paired, asked):
    question, wrong = paired.question(), another(asked.number)
    response = paired.answer(question, wrong)
    assert_refused(response, 403, "wrong_number")
    assert response.json()["attempts_left"] == 2
    assert paired.answer(question, wrong).json()["attempts_left"] == 1
    assert paired.answer(question, wrong).json()["attempts_left"] == 0
    assert state_of(asked) == "denied"
    assert_refused(paired.answer(question, asked.number), 409, "gone")
    assert state_of(asked) == "denied"


def test_S22_a_number_serves_its_own_request_only(api, paired, asked):
    first = paired.question()
    second = api.authenticate("alice", "terminal-2", terminal_name="PC")
    while second.number == asked.number:
        second = api.authenticate("alice", "terminal-2", terminal_name="PC")
    assert_refused(paired.answer(first, second.number), 403, "wrong_number")
    assert state_of(asked) == "pending"


def test_S22_without_digits_a_tap_is_enough(settings, api, paired):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 0
    asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
    question = paired.question()
    assert (asked.number, question["number_length"]) == ("", 0)
    assert paired.answer(question).json()["state"] == "granted"


def test_S22_switching_the_number_off_later_does_not_open_a_request(settings, paired, asked):
    settings.TOOPHER_SERVICE_NUMBER_LENGTH = 0
    assert_refused(paired.answer(paired.question(), ""), 403, "wrong_number")


def test_a_no_needs_no_number(paired, asked):
    assert paired.answer(paired.question(), "", "deny").json()["state"] == "denied"


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW", "granted", None, True, 1, ["allow"]])
def test_S35_another_decision_is_refused(paired, asked, decision):
    claims = {**paired.claims("answer"), **paired.answer_claims(paired.question(), asked.number), "decision": decision}
    assert_refused(paired.send("answer", paired.token(claims)), 400, "bad_request")
    assert state_of(asked) == "pending"


@pytest.mark.parametrize("first", ["allow", "deny"])
@pytest.mark.parametrize("second", ["allow", "deny"])
def test_S25_a_request_is_answered_once(paired, asked, first, second):
    question = paired.question()
    assert paired.answer(question, asked.number, first).status_code == 200
    before = AuthenticationRequest.objects.values().get()
    assert_refused(paired.answer(question, asked.number, second), 409, "gone")
    assert AuthenticationRequest.objects.values().get() == before


def test_S25_of_yes_and_no_at_the_same_moment_one_wins(threaded_db, api, make_phone, pair, settings):
    settings.TOOPHER_SERVICE_UNANSWERED_LIMIT = 6  # all five may be denied
    phones = [make_phone(), make_phone()]
    for phone in phones:
        pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
        question = phones[0].pending().requests[0]
        outcomes = at_once(
            lambda number=asked.number, question=question: refusal(phones[0].approve, question, number),
            lambda question=question: refusal(phones[1].deny, question),
        )
        assert sorted(outcomes) in (["gone", "granted"], ["denied", "gone"])
        assert state_of(asked) == (outcomes[0] if outcomes[0] != "gone" else outcomes[1])


def test_S25_of_yes_and_cancel_at_the_same_moment_one_wins(threaded_db, api, make_api, phone, pair):
    pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "terminal-1", terminal_name="PC")
        question = phone.pending().requests[0]
        answered, told = at_once(
            lambda number=asked.number, question=question: refusal(phone.approve, question, number),
            lambda asked=asked: make_api().post(f"authentication_requests/{asked.id}/cancel"),
        )
        assert (answered, told["granted"], told["cancelled"]) in {("granted", True, False), ("gone", False, True)}


def end(how, api, phone, asked):
    """Make it impossible to answer ``asked``."""
    if how == "expired":
        expire(asked)
    elif how == "cancelled":
        api.post(f"authentication_requests/{asked.id}/cancel")
    elif how == "disabled":
        api.disable_user("alice")
    elif how == "reset":
        api.reset_user("alice")
    else:
        phone.call("remove", pairing=phone.call("pairings").json()["pairings"][0]["id"])


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("how", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_S25_an_answer_that_comes_too_late_is_refused(api, paired, asked, how, decision):
    question = paired.question()
    end(how, api, paired, asked)
    before = state_of(asked)
    assert_refused(paired.answer(question, asked.number, decision), 409, "gone")
    assert state_of(asked) == before != "granted"


@pytest.mark.parametrize("how", ["expired", "cancelled", "disabled", "reset", "removed"])
def test_S25_what_ends_between_look_and_answer_is_not_granted(api, paired, asked, how):
    """The UPDATE asks again, whatever was read before it."""
    request = AuthenticationRequest.objects.select_related("user").get()
    pairing = Pairing.objects.get()
    end(how, api, paired, asked)
    before = state_of(asked)
    with pytest.raises(GoneError):
        authentication_requests._finish(request, AuthenticationRequest.State.GRANTED, timezone.now(), pairing=pairing)
    assert state_of(asked) == before != "granted"


def test_S25_a_phone_whose_pairing_was_removed_while_another_stays_can_not_answer(api, pair, paired, asked):
    second = RawPhone().register("Second")
    pair(second)
    question = paired.question()
    end("removed", api, paired, asked)
    assert_refused(paired.answer(question, asked.number), 409, "gone")
    assert second.answer(question, asked.number).json()["state"] == "granted"


# Only the paired phone's key, only what was shown, only once


def test_S26_another_phone_can_not_answer(paired, asked):
    other = RawPhone().register("Other")
    assert_refused(other.answer(paired.question(), asked.number), 404, "not_found")
    assert state_of(asked) == "pending"


def test_S26_another_users_phone_can_not_answer(pair, paired, asked):
    other = RawPhone().register("Other")
    pair(other, "bob")
    assert_refused(other.answer(paired.question(), asked.number), 404, "not_found")
    assert state_of(asked) == "pending"


def test_S26_another_key_in_the_phones_name_is_refused(paired, asked):
    thief = RawPhone(id=paired.id)
    assert_refused(thief.answer(paired.question(), asked.number), 401, "bad_signature")
    assert state_of(asked) == "pending"


def test_S26_a_key_carried_along_does_not_count(paired, asked):
    thief = RawPhone(id=paired.id)
    claims = thief.claims("answer", **thief.answer_claims(paired.question(), asked.number))
    token = thief.token(claims, kid=paired.id, jwk=jwk_of(thief.key))
    assert_refused(thief.send("answer", token), 401, "bad_signature")
    assert state_of(asked) == "pending"


@pytest.mark.parametrize(
    "changed",
    [
        {"requester": "Bank"},
        {"user": "bob"},
        {"user": "Alice"},
        {"action": "log in"},
        {"action": ""},
        {"terminal": "Office laptop "},
        {"terminal": ""},
        {"address": "203.0.113.5"},
    ],
)
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_S26_a_phone_that_showed_something_else_is_a_mismatch(paired, asked, changed, decision):
    assert_refused(paired.answer(paired.question(), asked.number, decision, **changed), 409, "mismatch")
    assert state_of(asked) == "pending"


@pytest.mark.parametrize("name", ["requester", "user", "action", "terminal", "address", "request"])
@pytest.mark.parametrize("value", [None, 7, True, ["Log In"], {}, "n" * 2000, "a\0"])
def test_S35_a_text_of_another_type_is_refused(paired, asked, name, value):
    claims = {**paired.claims("answer"), **paired.answer_claims(paired.question(), asked.number), name: value}
    assert_refused(paired.send("answer", paired.token(claims)), 400, "bad_request")
    assert state_of(asked) == "pending"


def test_an_unknown_request_is_not_found(paired, asked):
    question = paired.question() | {"id": "00000000-0000-4000-8000-000000000000"}
    assert_refused(paired.answer(question, asked.number), 404, "not_found")


def test_S26_a_captured_answer_is_refused_as_replayed(paired, asked):
    token = paired.token(paired.claims("answer", **paired.answer_claims(paired.question(), another(asked.number))))
    assert_refused(paired.send("answer", token), 403, "wrong_number")
    assert_refused(paired.send("answer", token), 401, "replayed")
    assert AuthenticationRequest.objects.get().failures == 1


@pytest.mark.parametrize("call", ["pending", "pairings", "phrase"])
def test_S26_a_captured_message_is_refused_as_replayed(raw_phone, call):
    token = raw_phone.token(raw_phone.claims(call))
    assert raw_phone.send(call, token).status_code == 200
    assert_refused(raw_phone.send(call, token), 401, "replayed")


def test_S26_a_captured_registration_is_refused_as_replayed(db):
    phone = RawPhone()
    token = phone.token(phone.claims("register", name="Phone"), jwk=jwk_of(phone.key))
    assert phone.send("register", token).status_code == 200
    assert_refused(phone.send("register", token), 401, "replayed")


def test_S26_of_two_threads_with_one_message_one_is_carried_out(threaded_db, raw_phone):
    token = raw_phone.token(raw_phone.claims("phrase"))
    replies = at_once(*[lambda: RawPhone(raw_phone.key).send("phrase", token).status_code] * 2)
    assert sorted(replies) == [200, 401]


def test_one_jti_serves_two_phones(db):
    phones = [RawPhone().register(), RawPhone().register()]
    assert [phone.call("pending", jti="0123456789abcdef").status_code for phone in phones] == [200, 200]


@pytest.mark.parametrize("call", [each for each in CALLS if each != "pending"])
def test_S26_one_calls_message_is_refused_at_another(raw_phone, call):
    token = raw_phone.token(raw_phone.claims("pending"), kid=raw_phone.id, jwk=jwk_of(raw_phone.key))
    assert_refused(raw_phone.send(call, token), 401, "bad_signature")


@pytest.mark.parametrize(
    "aud",
    [
        "https://other.example/toopher/phone/v1/pending",
        "http://testserver/toopher/phone/v1/pending",
        "https://testserver/toopher/phone/v1/pending/",
        "https://testserver/toopher/phone/v1/pending?a=b",
        "/toopher/phone/v1/pending",
        "",
        7,
        {},
        [],
        "\ud800",
    ],
)
def test_S26_another_audience_is_refused(raw_phone, aud):
    token = compact({"alg": "ES256", "kid": raw_phone.id}, {**raw_phone.claims("pending"), "aud": aud}, raw_phone.key)
    response = raw_phone.send("pending", token)
    assert response.status_code in {400, 401}, response.content


def test_S26_a_message_for_several_calls_is_refused(raw_phone):
    """``aud`` is one URL (docs/authenticator.rst): one message is never several calls'."""
    aud = [f"{PHONE}v1/pending", f"{PHONE}v1/remove"]
    assert raw_phone.call("pending", aud=aud).status_code in {400, 401}


def test_S26_alg_none_is_refused(raw_phone):
    header, claims = {"alg": "none", "kid": raw_phone.id}, raw_phone.claims("pending")
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    for signature in ("", base64url(b"\0" * 64)):
        assert_refused(raw_phone.send("pending", f"{signed}.{signature}"), 401, "bad_signature")


def test_S26_the_public_key_is_no_secret_of_an_HMAC(raw_phone):
    pem = raw_phone.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, json.dumps(jwk_of(raw_phone.key)).encode()):
        header, claims = {"alg": "HS256", "kid": raw_phone.id}, raw_phone.claims("pending")
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        token = f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"
        assert_refused(raw_phone.send("pending", token), 401, "bad_signature")


def test_S26_an_algorithm_on_another_curve_is_refused(raw_phone):
    key = ec.generate_private_key(ec.SECP384R1())
    token = raw_phone.token(raw_phone.claims("pending"), key, "ES384", kid=raw_phone.id)
    assert_refused(raw_phone.send("pending", token), 401, "bad_signature")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_S26_a_message_altered_anywhere_is_refused(raw_phone, part):
    parts = raw_phone.token(raw_phone.claims("pending")).split(".")
    parts[part] = parts[part][:10] + ("A" if parts[part][10] != "A" else "B") + parts[part][11:]
    assert raw_phone.send("pending", ".".join(parts)).status_code in {400, 401}


@pytest.mark.parametrize("kid", ["00000000-0000-4000-8000-000000000000", "nobody", "", "\ud800", "a\0"])
def test_an_unknown_authenticator_is_answered_as_a_bad_signature(raw_phone, kid):
    token = compact({"alg": "ES256", "kid": kid}, raw_phone.claims("pending"), raw_phone.key)
    assert_refused(raw_phone.send("pending", token), 401, "bad_signature")


# Clock and messages of every sort


@pytest.mark.parametrize("off", [-302, 302, -(10**6), 10**6])
def test_a_clock_that_is_off_is_told_so(raw_phone, off):
    assert_refused(raw_phone.call("pending", iat=int(time.time()) + off), 401, "clock")


@pytest.mark.parametrize("off", [-290, 290])
def test_a_clock_within_five_minutes_is_accepted(raw_phone, off):
    assert raw_phone.call("pending", iat=int(time.time()) + off).status_code == 200


def test_a_message_refused_for_its_clock_is_not_used_up(raw_phone):
    jti = "0123456789abcdef"
    assert_refused(raw_phone.call("pending", iat=0, jti=jti), 401, "clock")
    assert raw_phone.call("pending", jti=jti).status_code == 200


def test_the_terminal_program_corrects_its_clock(phone):
    phone._clock = lambda: time.time() - 86400
    phone.clock_offset = 0
    assert phone.pending().requests == ()


@pytest.mark.parametrize("iat", ["now", "", 1.5, True, [], {}, 10**30, -(10**30), 10**400, None])
def test_S35_an_iat_that_is_no_time_is_refused(raw_phone, iat):
    claims = {**raw_phone.claims("pending"), "iat": iat}
    token = compact({"alg": "ES256", "kid": raw_phone.id}, claims, raw_phone.key)
    assert raw_phone.send("pending", token).status_code in {400, 401}


@pytest.mark.parametrize(
    "jti", ["", "short", "0" * 15, "0" * 65, "a" * 15 + "\n", "a" * 15 + "\0", 7, True, [], {}, None]
)
def test_S35_a_jti_that_is_none_is_refused(raw_phone, jti):
    claims = {**raw_phone.claims("pending"), "jti": jti}
    token = compact({"alg": "ES256", "kid": raw_phone.id}, claims, raw_phone.key)
    assert raw_phone.send("pending", token).status_code in {400, 401}


@pytest.mark.parametrize("claim", ["aud", "iat", "jti"])
def test_a_message_without_one_of_the_claims_is_a_bad_request(raw_phone, claim):
    assert_refused(raw_phone.call("pending", **{claim: None}), 400, "bad_request")


def encoded(*parts):
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


MALFORMED = {
    "empty": b"",
    "text": b"hello",
    "binary": b"\xff\xfe\0",
    "dots": b"..",
    "two parts": encoded(b"{}", b"{}"),
    "four parts": encoded(b"{}", b"{}", b"", b""),
    "five parts": encoded(b"{}", b"", b"", b"", b""),
    "no base64": b"!!!.???.###",
    "header is no JSON": encoded(b"{", b"{}", b""),
    "header is a list": encoded(b"[]", b"{}", b""),
    "header is null": encoded(b"null", b"{}", b""),
    "header is binary": encoded(b"\xff\xff", b"{}", b""),
    "no algorithm": encoded(b"{}", b"{}", b""),
    "algorithm is a number": encoded(b'{"alg": 7}', b"{}", b""),
    "algorithm is a list": encoded(b'{"alg": ["ES256"]}', b"{}", b""),
    "key id is a number": encoded(b'{"alg": "ES256", "kid": 7}', b"{}", b""),
    "key id is an object": encoded(b'{"alg": "ES256", "kid": {}}', b"{}", b""),
    "critical": encoded(b'{"alg": "ES256", "crit": ["exp"]}', b"{}", b""),
    "detached": encoded(b'{"alg": "ES256", "b64": false, "crit": ["b64"]}', b"", b""),
    "deep header": encoded(b'{"alg":' + b"[" * 5000 + b"]" * 5000 + b"}", b"{}", b""),
    "deepest header": encoded(b"[" * 11000, b"{}", b""),
    "long number": encoded(b'{"alg": ' + b"9" * 9000 + b"}", b"{}", b""),
    "JSON": b'{"payload": "e30", "signatures": []}',
    "too long": b"a" * (16 * 1024 + 1),
    "form": b"jws=abc",
}


@pytest.mark.parametrize("call", ["register", "pending", "answer"])
@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
def test_S35_a_malformed_message_is_refused(db, call, message):
    before = rows()
    response = RawPhone().send(call, message)
    assert response.status_code in {400, 401}, response.content
    assert response.json().keys() >= {"error_code", "error_message", "reason", "now"}
    assert rows() == before


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b"\xff",
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_S35_claims_that_are_no_object_are_refused(raw_phone, payload):
    signed = encoded(json.dumps({"alg": "ES256", "kid": raw_phone.id}).encode(), payload)
    signature = jwt.get_algorithm_by_name("ES256").sign(signed, raw_phone.key)
    response = raw_phone.send("pending", signed + b"." + encoded(signature))
    assert response.status_code in {400, 401}, response.content


def test_S35_a_body_that_is_too_large_is_refused(db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    response = RawPhone().send("register", "a" * 20_000)
    assert response.status_code == 400
    assert response.json()["reason"] == "bad_request"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("call", CALLS)
def test_S35_a_call_answers_to_POST_only(db, call, method):
    response = getattr(Client(), method)(f"/toopher/phone/v1/{call}", secure=True)
    assert response.status_code == 405
    assert response.json()["error_code"] == 405
    assert "POST" in response["Allow"]


def test_S31_the_api_uses_no_cookies_and_is_not_cached(raw_phone):
    response = raw_phone.call("pending")
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]


# Failures in a row


def test_S23_wrong_numbers_count_across_requests(settings, api, paired):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT = 3
    for _ in range(2):
        asked = api.authenticate("alice", "t", terminal_name="PC")
        assert_refused(paired.answer(paired.question(), another(asked.number)), 403, "wrong_number")
    user = User.objects.get()
    assert (user.failures, user.blocked_until) == (2, None)
    asked = api.authenticate("alice", "t", terminal_name="PC")
    question = paired.question()
    assert_refused(paired.answer(question, another(asked.number)), 403, "wrong_number")
    response = paired.answer(question, asked.number)
    assert_refused(response, 429, "too_many")
    assert 1 <= int(response["Retry-After"]) <= 61
    assert state_of(asked) == "pending"


def test_S23_a_blocked_user_is_asked_nothing_new(settings, api, paired, asked):
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(RateLimitError) as refused:
        api.authenticate("alice", "t", terminal_name="PC")
    assert (refused.value.status, refused.value.code) == (429, 429)
    assert 1 <= refused.value.retry_after <= 61


def test_S23_a_blocked_user_can_still_say_no(paired, asked):
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert paired.answer(paired.question(), "", "deny").json()["state"] == "denied"


def test_S23_success_forgets_the_failures(api, paired, asked):
    question = paired.question()
    paired.answer(question, another(asked.number))
    assert User.objects.get().failures == 1
    paired.answer(question, asked.number)
    assert User.objects.get().failures == 0


def test_S23_a_no_does_not_forget_the_failures(paired, asked):
    question = paired.question()
    paired.answer(question, another(asked.number))
    paired.answer(question, "", "deny")
    assert User.objects.get().failures == 1


def test_S23_the_wait_doubles_with_every_further_failure(settings, api, paired):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT, settings.TOOPHER_SERVICE_FAILURE_WAIT = 2, 10
    user, now = User.objects.get(), timezone.now()
    waits = []
    for _ in range(5):
        users.failed(user, now)
        user.refresh_from_db()
        waits.append((user.blocked_until - now).total_seconds() if user.blocked_until else 0)
    assert waits == pytest.approx([0, 10, 20, 40, 80], abs=0.01)


def test_S23_after_a_hundred_failures_only_a_reset_helps(api, paired):
    user, now = User.objects.get(), timezone.now()
    User.objects.update(failures=99)
    users.failed(user, now)
    user.refresh_from_db()
    assert user.blocked_until - now > timedelta(days=365)
    api.reset_user("alice")
    user.refresh_from_db()
    assert (user.failures, user.blocked_until) == (0, None)


def test_S23_failures_of_two_threads_are_both_counted(threaded_db, requester):
    user = User.objects.create(requester=requester, name="alice")
    at_once(*[lambda: users.failed(User.objects.get(pk=user.pk), timezone.now())] * 2)
    assert User.objects.get().failures == 2


def test_S23_failures_of_one_user_do_not_block_another(api, pair, paired):
    pair(paired, "bob")
    User.objects.filter(name="alice").update(failures=50, blocked_until=timezone.now() + timedelta(hours=1))
    assert api.authenticate("bob", "t", terminal_name="PC").pending


# One-time codes


@pytest.fixture
def seeded(paired):
    """The pairing of alice's phone, a point in time, and the code of any step around it."""
    pairing, now = Pairing.objects.get(), timezone.now()

    def code(steps=0):
        return pyotp.TOTP(pairing.otp_seed).at(now, counter_offset=steps)

    return pairing, now, code


def test_S28_the_seed_has_160_bits(seeded):
    pairing, _, _ = seeded
    assert len(base64.b32decode(pairing.otp_seed)) * 8 == 160


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_S28_the_code_of_the_step_and_its_neighbours_is_right(seeded, steps):
    pairing, now, code = seeded
    assert one_time_passwords.spend(pairing.user, code(steps), now) == pairing


@pytest.mark.parametrize("steps", [-20, -2, 2, 20])
def test_S28_the_code_of_another_step_is_wrong(seeded, steps):
    pairing, now, code = seeded
    assert code(steps) not in {code(-1), code(0), code(1)}
    assert one_time_passwords.spend(pairing.user, code(steps), now) is None


def test_S28_a_code_is_used_once(seeded):
    pairing, now, code = seeded
    assert one_time_passwords.spend(pairing.user, code(), now) == pairing
    assert one_time_passwords.spend(pairing.user, code(), now) is None
    assert one_time_passwords.spend(pairing.user, code(), now + timedelta(seconds=30)) is None


def test_S28_an_earlier_step_than_the_last_one_used_is_wrong(seeded):
    pairing, now, code = seeded
    assert one_time_passwords.spend(pairing.user, code(1), now) == pairing
    assert one_time_passwords.spend(pairing.user, code(0), now) is None
    assert one_time_passwords.spend(pairing.user, code(-1), now) is None


def test_S28_of_two_threads_with_one_code_one_succeeds(threaded_db, paired):
    pairing, now = Pairing.objects.get(), timezone.now()
    code = pyotp.TOTP(pairing.otp_seed).at(now)
    outcomes = at_once(*[lambda: one_time_passwords.spend(User.objects.get(), code, now) is not None] * 2)
    assert sorted(outcomes) == [False, True]


def test_S28_spaces_in_a_code_do_not_matter(seeded):
    pairing, now, code = seeded
    assert one_time_passwords.spend(pairing.user, f" {code()[:3]} {code()[3:]} ", now) == pairing


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:5],
        lambda c: c + "0",
        lambda c: f"+{c}",
        lambda c: c.translate({48 + n: 0x661 + n - 1 for n in range(10)}),
        lambda c: "",
    ],
)
def test_S28_what_is_not_six_digits_is_no_code(seeded, change):
    pairing, now, code = seeded
    assert one_time_passwords.spend(pairing.user, change(code()), now) is None


def test_S28_the_code_of_a_removed_pairing_is_wrong(api, seeded):
    pairing, now, code = seeded
    api.reset_user("alice")
    assert one_time_passwords.spend(pairing.user, code(), now) is None


def test_S28_the_code_of_another_user_is_wrong(pair, seeded):
    _, now, code = seeded
    pair(RawPhone().register("Bob's"), "bob")
    assert one_time_passwords.spend(User.objects.get(name="bob"), code(), now) is None
