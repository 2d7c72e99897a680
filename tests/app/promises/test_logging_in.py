"""Logging in: whom it was asked for, once, and nobody else, whatever happens meanwhile."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY

from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.session.state import PENDING_LOGIN
from tests.app.acts import AUTHENTICATE, LOGIN, logged_in, outcomes, reason_of, undone
from tests.app.step_up_urls import SEEN
from tests.app.ways import FORM, PATH, WAYS, by_recovery_code
from tests.drivers import attribute

from .means import CHANGES, COMPUTER, EMBEDS, PAGES, PHONES, every_way, kept, name_of, restored

pytestmark = PAGES

EVIL = "https://evil.example/"
LEADS_AWAY = [EVIL, "//evil.example/", "/\\evil.example/", "javascript:alert(1)"]
NAMES = ["Alice", "alice ", " alice", "ａlice", "alice|", "alice&user_name=alice", "alice\n", "%61lice", "alice\u200b"]


@every_way
def test_S03_S04_S09_S18_it_logs_in_once_whom_it_was_asked_for(
    way, account, browser, make_browser, phone, settings, caplog
):
    caplog.set_level(logging.DEBUG)
    path, fields = way(browser, phone, settings)
    session, key, before = kept(browser), browser.client.session.session_key, logged_in()
    stranger = make_browser()
    response = stranger.post(path, fields)
    assert response.status_code in {302, 403}
    assert response.get("Location", LOGIN) == LOGIN
    assert not stranger.is_logged_in()
    assert logged_in() == before
    assert browser.post(path, fields).status_code == 302
    assert browser.is_logged_in()
    assert browser.client.session.session_key != key
    copied, stale = restored(make_browser, session), make_browser()
    stale.client.cookies[django_settings.SESSION_COOKIE_NAME] = key
    for thief in (copied, stale):
        thief.post(path, fields)
        assert not thief.is_logged_in()
    attempts = Attempt.objects.filter(kind="login", outcome="granted")
    how = {"code": "code", "recovery": "recovery"}
    assert [attempt.method for attempt in attempts] == [how.get(name_of(way), "phone")]
    written = str([*Attempt.objects.values()]) + str([*ToopherAccount.objects.values()]) + caplog.text
    written += "".join(str(record.__dict__) for record in caplog.records if "toopher" in record.name)
    secrets = [session[PENDING_LOGIN]["token"], fields.get("toopher_sig"), fields.get("code"), account.user.password]
    assert not [secret for secret in secrets if secret and secret in written]


@every_way
def test_S06_it_logs_nobody_else_in(way, account, bob, browser, make_browser, phone, settings):
    path, fields = way(browser, phone, settings)
    bobs = make_browser()
    bobs.password("bob")
    bobs.get(AUTHENTICATE)
    response = bobs.post(path, fields)
    assert response.status_code in {200, 403}
    assert not bobs.is_logged_in()
    assert "bob" not in Attempt.objects.filter(outcome="granted", kind="login").values_list("username", flat=True)
    mixed = restored(make_browser, {**kept(bobs), PENDING_LOGIN: {**kept(browser)[PENDING_LOGIN], "token": "x" * 43}})
    mixed.post(path, fields)
    assert not mixed.is_logged_in()


@every_way
def test_S07_S10_who_was_changed_is_refused_and_nobody_led_away(way, account, browser, alice, phone, settings):
    settings.ALLOWED_HOSTS = ["*"]
    path, fields = way(browser, phone, settings, next_url=EVIL)
    for name, change in CHANGES.items():
        with undone(browser):
            change(type(alice).objects.get())
            response = browser.post(path, fields)
            assert response.status_code in {302, 403, 503}, name
            assert response.get("Location", LOGIN) == LOGIN, name
            opted_out = (name, name_of(way)) == ("disabled", "middleware")  # with the password alone, as support said
            assert browser.is_logged_in() == opted_out, name
            assert not Attempt.objects.filter(kind="login", outcome="granted").exists(), name
    for target in LEADS_AWAY:
        with undone(browser):
            session = browser.client.session
            session[PENDING_LOGIN] = {**session[PENDING_LOGIN], "next_url": target}
            session.save()
            parts = urlsplit(browser.post(f"{path}?next={target}", fields)["Location"])
            assert (parts.scheme, parts.netloc) == ("", "")
            assert dict(parse_qsl(parts.query)).get("next", "/") == "/"


@every_way
def test_S08_S09_S11_before_the_last_request_nothing_is_open(way, account, make_browser, phone, settings):
    browser, thief = restored(make_browser, {"cart": "3"}), make_browser()
    planted = browser.client.cookies[django_settings.SESSION_COOKIE_NAME].value
    thief.client.cookies[django_settings.SESSION_COOKIE_NAME] = planted
    path, fields = way(browser, phone, settings, next_url="/books/")
    session = kept(browser)
    if way is not WAYS["middleware"]:
        assert SESSION_KEY not in session
    assert "password" not in str(session)
    assert account.user.password not in str(session)
    for page in ("/members/", PATH, "/books/", "/accounts/phones/lost/", "/admin/"):
        assert browser.get(page).status_code == 302
    for page in (PHONES, COMPUTER, "/accounts/phones/codes/", "/accounts/phones/lost/", PATH):
        assert browser.post(page, FORM).status_code in {302, 303, 403}
    assert not [*SEEN, *RecoveryCode.objects.exclude(used=None)]
    between = browser.client.session.session_key
    assert unquote(browser.post(path, fields)["Location"]).endswith("/books/")
    assert len({planted, between, browser.client.session.session_key}) == 3
    assert not thief.is_logged_in()


@pytest.mark.parametrize("embed", EMBEDS)
def test_S12_no_other_name_reaches_her_phone(embed, account, make_user, make_browser, phone, settings):
    settings.TOOPHER_EMBED, settings.TOOPHER_POLICY = embed, "required"
    for number, name in enumerate(NAMES):
        user = make_user(f"user{number}")
        ToopherAccount.objects.create(user=user, name=name)
        browser = make_browser()
        browser.password(user.username)
        page = browser.get(AUTHENTICATE)
        if embed == "iframe":
            assert browser.open_iframe().state["state"] == "pairing"
        elif embed == "native":
            assert attribute(page.content.decode(), "data-state") == "pairing"
        assert not phone.pending().requests
        browser.client.force_login(user)
        browser.client.get("/members/", secure=True)
        assert not phone.pending().requests


@pytest.mark.parametrize("embed", EMBEDS)
def test_S15_a_broken_service_logs_nobody_in(embed, alice, browser, elsewhere, settings):
    settings.TOOPHER_EMBED = embed
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    path, fields = by_recovery_code(browser, None, settings)
    for content, status in ((b"", 500), (b"<html>", 200), (b"[", 200), (b"{}", 302), (b"null", 200)):
        elsewhere.will_answer(content, status)
        response = browser.get(AUTHENTICATE)
        assert (response.status_code, reason_of(response)) == (503, "service_down"), (content, status)
        assert not browser.is_logged_in()
    assert browser.post(path, fields).status_code == 302  # the paper still works
    assert browser.is_logged_in()


@pytest.mark.parametrize("embed", EMBEDS)
def test_S15_fail_open_lets_in_unverified(embed, alice, browser, elsewhere, settings):
    settings.TOOPHER_EMBED, settings.TOOPHER_FAIL_OPEN = embed, True
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    browser.password(next_url="/members/")
    elsewhere.will_answer(b"", 500)
    assert browser.get(AUTHENTICATE)["Location"] == "/members/"
    assert browser.is_logged_in()
    assert outcomes() == [("let_in", "service_down")]
    assert Attempt.objects.get().method == "password"
