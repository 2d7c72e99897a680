"""What the management page proposes is carried out by the session that it was opened in, while that holds (S39)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model

from django_toopher.client import ToopherApi
from django_toopher.connection import api
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Automation, Pairing, Requester, User
from django_toopher.support import verbs
from tests.drivers import Frame, attribute
from tests.tables import table

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, known, pairing, reason_of, remove, signed
from .page import OTHERS, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


def opened(computer, embed="iframe"):
    """The management page, in the iframe or at top level."""
    if embed == "iframe":
        return computer.open_iframe(ACCOUNT)
    page = computer.get(ACCOUNT).content.decode()
    parts = urlsplit(attribute(page.partition('id="toopher_link"')[2], "href"))
    return Frame.at(computer, f"{parts.path}?{parts.query}")


@pytest.fixture
def automation(account, phone, make_computer):
    """Alice's phone has said yes from now on, at another computer."""
    other = make_computer()
    other.password()
    frame = other.open_iframe()
    phone.approve(phone.pending().requests[0], frame.state["number"], automate=Automate(3600))
    return str(Automation.objects.get().pk)


def of_the_service():
    """What a change could have changed."""
    return [
        *Pairing.objects.order_by("created").values_list("state", "label"),
        *User.objects.values_list("toopher_authentication_enabled", "has_had_codes"),
        *Automation.objects.values_list("pk"),
    ]


def log_out(computer, account, another):
    computer.client.logout()


def change_password(computer, account, another):
    account.user.set_password("another")
    account.user.save()


def deactivate(computer, account, another):
    get_user_model().objects.update(is_active=False)


def delete(computer, account, another):
    get_user_model().objects.filter(pk=account.user_id).delete()


def sign_out_others(computer, account, another):
    another.post(OTHERS)


def support(verb):
    def act(computer, account, another):
        verbs.carry_out(verbs.VERBS[verb], ToopherAccount.objects.get(pk=account.pk), api())

    return act


ENDINGS = {
    "logout": log_out,
    "password": change_password,
    "deactivated": deactivate,
    "deleted": delete,
    "everywhere else": sign_out_others,
    "reset": support("reset"),
    "disabled": support("disable"),
}


@pytest.mark.parametrize("embed", ["iframe", "redirect"])
@table("end", ENDINGS)
def test_S39_what_a_session_opened_ends_with_it(
    end, embed, account, verified, another, automation, phone, make_phone, settings
):
    settings.TOOPHER_EMBED = embed
    Requester.objects.update(permitted_opt_out=True)
    browser, here, thiefs = verified.twin(), phone.account().id, make_phone("thief's")
    frame, stolen = opened(browser, embed), browser.twin()
    ENDINGS[end](browser, account, another)
    before, paired = of_the_service(), known(account)
    wishes = {
        "remove": {"pairing": here},
        "rename": {"pairing": here, "name": "x"},
        "forget": {"automation": automation},
        "switch": {"enabled": "false"},
        "reset": {},
    }
    for change, fields in wishes.items():
        told = frame.call(change, **fields)
        if "postback" in told:
            for each in (browser, stolen):
                assert each.post(ACCOUNT_POSTBACK, told["postback"]).status_code in {302, 303, 403}, change
    assert of_the_service() == before
    if link := frame.call("pair").get("link"):
        thiefs.pair_link(link)
        stolen.post(ACCOUNT_POSTBACK, frame.poll()["postback"])
        assert thiefs.pairings() == ()
        assert not Pairing.objects.enabled().filter(authenticator=thiefs.id).exists()
    assert known(account) == paired


def test_S39_the_session_that_opened_it_carries_out_each_change(account, verified, automation, phone):
    here = phone.account().id
    frame = verified.open_iframe(ACCOUNT)
    verified.post(ACCOUNT_POSTBACK, frame.call("rename", pairing=here, name="Mine")["postback"])
    assert "The phone has its new name." in page_of(verified)
    assert Pairing.objects.get(pk=here).label == "Mine"
    account.refresh_from_db()
    assert account.device == "Mine"
    frame = verified.open_iframe(ACCOUNT)
    verified.post(ACCOUNT_POSTBACK, frame.call("forget", automation=automation)["postback"])
    assert not Automation.objects.exists()
    frame = verified.open_iframe(ACCOUNT)
    verified.post(ACCOUNT_POSTBACK, frame.call("remove", pairing=here)["postback"])
    assert "The phone was removed." in page_of(verified)
    assert not Pairing.objects.enabled().exists()


def test_S39_a_phone_that_agreed_is_none_before_its_proposal_was_carried_out(verified, make_phone):
    second = make_phone("Second")
    proposal = pairing(verified, second)
    assert second.pairings() == ()
    assert verified.post(ACCOUNT_POSTBACK, proposal)["Location"] == ACCOUNT
    assert len(second.pairings()) == 1
    assert second.settle()


def test_S39_a_proposal_of_another_session_of_the_same_person_is_refused(verified, another, account):
    proposal = remove(verified)
    another.open_iframe(ACCOUNT)
    assert reason_of(another.post(ACCOUNT_POSTBACK, proposal)) == "invalid_postback"
    assert Pairing.objects.enabled().exists()


def test_S39_what_was_posted_as_a_restriction_is_refused_where_something_else_was_signed(verified, account):
    proposal = remove(verified)
    assert verified.post(ACCOUNT_POSTBACK, {**proposal, "change": "forget"}).status_code == 403
    assert verified.post(ACCOUNT_POSTBACK, {"change": ["remove", "forget"], **proposal}).status_code in {302, 403}


@table("changes", [{"change": "destroy"}, {"change": None}, {"value": None}, {"id": ""}])
def test_S39_what_is_no_proposal_changes_nothing(changes, verified, account):
    before = of_the_service()
    proposal = signed(remove(verified), **changes)
    assert verified.post(ACCOUNT_POSTBACK, proposal).status_code in {302, 403}
    assert of_the_service() == before


@pytest.mark.parametrize("moved", ["password", "deactivated", "generation"])
def test_S39_who_changes_while_a_phone_is_confirmed_has_no_phone(moved, verified, account, make_phone, monkeypatch):
    second = make_phone("Second")
    proposal = pairing(verified, second)
    post = ToopherApi.post

    def meanwhile(self, path, **parameters):
        reply = post(self, path, **parameters)
        if "confirmed" in parameters:
            if moved == "password":
                change_password(verified, account, None)
            elif moved == "deactivated":
                deactivate(verified, account, None)
            else:
                account.change()
        return reply

    monkeypatch.setattr(ToopherApi, "post", meanwhile)
    assert reason_of(verified.post(ACCOUNT_POSTBACK, proposal)) == "user_changed"
    assert second.pairings() == ()
    assert Attempt.objects.filter(kind="pairing").latest("created").outcome == "failed"
