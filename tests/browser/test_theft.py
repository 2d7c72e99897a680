"""Attackers in a browser: a stolen address, a hostile page around or beside ours, another session (SECURITY.md)."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from django_toopher.models import Attempt
from django_toopher.service.models import Automation
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


def test_S31_a_stolen_iframe_address_is_shown_nowhere_else(computer, paired_phone, thief, foreign_site, watch):
    """Not in a tab, not in a foreign page, where the site's own pages are not shown either, and not a second time."""
    watch.expect(
        "403 GET /toopher/v1/web/authenticate",
        REFUSED_ANCESTOR,
        "net::ERR_BLOCKED_BY_RESPONSE GET .*/toopher/v1/web/authenticate",
        "console: Refused to display .*X-Frame-Options",
        "net::ERR_BLOCKED_BY_RESPONSE GET .*/login/",
    )
    computer.give_password()
    number = computer.number()
    thief.open(computer.iframe_url)
    expect(thief.page.locator("#error")).to_have_text("This page works only inside the site that asks you to sign in.")
    assert thief.page.locator("#number, #qr, [data-ticket]").count() == 0
    port = urlsplit(thief.context.request.get("/").url).port
    empty = foreign_site.page
    for address in (computer.iframe_url.replace("&", "&amp;"), f"http://localhost:{port}/accounts/login/"):
        foreign_site.page = f'{empty}<iframe src="{address}"></iframe>'
        with thief.page.expect_event("requestfailed"):
            thief.open(foreign_site.url)
    page = thief.context.request.get(computer.iframe_url).text()
    ticket = {"ticket": attribute(page, "data-ticket"), "binder": "f" * 32}
    reply = thief.context.request.post("/toopher/v1/web/frame/open", form=ticket)
    assert reply.status == 409
    assert reply.json()["error_message"].startswith("This page was opened somewhere else already.")
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


@pytest.fixture
def stolen_postback(computer, known_phone):
    """What Alice's iframe handed to her page after the yes on her phone, caught before it reached the site."""
    computer.page.route("**/accounts/postback/", lambda route: route.abort("aborted"))
    computer.give_password()
    with computer.page.expect_request("**/accounts/postback/") as caught:
        known_phone.approve(computer.number())
    return dict(parse_qsl(caught.value.post_data, keep_blank_values=True))


def hand_in(computer, postback):
    """Post it with the session, and the CSRF token, of this computer."""
    token = next(cookie["value"] for cookie in computer.context.cookies() if cookie["name"] == "csrftoken")
    return computer.context.request.post("/accounts/postback/", form={**postback, "csrfmiddlewaretoken": token})


def test_S03_S04_a_stolen_postback_logs_in_where_it_belongs_only_and_once(stolen_postback, computer, thief):
    """Nobody elsewhere, and it completes no other login, of Alice neither: her password is known to the thief."""
    thief.open("/accounts/login/")
    assert hand_in(thief, stolen_postback).status == 403
    thief.is_anonymous()
    for username in ("mallory", "alice"):
        thief.give_password(username)
        thief.arrives_at("/accounts/authenticate/")
        assert hand_in(thief, stolen_postback).status == 403
        thief.is_anonymous()
    assert hand_in(computer, stolen_postback).status == 200
    computer.open("/members/")
    computer.is_welcomed_as("alice")
    assert hand_in(computer, stolen_postback).status == 403


def test_S01_a_forged_message_from_the_page_that_opened_ours_is_ignored(
    computer, paired_phone, foreign_site, live_server, listening
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


def test_S01_a_forged_message_from_a_frame_beside_the_iframe_is_ignored(
    computer, paired_phone, foreign_site, listening
):
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


def test_S01_a_forged_message_from_a_foreign_page_in_the_iframe_is_ignored(
    computer, paired_phone, foreign_site, listening
):
    foreign_site.page += POST_TO_PARENT
    computer.give_password()
    computer.shows("waiting")
    with listening(computer.page, foreign_site) as made:
        computer.page.evaluate("url => { toopher_iframe.contentWindow.location = url }", foreign_site.url)
    computer.is_anonymous()
    assert made == []
    assert_nothing_granted()


POST_TO_PARENT = f"<script>parent.postMessage({json.dumps(FORGED)}, '*')</script>"


@pytest.fixture
def listening():
    """Wait, at the end, until the page and all its listeners have got a message of ``site``; the postbacks since."""
    with ExitStack() as stack:

        @contextmanager
        def act(page, site):
            made = []

            def note(request):
                if request.url.endswith("/postback/"):
                    made.append(request)

            page.on("request", note)
            stack.callback(page.remove_listener, "request", note)
            page.evaluate(
                "addEventListener('message', ({ origin }) => setTimeout(() => console.log(`heard ${origin}/`)))"
            )
            with page.expect_console_message(lambda message: message.text == f"heard {site.url}"):
                yield made

        yield act


def assert_nothing_granted():
    with traffic.stopped():
        assert set(Attempt.objects.values_list("outcome", flat=True)) <= {"pending"}


def test_S46_ids_that_a_thief_has_planted_let_no_thief_in(computer, paired_phone, thief, watch):
    """Not the one that the thief's own page has shown, and none that is made up; her own lets her in."""
    watch.expect("403 POST /accounts/postback/")
    thief.give_password()
    shown = dict(parse_qsl(urlsplit(thief.iframe_url).query))["requester_specified_terminal_id"]
    paired_phone.is_asked()
    thief.cancel()
    paired_phone.is_overtaken()
    made_up = "x" * 43
    planted = {"toopher_terminal": f"{shown}~.{made_up}~", "toopher_asked": shown}
    cookies = [{"name": name, "value": value, "domain": "localhost", "path": "/"} for name, value in planted.items()]
    computer.context.add_cookies(cookies)
    computer.give_password()
    paired_phone.is_asked()
    paired_phone.page.locator("#automate summary").click()
    paired_phone.page.select_option("#automate-for", "86400")
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    kept = {cookie["name"]: cookie["value"] for cookie in computer.context.cookies()}
    with traffic.stopped():
        assert kept["toopher_terminal"].startswith(Automation.objects.get().terminal.extra)
    thief.context.add_cookies(cookies)
    thief.give_password()
    thief.shows("waiting")
    thief.is_anonymous()
    paired_phone.deny()
    computer.context.clear_cookies(name="sessionid")
    computer.give_password()
    computer.is_welcomed_as("alice")
