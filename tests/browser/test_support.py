"""Support at work in the admin: choosing people, confirming, progress, a closed tab, no scripts, a keyboard."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from django_toopher.models import SupportItem, SupportRun, ToopherAccount
from django_toopher.support import runs

from .traffic import traffic

ACCOUNTS = "/admin/django_toopher/toopheraccount/"
RUNS = "/admin/django_toopher/supportrun/"
PEOPLE = 12


@pytest.fixture
def crowd(transactional_db):
    """Twelve people without a phone."""
    for number in range(PEOPLE):
        user = get_user_model().objects.create_user(f"person{number:02}")
        ToopherAccount.objects.create(user=user, name=user.username)


@pytest.fixture
def slow(monkeypatch):
    """One person in each step."""
    monkeypatch.setattr(runs, "STEP", 0.0)


@pytest.fixture
def make_desk(make_user, make_computer):
    """Makes browsers in which somebody from support is logged in; their page."""

    def make(**options):
        if not get_user_model().objects.filter(username="staff").exists():
            make_user("staff", is_staff=True, is_superuser=True)
        computer = make_computer(**options)
        computer.is_logged_in_as("staff")
        return computer.page

    return make


def choose_all(page, action: str) -> None:
    page.goto(ACCOUNTS)
    page.locator("#action-toggle").check()
    while (box := page.locator("[name=_selected_action]:not(:checked)").first).count():  # without scripts
        box.check()
    page.locator("select[name=action]").select_option(f"toopher_{action}")
    page.get_by_role("button", name=re.compile("Go|Run")).click()


def outcomes() -> set[str]:
    with traffic.stopped():
        return {*SupportItem.objects.values_list("outcome", flat=True)}


def test_many_people_are_switched_off_and_each_is_told(crowd, slow, make_desk):
    page = make_desk()
    choose_all(page, "disable")
    expect(page.get_by_role("heading", name="Switch the second factor of these people off?")).to_be_visible()
    for number in range(PEOPLE):
        expect(page.get_by_role("link", name=f"person{number:02}")).to_be_visible()
    assert outcomes() == {"pending"}
    page.get_by_role("button", name="Yes, I’m sure").click()
    expect(page.get_by_role("status")).to_have_text(f"Finished: {PEOPLE} done, 0 skipped, 0 failed")
    expect(page.locator("tr[data-outcome=done]")).to_have_count(PEOPLE)
    expect(page.get_by_label("Progress")).to_have_attribute("value", str(PEOPLE))
    expect(page.get_by_role("button", name="Carry on")).to_have_count(0)


def test_turning_back_does_nothing(crowd, make_desk):
    page = make_desk()
    choose_all(page, "reset")
    page.get_by_role("button", name="No, do nothing").click()
    expect(page.get_by_text("0 support runs")).to_be_visible()
    with traffic.stopped():
        assert not SupportRun.objects.exists()


def test_the_pages_fit_their_screen(crowd, make_desk):
    page = make_desk()
    choose_all(page, "disable")
    page.wait_for_url("**/change/#go")
    with traffic.stopped():
        account = ToopherAccount.objects.first()
    for path in (page.url, f"{ACCOUNTS}{account.pk}/change/"):
        for size in ({"width": 320, "height": 640}, {"width": 1280, "height": 800}):
            page.set_viewport_size(size)
            page.goto(path)
            assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, (path, size)


def test_a_closed_tab_is_carried_on_later(crowd, slow, make_desk):
    page = make_desk()
    choose_all(page, "enable")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Carry on")).to_be_visible()
    context, done = page.context, page.get_by_role("status").inner_text()
    page.close()
    again = context.new_page()
    again.goto(RUNS)
    again.get_by_role("link", name=re.compile("Nov|[0-9]{4}")).first.click()
    expect(again.get_by_role("status")).to_have_text(re.compile(f"of {PEOPLE}$"))
    assert "pending" in outcomes(), done
    again.get_by_role("button", name="Carry on").press("Enter")
    expect(again.locator("tr[data-outcome=skipped]")).to_have_count(PEOPLE)


def test_S16_neither_a_look_at_a_run_nor_a_link_makes_anybody_carry_on_what_somebody_else_began(
    crowd, slow, make_desk, make_user
):
    page = make_desk()
    with traffic.stopped():
        run = runs.create(runs.VERBS["enable"], ToopherAccount.objects.all())
    page.goto(f"{RUNS}{run.pk}/change/")
    expect(page.get_by_role("button", name="Carry on")).to_be_visible()
    page.reload()
    assert outcomes() == {"pending"}
    with traffic.stopped():
        run = runs.create(runs.VERBS["enable"], ToopherAccount.objects.all(), make_user("helper", is_staff=True))
    page.goto(f"{RUNS}{run.pk}/change/#go")
    page.wait_for_load_state("load")
    expect(page.get_by_role("button", name="Carry on")).to_be_visible()
    assert outcomes() == {"pending"}


def test_two_tabs_share_the_work(crowd, slow, make_desk):
    page = make_desk()
    with traffic.stopped():
        run = runs.create(
            runs.VERBS["enable"], ToopherAccount.objects.all(), get_user_model().objects.get(username="staff")
        )
    other = page.context.new_page()
    for each in (page, other):
        each.goto(f"{RUNS}{run.pk}/change/#go")
    for each in (page, other):
        expect(each.locator("tr[data-outcome=skipped]")).to_have_count(PEOPLE)
    with traffic.stopped():
        assert not SupportItem.objects.filter(outcome="pending").exists()


def test_without_scripts_a_button_does_each_step(crowd, slow, make_desk):
    page = make_desk(java_script_enabled=False)
    choose_all(page, "enable")
    for _ in range(PEOPLE):
        page.get_by_role("button", name="Carry on").click()
    expect(page.locator("tr[data-outcome=skipped]")).to_have_count(PEOPLE)


def test_a_session_that_ended_stops_the_page_and_loses_nothing(crowd, slow, make_desk, watch):
    watch.expect("/change/")
    page = make_desk()
    choose_all(page, "enable")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Carry on")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Carry on").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("^Stopped"))
    assert "pending" in outcomes()
