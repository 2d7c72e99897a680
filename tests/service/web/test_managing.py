"""The page on which people manage their phones (SECURITY.md S05, S07, S08, S17)."""

from __future__ import annotations

import pytest

from django_toopher.service.models import AuthenticationRequest, Pairing, User
from tests.tables import table

from .pages import ALWAYS, TOKEN, assert_refused, call, manage_url


def test_the_management_page_tells_the_phones(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.state["state"] == "new"
    [told] = frame.state["phones"]
    assert (told["id"], told["name"], told["used"]) == (paired_phone.account().id, "Pixel", None)
    assert not AuthenticationRequest.objects.exists()


def test_S07_a_reset_by_the_site_closes_the_pages_on_which_phones_are_managed(open_frame, paired_phone, iframe, api):
    frame = open_frame(manage_url(iframe))
    here = frame.state["phones"][0]["id"]
    link = frame.call("pair")["link"]
    api.reset_user("alice")
    with pytest.raises(Exception, match=r".") as refused:
        paired_phone.pair_link(link)
    assert refused.value.reason == "gone"
    for name, fields in {"pair": {}, "remove": {"pairing": here}, "reset": {}}.items():
        assert frame.call(name, **fields)["reason"] == "gone"


# Phones paired, removed, renamed


def test_a_phone_paired_on_the_management_page_gives_a_pairing_postback(open_frame, phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.call("pair")["state"] == "pairing"
    phone.pair_link(frame.state["link"])
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="pairing", username="alice")
    assert postback.keys() == ALWAYS | {
        "resource_type", "id", "enabled", "pending", "pairing_user_id", "user_name",
        "user_toopher_authentication_enabled",
    }  # fmt: skip
    assert (postback["id"], postback["enabled"], postback["pending"]) == (phone.account().id, "true", "false")
    assert postback["pairing_user_id"] == str(User.objects.get().pk)


def test_a_first_phone_may_manage_what_it_was_paired_on(open_frame, phone, iframe):
    frame = open_frame(manage_url(iframe, only_first=True))
    phone.pair_link(frame.call("pair")["link"])
    assert frame.poll()["granted"]
    assert frame.call("rename", pairing=phone.account().id, name="Mine")["phones"][0]["name"] == "Mine"


def test_a_phone_removed_on_the_management_page_gives_a_pairing_postback(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    state = frame.call("remove", pairing=paired_phone.account().id)
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="pairing")
    assert (postback["enabled"], postback["pending"]) == ("false", "false")
    assert state["granted"] is True  # done, as it was wished
    assert paired_phone.pairings() == ()


def test_a_second_phone_is_paired_by_phrase_on_the_management_page(open_frame, paired_phone, make_phone, iframe):
    frame = open_frame(manage_url(iframe))
    second = make_phone("Second")
    assert frame.call("phrase", phrase=second.phrase().phrase)["state"] == "pairing"
    second.pair(second.pending().pairings[0])
    assert frame.poll()["postback"]["enabled"] == "true"
    assert Pairing.objects.filter(state="enabled").count() == 2


def test_a_phone_can_be_renamed_for_this_site(open_frame, paired_phone, iframe, mailoutbox):
    frame = open_frame(manage_url(iframe))
    pairing = paired_phone.account().id
    state = frame.call("rename", pairing=pairing, name="  My\nwork phone ")
    assert (state["state"], state["phones"][0]["name"]) == ("managing", "My work phone")
    assert open_frame(manage_url(iframe)).state["phones"][0]["name"] == "My work phone"
    assert frame.call("rename", pairing=pairing, name="")["phones"][0]["name"] == "Pixel"


def test_S21_the_new_name_is_not_told_to_another_site(open_frame, pair, paired_phone, iframe, make_requester):
    make_requester("other", "other secret")
    elsewhere = pair(paired_phone, at="other")
    here = next(each.id for each in paired_phone.pairings() if each.id != elsewhere)
    open_frame(manage_url(iframe)).call("rename", pairing=here, name="Secret lover's phone")
    assert Pairing.objects.get(pk=elsewhere).phone_name == "Pixel"


@table("name", ["n" * 101, "a\0b", "a\u202eb"])
def test_S35_what_is_no_name_is_refused(open_frame, paired_phone, iframe, name):
    frame = open_frame(manage_url(iframe))
    assert_refused(call("rename", frame.token, pairing=paired_phone.account().id, name=name), 400)
    assert Pairing.objects.get().phone_name == "Pixel"


def test_S17_another_users_phone_is_not_renamed(open_frame, pair, phone, iframe):
    pairing = pair(phone, "bob")
    frame = open_frame(manage_url(iframe))
    assert_refused(call("rename", frame.token, pairing=pairing, name="Mine"), 404)
    assert Pairing.objects.get().phone_name == "Pixel"


@pytest.mark.parametrize("of", ["another user", "another requester"])
def test_S17_the_management_page_removes_its_users_phones_only(open_frame, pair, phone, iframe, make_requester, of):
    if of == "another user":
        pairing = pair(phone, "bob")
    else:
        make_requester("other", "other secret")
        pairing = pair(phone, at="other")
    frame = open_frame(manage_url(iframe))
    assert_refused(call("remove", frame.token, pairing=pairing), 404)
    assert Pairing.objects.get(pk=pairing).is_enabled


@table("pairing", ["", "x", "\0", "00000000-0000-4000-8000-000000000000"])
def test_S35_what_is_no_phone_is_not_removed(open_frame, paired_phone, iframe, pairing):
    frame = open_frame(manage_url(iframe))
    assert call("remove", frame.token, pairing=pairing).status_code in {400, 404}
    assert Pairing.objects.get().is_enabled


# Reset, off and on


USER_ROW = {"resource_type", "id", "name", "toopher_authentication_enabled"}


def opted_out(requester):
    requester.permitted_opt_out = True
    requester.save()


def test_a_reset_gives_a_postback_of_the_user(open_frame, paired_phone, iframe, listed):
    frame = open_frame(manage_url(iframe))
    state = frame.call("reset")
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="requester_user", username="alice")
    assert postback.keys() == USER_ROW | ALWAYS
    assert (postback["id"], postback["toopher_authentication_enabled"]) == (str(User.objects.get().pk), "true")
    assert paired_phone.pairings() == ()
    assert not User.objects.get().pregenerated_codes.exists()


def test_where_the_site_allows_it_a_user_switches_off_and_on(open_frame, paired_phone, iframe, requester):
    opted_out(requester)
    frame = open_frame(manage_url(iframe))
    assert (frame.state["enabled"], frame.state["may_opt_out"]) == (True, True)
    for enabled in ("false", "true"):
        state = frame.call("switch", enabled=enabled)
        postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="requester_user")
        assert postback["toopher_authentication_enabled"] == enabled
        assert User.objects.get().toopher_authentication_enabled == (enabled == "true")


def test_where_the_site_does_not_allow_it_nobody_switches_off(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.state["may_opt_out"] is False
    assert_refused(call("switch", frame.token, enabled="false"), 403)
    assert User.objects.get().toopher_authentication_enabled


def test_S08_a_password_alone_switches_nothing_off(open_frame, iframe, requester):
    opted_out(requester)
    frame = open_frame(manage_url(iframe, only_first=True))
    assert frame.state["may_opt_out"] is False
    assert_refused(call("switch", frame.token, enabled="false"), 403)
    assert User.objects.get().toopher_authentication_enabled


def test_a_user_whom_support_switched_off_can_switch_on_again(open_frame, paired_phone, iframe, api):
    api.disable_user("alice")
    frame = open_frame(manage_url(iframe))
    assert frame.state["enabled"] is False
    assert frame.call("switch", enabled="true")["postback"]["toopher_authentication_enabled"] == "true"


@table("enabled", ["", "yes", "False", "\0"])
def test_S35_what_is_neither_on_nor_off_is_refused(open_frame, paired_phone, iframe, requester, enabled):
    opted_out(requester)
    frame = open_frame(manage_url(iframe))
    assert_refused(call("switch", frame.token, enabled=enabled), 400)
    assert User.objects.get().toopher_authentication_enabled


# Each page does its own


@table("name", ["rename", "reset", "switch", "forget", "remove"])
def test_S05_a_login_page_manages_nothing(open_frame, paired_phone, requester, name):
    opted_out(requester)
    pairing = paired_phone.account().id
    fields = {"pairing": pairing, "automation": pairing, "name": "Mine", "enabled": "false"}
    assert_refused(call(name, open_frame().token, **fields), 404)
    assert Pairing.objects.get().phone_name == "Pixel"
    assert Pairing.objects.get().is_enabled
    assert User.objects.get().toopher_authentication_enabled


def test_S05_a_login_page_removes_no_phone(open_frame, paired_phone):
    frame = open_frame()
    assert 400 <= call("remove", frame.token, pairing=paired_phone.account().id).status_code < 500
    assert Pairing.objects.get().is_enabled


@table("name", ["ask", "code"])
def test_S05_a_management_page_asks_nobody(open_frame, paired_phone, iframe, name):
    frame = open_frame(manage_url(iframe))
    assert_refused(call(name, frame.token, code=paired_phone.code()), 404)
    assert not AuthenticationRequest.objects.exists()
