"""Where the site confirms, a page changes nothing: it hands signed proposals to the site (SECURITY.md S39)."""

from __future__ import annotations

import pytest

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Automation, Pairing, User
from tests.tables import table

from .pages import ALWAYS, TOKEN, assert_refused, authenticate_url, call, manage_url

ROW = ALWAYS | {
    "resource_type", "change", "id", "value", "pairing_user_id", "user_name", "user_toopher_authentication_enabled",
}  # fmt: skip


@pytest.fixture
def frame(open_frame, paired_phone, iframe, requester):
    requester.permitted_opt_out = True
    requester.save()
    return open_frame(manage_url(iframe, site_confirms=True))


def state_of_everything():
    return [
        *Pairing.objects.values_list("state", "label", "otp_seed"),
        *User.objects.values_list("toopher_authentication_enabled", "has_had_codes"),
        *Automation.objects.values_list("pk"),
    ]


@pytest.fixture
def automation(paired_phone, ask_alice):
    asked = ask_alice("Laptop", "secret")
    paired_phone.approve(paired_phone.pending().requests[0], asked.raw["number"], automate=Automate(3600))
    return str(Automation.objects.get().pk)


def test_S39_every_change_is_a_proposal_and_changes_nothing(frame, paired_phone, automation, iframe):
    phone, user = paired_phone.account().id, str(User.objects.get().pk)
    wishes = {
        "remove": ({"pairing": phone}, phone, ""),
        "rename": ({"pairing": phone, "name": " My \n phone"}, phone, "My phone"),
        "forget": ({"automation": automation}, automation, ""),
        "switch": ({"enabled": "false"}, user, "false"),
        "reset": ({}, user, ""),
    }
    before = state_of_everything()
    for change, (fields, of, value) in wishes.items():
        told = frame.call(change, **fields)
        assert (told["state"], told["proposed"]) == ("finished", True)
        postback = iframe.validate_postback(told["postback"], TOKEN, resource_type="proposal", username="alice")
        assert postback.keys() == ROW
        assert (postback["change"], postback["id"], postback["value"]) == (change, of, value)
    assert state_of_everything() == before


def test_S39_a_phone_that_agrees_is_proposed_and_enabled_by_the_site_alone(frame, make_phone, iframe, api):
    new = make_phone("New")
    new.pair_link(frame.call("pair")["link"])
    told = frame.poll()
    postback = iframe.validate_postback(told["postback"], TOKEN, resource_type="proposal")
    assert (postback["change"], postback["id"]) == ("pair", new.account().id)
    assert Pairing.objects.get(pk=postback["id"]).state == Pairing.State.AGREED
    assert frame.call("phrase", phrase=make_phone().phrase().phrase)["reason"] == "gone"  # that one stays
    api.post(f"pairings/{postback['id']}", confirmed=True)
    assert Pairing.objects.get(pk=postback["id"]).is_enabled


@table(
    ("call", "fields", "reason"),
    [
        ("remove", {"pairing": "00000000-0000-4000-8000-000000000000"}, "not_found"),
        ("rename", {"pairing": "own", "name": "x" * 101}, None),
        ("forget", {"automation": "00000000-0000-4000-8000-000000000000"}, "not_found"),
        ("switch", {"enabled": "perhaps"}, None),
    ],
)
def test_S39_what_can_not_be_done_is_not_proposed(call, fields, reason, frame, paired_phone):
    fields = {name: paired_phone.account().id if value == "own" else value for name, value in fields.items()}
    told = frame.call(call, **fields)
    assert "postback" not in told
    assert told["error_message"]
    assert reason in {None, told["reason"]}


def test_S38_a_page_whose_site_wants_a_phone_does_not_propose_to_remove_the_last(
    open_frame, paired_phone, iframe, requester, pair, make_phone
):
    requester.permitted_opt_out = True
    requester.save()
    frame = open_frame(manage_url(iframe, site_confirms=True, keeps_one=True))
    assert (frame.state["keeps_one"], frame.state["may_opt_out"]) == (True, False)
    here = paired_phone.account().id
    for name, fields in {"remove": {"pairing": here}, "reset": {}, "switch": {"enabled": "false"}}.items():
        assert "postback" not in frame.call(name, **fields)
    pair(make_phone("Second"))
    assert frame.call("remove", pairing=here)["postback"]["change"] == "remove"


def test_S39_a_phone_paired_on_the_way_of_a_login_is_asked_and_left_to_the_site(open_frame, phone, iframe, api):
    frame = open_frame(authenticate_url(iframe, site_confirms=True))
    phone.pair_link(frame.state["link"])
    assert frame.poll()["state"] == "paired"
    assert frame.call("ask")["state"] == "waiting"
    frame.approve(phone)
    postback = iframe.validate_postback(frame.poll()["postback"], TOKEN, resource_type="authentication_request")
    assert (postback["granted"], postback["to_confirm"]) == ("true", phone.account().id)
    assert phone.pairings() == ()
    api.post(f"pairings/{postback['to_confirm']}", confirmed=True)
    assert phone.pairings()


def test_S39_a_login_that_nobody_confirms_leaves_no_phone(open_frame, phone, make_phone, iframe):
    frame = open_frame(authenticate_url(iframe, site_confirms=True))
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    frame.poll()
    again = open_frame(authenticate_url(iframe, site_confirms=True, token="another login"))
    assert again.state["state"] == "pairing"
    make_phone("Owner's").pair_link(again.state["link"])
    assert again.call("ask")["state"] == "waiting"


def test_S39_without_the_parameter_a_login_pairs_as_before(open_frame, phone, iframe):
    frame = open_frame(authenticate_url(iframe))
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    assert "to_confirm" not in frame.poll()["postback"]
    assert phone.pairings()


def test_S05_S39_a_login_page_proposes_nothing(open_frame, paired_phone, iframe):
    frame = open_frame(authenticate_url(iframe, site_confirms=True))
    pairing = paired_phone.account().id
    assert_refused(call("remove", frame.token, pairing=pairing), 404)
