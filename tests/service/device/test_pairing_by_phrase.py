"""Pairing by the words that the phone shows (docs/authenticator.rst; SECURITY.md S29)."""

from __future__ import annotations

import base64
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import RequestRefusedError
from django_toopher.service.models import Pairing, PairingPhrase
from django_toopher.service.phones import authenticators, pairings
from django_toopher.service.phones.authenticators import PHRASE_WORDS, _words
from tests.service.callers import at_once
from tests.tables import table

from .acts import assert_refused


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


@table("typed", [str.upper, str.title, lambda p: f"  {p}\t", lambda p: p.replace(" ", "  ")])
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
    assert reply == {"pairing": pairing.id, "state": "enabled", "secret": reply["secret"], "digits": 6, "period": 30}
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


def test_S17_a_pairing_by_phrase_can_not_be_answered_by_another_phone(api, raw_phone, make_raw_phone):
    pairing = api.pair("alice", raw_phone.call("phrase").json()["phrase"])
    other = make_raw_phone("Other")
    shown = {"requester": "Site key", "user": "alice", "decision": "allow"}
    assert_refused(other.call("pair", pairing=pairing.id, **shown), 404, "not_found")
    link = pairings.link_token(Pairing.objects.get())
    assert other.call("pair", pairing=pairing.id, link=link, **shown).status_code in {404, 409}
    assert other.call("offer", link=link).status_code in {404, 409}
    assert Pairing.objects.get().state == "pending"
