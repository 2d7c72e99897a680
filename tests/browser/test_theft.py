"""Attackers in a browser: a stolen address, a hostile page around or beside ours, another session (SECURITY.md)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from django_toopher.models import Attempt
from tests.drivers import attribute

from .people import Computer
from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")

FORGED = json.dumps({"status": "toopher-api-complete", "payload": {"granted": "true", "toopher_sig": "forged"}})

REFUSED_ANCESTOR = "console: (Refused to frame|Framing) 'http://localhost:.*frame-ancestors"


@pytest.fixture
def thief(make_user, make_computer):
    """Somebody else, with an account of their own and another browser."""
    make_user("mallory")
    return make_computer()


def test_S31_a_stolen_iframe_address_shows_nothing_in_a_tab(computer, paired_phone, thief, watch):
    watch.expect("403 GET /toopher/v1/web/authenticate")
    computer.give_password()
    number = computer.number()
    thief.open(computer.iframe_url)
    expect(thief.page.locator("#error")).to_have_text("This page works only inside the site that asks you to sign in.")
    assert thief.page.locator("#number, #qr, [data-ticket]").count() == 0
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


def test_S31_a_stolen_iframe_address_is_not_shown_in_a_foreign_page(computer, paired_phone, thief, foreign_site, watch):
    watch.expect(REFUSED_ANCESTOR, "net::ERR_BLOCKED_BY_RESPONSE GET .*/toopher/v1/web/authenticate")
    computer.give_password()
    foreign_site.page += f'<iframe src="{computer.iframe_url.replace("&", "&amp;")}"></iframe>'
    computer.shows("waiting")
    with thief.page.expect_event("requestfailed"):
        thief.open(foreign_site.url)


def test_S31_the_sites_own_pages_are_not_shown_in_a_foreign_page(thief, foreign_site, watch):
    watch.expect("console: Refused to display .*X-Frame-Options", "net::ERR_BLOCKED_BY_RESPONSE GET .*/login/")
    foreign_site.page += '<iframe src="http://localhost:{port}/accounts/login/"></iframe>'.format(
        port=urlsplit(thief.context.request.get("/").url).port
    )
    with thief.page.expect_event("requestfailed"):
        thief.open(foreign_site.url)


def test_S31_who_opens_a_stolen_iframe_address_second_is_told_so(computer, paired_phone, thief):
    computer.give_password()
    number = computer.number()
    page = thief.context.request.get(computer.iframe_url).text()
    ticket = {"ticket": attribute(page, "data-ticket"), "binder": "f" * 32}
    reply = thief.context.request.post("/toopher/v1/web/frame/open", form=ticket)
    assert reply.status == 409
    assert reply.json()["error_message"].startswith("This page was opened somewhere else already.")
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


@pytest.fixture
def stolen_postback(computer, paired_phone):
    """What Alice's iframe handed to her page after the yes on her phone, caught before it reached the site."""
    computer.page.route("**/accounts/postback/", lambda route: route.abort("aborted"))
    computer.give_password()
    with computer.page.expect_request("**/accounts/postback/") as caught:
        paired_phone.approve(computer.number())
    return dict(parse_qsl(caught.value.post_data, keep_blank_values=True))


def hand_in(computer, postback):
    """Post it with the session, and the CSRF token, of this computer."""
    token = next(cookie["value"] for cookie in computer.context.cookies() if cookie["name"] == "csrftoken")
    return computer.context.request.post("/accounts/postback/", form={**postback, "csrfmiddlewaretoken": token})


def test_S03_a_stolen_postback_logs_nobody_in_elsewhere(stolen_postback, thief):
    thief.open("/accounts/login/")
    assert hand_in(thief, stolen_postback).status == 403
    thief.is_anonymous()


@pytest.mark.parametrize("username", ["mallory", "alice"])
def test_S03_a_stolen_postback_completes_no_other_login(stolen_postback, thief, username):
    thief.give_password(username)  # of Alice too: that password is known to the thief
    thief.arrives_at("/accounts/authenticate/")
    assert hand_in(thief, stolen_postback).status == 403
    thief.is_anonymous()


def test_S04_a_postback_logs_in_where_it_belongs_and_once(stolen_postback, computer):
    assert hand_in(computer, stolen_postback).status == 200
    computer.open("/members/")
    computer.is_welcomed_as("alice")
    assert hand_in(computer, stolen_postback).status == 403


def test_S01_a_forged_message_from_the_page_that_opened_ours_is_ignored(
    computer, paired_phone, foreign_site, live_server
):
    computer.give_password()
    paired_phone.is_asked()
    attacker = computer.context.new_page()
    attacker.goto(foreign_site.url)
    with attacker.expect_popup() as opened:
        attacker.evaluate("url => { window.popup = open(url) }", f"{live_server.url}/accounts/authenticate/")
    victim = Computer(computer.context, opened.value)
    number = victim.number()
    with listening(victim.page, foreign_site) as made:
        attacker.evaluate("message => popup.postMessage(message, '*')", FORGED)
    assert made == []
    assert_nothing_granted()
    paired_phone.is_overtaken()
    paired_phone.approve(number)
    victim.is_welcomed_as("alice")
    assert len(made) == 1


def test_S01_a_forged_message_from_a_frame_beside_the_iframe_is_ignored(computer, paired_phone, foreign_site):
    foreign_site.page += POST_TO_PARENT
    computer.give_password()
    number = computer.number()
    with listening(computer.page, foreign_site) as made:
        computer.page.evaluate(
            "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))", foreign_site.url
        )
    assert made == []
    assert_nothing_granted()
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")
    assert len(made) == 1


def test_S01_a_forged_message_from_a_foreign_page_in_the_iframe_is_ignored(computer, paired_phone, foreign_site):
    foreign_site.page += POST_TO_PARENT
    computer.give_password()
    computer.shows("waiting")
    with listening(computer.page, foreign_site) as made:
        computer.page.evaluate("url => { toopher_iframe.contentWindow.location = url }", foreign_site.url)
    computer.is_anonymous()
    assert made == []
    assert_nothing_granted()


POST_TO_PARENT = f"<script>parent.postMessage({json.dumps(FORGED)}, '*')</script>"


@contextmanager
def listening(page, site):
    """Wait, at the end, until the page and all its listeners have got a message of ``site``; the postbacks since."""
    made = []
    page.on("request", lambda request: request.url.endswith("/postback/") and made.append(request))
    page.evaluate("addEventListener('message', ({ origin }) => setTimeout(() => console.log(`heard ${origin}/`)))")
    with page.expect_console_message(lambda message: message.text == f"heard {site.url}"):
        yield made


def assert_nothing_granted():
    with traffic.stopped():
        assert set(Attempt.objects.values_list("outcome", flat=True)) <= {"pending"}
