"""What an operator does in the service's admin, by keyboard, on a small screen and a large one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.service.models import User
from tests.factories import account_with, paired, registered_phone

from .axe import faults_of, overhang
from .people import press_until
from .traffic import traffic

USERS = "/admin/toopher_service/user/"


@pytest.fixture
def users(make_requester):
    """Users of a site elsewhere, one with a long name, and one who has to wait; and one of the own site."""
    with traffic.stopped():
        club = make_requester("club", name="The Rowing Club of the Upper River")
        names = ["alice", "maximilian.von.und.zu.hohenstein-waldburg@mail.example.org", "zoe"]
        rows = {name: paired(club, name, registered_phone(f"Phone of {name[:9]}")).user for name in names}
        later = timezone.now() + timedelta(hours=1)
        waits = {"failures": 12, "blocked_until": later, "reported_until": later, "has_had_codes": True}
        User.objects.filter(name="zoe").update(**waits)
        carol = get_user_model().objects.create_user("carol")
        account_with(registered_phone(), carol)
        return {**rows, "own": User.objects.get(name="carol")}


@pytest.fixture
def page(users, make_computer):
    """A superuser's."""
    get_user_model().objects.create_superuser("support", password="password")
    computer = make_computer()
    computer.is_logged_in_as("support")
    return computer.page


def choose_all(page, verb: str) -> None:
    page.goto(USERS)
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(verb)
    page.get_by_role("button", name=re.compile("Go|Run")).click()


def test_S44_a_reset_from_a_persons_page_takes_no_mouse(page, users):
    page.goto(f"{USERS}{users['zoe'].pk}/change/")
    press_until(page, "Tab", "button[value=reset]", limit=60)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Remove all phones of these people?")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("zoe.*Phone of zoe.*Wrong numbers.*12"))).to_be_visible()
    with traffic.stopped():
        assert users["zoe"].pairings.enabled().exists()
    press_until(page, "Tab", "button[value=reset]", limit=60)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Phones removed: zoe")).to_be_visible()
    with traffic.stopped():
        assert not users["zoe"].pairings.enabled().exists()
        assert LogEntry.objects.count() == 1


def test_S44_turning_back_does_nothing(page, users):
    choose_all(page, "disable")
    expect(page.get_by_text("Users of this very site")).to_be_visible()
    expect(page.get_by_role("region", name="People").get_by_role("row")).to_have_count(4)
    page.get_by_role("link", name="No, do nothing").click()
    page.wait_for_url(f"**{USERS}")
    with traffic.stopped():
        assert not User.objects.filter(toopher_authentication_enabled=False).exists()
        assert not LogEntry.objects.exists()


def test_a_long_name_leaves_room_for_the_state_of_the_pairing(page):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/admin/toopher_service/pairing/")
    row = page.get_by_role("row", name=re.compile("hohenstein-waldburg"))
    state = row.locator(".field-state_now").bounding_box()
    assert state["x"] + state["width"] <= 320


def test_the_pages_fit_their_screen_and_axe_finds_nothing(page, users, watch):
    watch.allow("Applying inline style")  # axe's own, where the admin has a form

    def confirmation():
        choose_all(page, "lift")

    ways = {
        "confirmation": confirmation,
        "user": lambda: page.goto(f"{USERS}{users['zoe'].pk}/change/"),
        "own": lambda: page.goto(f"{USERS}{users['own'].pk}/change/"),
    }
    for name, way in ways.items():
        page.set_viewport_size({"width": 1280, "height": 800})
        way()
        page.wait_for_load_state()
        assert faults_of(page, looks=("light",)) == [], name
        assert overhang(page) == {}, name
