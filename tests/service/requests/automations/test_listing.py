"""Listing automations and removing them, on the phone and on the management page."""

from __future__ import annotations

import pytest

from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Automation
from tests.drivers import Computer, Frame
from tests.tables import table

from .acts import DAY, is_asked


def test_the_phone_lists_them(automate, paired, requester):
    automation = automate()
    [told] = paired.automations()
    assert (told.id, told.requester, told.user) == (str(automation.pk), requester.name, "alice")
    assert (told.action, told.terminal, told.answer, told.network) == ("Log In", "PC", "allow", "")
    assert told.expires - told.created == DAY
    assert told.last_used is None


def test_every_phone_of_the_user_lists_them(automate, pair, make_phone):
    second = make_phone()
    pair(second)
    automation = automate()
    assert [one.id for one in second.automations()] == [str(automation.pk)]


def test_S17_another_users_phone_neither_lists_nor_removes_them(automate, pair, make_raw_phone):
    other = make_raw_phone("Other")
    pair(other, "bob")
    automation = automate()
    assert other.call("automations").json()["automations"] == []
    response = other.call("automation-remove", automation=str(automation.pk))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert Automation.objects.exists()


def test_S17_a_phone_that_was_removed_neither_lists_nor_removes_them(automate, pair, raw_phone, api):
    removed = pair(raw_phone)
    automation = automate()
    api.post(f"pairings/{removed}", deactivated=True)
    assert raw_phone.call("automations").json()["automations"] == []
    assert raw_phone.call("automation-remove", automation=str(automation.pk)).status_code == 404


def test_removing_it_on_the_phone_has_the_phone_asked_again(automate, ask, paired):
    paired.remove_automation(str(automate().pk))
    assert paired.automations() == ()
    assert is_asked(ask())


def test_removing_it_again_is_not_found(automate, paired):
    automation = str(automate().pk)
    paired.remove_automation(automation)
    with pytest.raises(RefusedError) as refused:
        paired.remove_automation(automation)
    assert refused.value.reason == "not_found"


@table("wrong", [None, "", "x", 7, []])
def test_S35_what_is_no_automation_is_not_removed(automate, pair, raw_phone, wrong):
    pair(raw_phone)
    automate()
    assert raw_phone.call("automation-remove", automation=wrong).status_code in {400, 404}
    assert Automation.objects.exists()


@pytest.fixture
def manage(iframe):
    """Opens a user's management page."""

    def make(user="alice"):
        return Frame.at(Computer(), iframe.get_user_management_iframe_url(user, "", session_token="token"))

    return make


def test_the_management_page_lists_them(automate, manage):
    automation = automate()
    [told] = manage().state["automations"]
    expires = told.pop("expires")
    assert told == {"id": str(automation.pk), "allow": True, "action": "Log In", "terminal": "PC", "network": ""}
    assert expires == int(automation.expires.timestamp())


def test_removing_it_on_the_management_page_has_the_phone_asked_again(automate, ask, manage):
    page = manage()
    state = page.call("forget", automation=str(automate().pk))
    assert (state["state"], state["automations"], len(state["phones"])) == ("managing", [], 1)
    assert is_asked(ask())


def test_S17_the_management_page_removes_its_users_only(automate, manage, pair, paired):
    pair(paired, "bob")
    automation = automate()
    assert manage("bob").state["automations"] == []
    assert manage("bob").call("forget", automation=str(automation.pk))["error_code"] == 404
    assert Automation.objects.exists()


def test_S05_a_login_page_removes_none(automate, open_page):
    page = open_page(action_name="Other")
    assert page.call("forget", automation=str(automate().pk))["error_code"] == 404
    assert Automation.objects.exists()
