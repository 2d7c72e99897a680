"""Pairing by a link, and the answer to a pairing (docs/authenticator.rst; SECURITY.md S25, S26, S29)."""

from __future__ import annotations

import base64
from datetime import timedelta

from django.utils import timezone

from django_toopher.service.models import Pairing
from tests.service.callers import at_once, rows
from tests.tables import table

from .acts import assert_refused, link_to, refusal


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


@table("forge", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t.split(":")[0], str.upper])
def test_S29_a_forged_link_is_not_found(api, raw_phone, forge):
    _, link = link_to(api)
    assert_refused(raw_phone.call("offer", link=forge(link)), 404, "not_found")


@table("link", ["", ":", "a:b", "\u00e9:\u00e9", "x" * 1000, "\ud800"])
def test_S35_what_is_no_link_is_refused(raw_phone, link):
    response = raw_phone.call("offer", link=link)
    assert response.status_code in {400, 404}
    assert response.json()["error_message"]


def test_a_link_serves_its_own_pairing_only(api, raw_phone):
    _, link = link_to(api)
    bobs, _ = link_to(api, "bob")
    shown = {"requester": "Site key", "user": "bob", "decision": "allow"}
    assert_refused(raw_phone.call("pair", pairing=bobs.id, link=link, **shown), 404, "not_found")
    assert not Pairing.objects.exclude(state="pending").exists()


@table("changed", [{"requester": "Bank"}, {"user": "bob"}, {"user": "Alice"}, {"user": "alice "}])
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
