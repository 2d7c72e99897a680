"""The promises of the requester's side, S01 to S18, each for every way in that it concerns, under WSGI and ASGI.

Beside these stand the tests of each part, which know more of how it could be attacked.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from http.cookies import SimpleCookie
from importlib import import_module
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import transaction
from django.urls import URLPattern, reverse

from django_toopher import embedded, runs, support, urls
from django_toopher.client import sign_postback
from django_toopher.connection import api
from django_toopher.models import Attempt, RecoveryCode, SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import Pairing, Terminal
from django_toopher.session import PENDING_LOGIN, PENDING_PAIRING
from tests.drivers import attribute

from .acts import (
    ACCOUNT,
    ACCOUNT_POSTBACK,
    AUTHENTICATE,
    LOGIN,
    POSTBACK,
    Statements,
    approval,
    logged_in,
    outcomes,
    pair,
    pairing,
    reason_of,
    signed,
)
from .rest_urls import DONE
from .step_up_urls import SEEN
from .ways import FORM, HELD, PATH, RECOVER, STEP_UP, STEP_UPS, WAYS, by_recovery_code, confirmed_form, confirmed_page

COMPUTER = "/accounts/phones/computer/"
PHONES = "/accounts/phones/change/"
ACCOUNTS = "/admin/django_toopher/toopheraccount/"
ATTEMPTS = "/admin/django_toopher/attempt/"
RUNS = "/admin/django_toopher/supportrun/"
EVIL = "https://evil.example/"

LEADS_AWAY = [EVIL, "//evil.example/", "/\\evil.example/", "javascript:alert(1)"]
EMBEDS = ["iframe", "redirect", "native"]

pytestmark = [
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


def name_of(way) -> str:
    """How ``WAYS`` calls it."""
    return next(name for name, each in WAYS.items() if each is way)


every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
every_step_up = pytest.mark.parametrize("way", STEP_UPS.values(), ids=STEP_UPS)


@pytest.fixture(autouse=True)
def carried_out():
    """What confirmed views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return lambda: len(SEEN) + len(DONE)


@pytest.fixture
def bob(make_user, make_phone, make_computer):
    """Somebody else with a phone."""
    user = make_user("bob")
    user.phone = make_phone("Bob's")
    pair(make_computer(), user.phone, "bob")
    return user


@pytest.fixture
def alices(account, browser, phone):
    """Alice's browser, logged in with password and phone."""
    browser.log_in(phone)
    return browser


def kept(browser) -> dict:
    """What the browser's session holds."""
    return dict(browser.client.session.items())


def restored(make_browser, session):
    """A browser with a session of this content, as somebody who stole it would make one."""
    store = import_module(django_settings.SESSION_ENGINE).SessionStore()
    store.update(session)
    store.save()
    browser = make_browser()
    browser.client.cookies[django_settings.SESSION_COOKIE_NAME] = store.session_key
    return browser


@pytest.fixture(autouse=True)
def polls_without_end(settings):
    """One question is looked at in many ways. Its polls are counted in the cache, where nothing is ``undone``."""
    settings.TOOPHER_SERVICE_POLL_LIMIT = 100_000


@contextmanager
def undone(browser):
    """What is done within is taken back: the same approval can be tried in several ways."""
    cookies = SimpleCookie(browser.client.cookies.output(header="", sep=";"))
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    browser.client.cookies = cookies


# S01, S02: what the service did not sign


def _now(seconds: int = 0) -> str:
    return str(int(time.time()) + seconds)


FORGERIES = {
    "nothing": lambda fields: {},
    "unsigned": lambda fields: {name: value for name, value in fields.items() if name != "toopher_sig"},
    "an unsigned 704": lambda fields: {"error_code": "704", "error_message": "x", "timestamp": _now()},
    "a forged 704": lambda fields: signed({"error_code": "704", "timestamp": _now()}, "foreign"),
    "altered": lambda fields: {**fields, "terminal_name": "Another"},
    "a field twice": lambda fields: {**fields, "timestamp": [fields["timestamp"], _now(1)]},
    "foreign": lambda fields: signed(fields, "foreign"),
    "expired": lambda fields: signed(fields, timestamp=_now(-101)),
    "future-dated": lambda fields: signed(fields, timestamp=_now(90)),
    "without its token": lambda fields: signed(fields, session_token=None),
    "with a blank token": lambda fields: signed(fields, session_token=""),
    "with another token": lambda fields: signed(fields, session_token="a" * 43),
}


def _login(browser, phone):
    return approval(browser, phone), POSTBACK, {}


def _change_of_phones(browser, phone):
    browser.log_in(phone)
    return pairing(browser, phone), ACCOUNT_POSTBACK, {}


def _form(browser, phone):
    browser.log_in(phone)
    path, fields = confirmed_form(browser, phone)
    return fields, path, {HELD: fields.pop(HELD)}


def _confirmed(browser, phone):
    browser.log_in(phone)
    path, fields = confirmed_page(browser, phone)
    return fields, path, {HELD: fields.pop(HELD)}


POSTBACKS = {"login": _login, "phones": _change_of_phones, "form": _form, "page": _confirmed}


@pytest.mark.parametrize("ask", POSTBACKS.values(), ids=POSTBACKS)
def test_S01_S02_S03_what_the_service_did_not_sign_for_this_is_refused(
    ask, account, browser, phone, caplog, carried_out
):
    caplog.set_level(logging.DEBUG)
    fields, path, beside = ask(browser, phone)
    who, phones, secret = logged_in(), Pairing.objects.count(), embedded.consumer_secrets()[0]
    for name, forge in FORGERIES.items():
        forged = forge(fields)
        response = browser.post(path, {**forged, **beside})
        if beside and not forged:  # asks only whether it was confirmed meanwhile
            assert response.status_code == 200
        else:
            assert response.status_code == 403, name
            assert reason_of(response) == "invalid_postback", name
        told = response.content.decode() + str(response.headers) + caplog.text
        posted = {key: value[-1] if isinstance(value, list) else value for key, value in forged.items()}
        assert sign_postback(posted, secret) not in told
        assert secret not in told
        assert (logged_in(), carried_out(), Pairing.objects.count()) == (who, 0, phones)
    assert browser.post(path, {**fields, **beside}).status_code == 302  # nothing of this has spoilt the genuine one


# S03, S04, S06 to S10, S18: logging in


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


CHANGES = {
    "deactivated": lambda user: type(user).objects.update(is_active=False),
    "another password": lambda user: type(user).objects.update(password="x"),
    "renamed": lambda user: type(user).objects.update(username="alicia"),
    "disabled": lambda user: support.disable(user.toopher_account, api()),
    "reset": lambda user: user.toopher_account.change(),
}


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


# S05: one kind is not taken as another


def test_S05_one_kind_is_not_taken_as_another(account, make_browser, phone, carried_out, settings):
    login, phones, confirm = make_browser(), make_browser(), make_browser()
    _path, approved = WAYS["iframe"](login, phone, settings)
    phones.log_in(phone)
    change = pairing(phones, phone)
    generation = ToopherAccount.objects.get().generation
    confirmed, _path, beside = _form(confirm, phone)
    for fields in (approved, change, confirmed):
        for browser, path, genuine, more in (
            (login, POSTBACK, approved, {}),
            (phones, ACCOUNT_POSTBACK, change, {}),
            (confirm, PATH, confirmed, beside),
            (confirm, STEP_UP, confirmed, beside),
        ):
            if fields is not genuine:
                for sent in (fields, signed(fields, session_token=genuine["session_token"])):
                    assert browser.post(path, {**sent, **more}).status_code == 403
    assert not login.is_logged_in()
    assert (carried_out(), ToopherAccount.objects.get().generation) == (0, generation)


@pytest.mark.parametrize("embed", EMBEDS)
def test_S05_an_attempt_is_completed_as_its_own_kind_only(embed, account, make_browser, phone, settings):
    settings.TOOPHER_EMBED = embed
    browser = make_browser()
    browser.password()
    pending = kept(browser)[PENDING_LOGIN]
    Attempt.objects.update(kind="pairing")
    browser.get(AUTHENTICATE)
    assert browser.get(AUTHENTICATE)["Location"] == LOGIN
    Attempt.objects.update(kind="login")
    other = restored(make_browser, {PENDING_PAIRING: pending})
    for path in (ACCOUNT_POSTBACK, PHONES, POSTBACK, AUTHENTICATE, RECOVER):
        assert other.post(path).status_code in {302, 403, 405}
    assert not other.is_logged_in()


# S12: names


NAMES = ["Alice", "alice ", " alice", "ａlice", "alice|", "alice&user_name=alice", "alice\n", "%61lice", "alice\u200b"]


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


# S13: confirming


@every_step_up
def test_S13_S17_nobody_else_carries_it_out(way, alices, bob, make_browser, phone, settings, carried_out):
    carry_out = way(alices, phone, settings)
    bobs, again, stranger = make_browser(), make_browser(), make_browser()
    settings.TOOPHER_EMBED = "iframe"
    enabled = ToopherAccount.objects.get(user__username="alice").enabled
    ToopherAccount.objects.update(enabled=True)
    bobs.log_in(bob.phone, "bob")
    again.log_in(phone)
    ToopherAccount.objects.filter(user__username="alice").update(enabled=enabled)
    way_is_a_token = way is STEP_UPS["REST"]  # which is the permission, whatever the browser
    for thief in (bobs, again, stranger) if not way_is_a_token else ():
        carry_out(thief)
        assert carried_out() == 0
    carry_out()
    assert carried_out() == 1


@every_step_up
def test_S04_S07_S13_it_is_carried_out_once_as_it_was_and_for_who_asked(
    way, alices, alice, phone, settings, carried_out
):
    carry_out = way(alices, phone, settings)
    for name, change in CHANGES.items():
        if (way, name) in {(STEP_UPS["password"], "disabled"), (STEP_UPS["REST"], "renamed")}:
            continue  # is what makes this way; is whom the token names
        with undone(alices):
            change(type(alice).objects.get())
            carry_out()
            assert carried_out() == 0, name
    for path in ("/transfer/large/", "/transfer/?to=eve", "/protected-inside/", "/form/"):
        with undone(alices):
            carry_out(path=path)
            assert carried_out() == 0, path
    assert carry_out().status_code in {200, 302}
    assert carried_out() == 1
    carry_out()
    assert carried_out() == 1


def test_S15_nothing_is_confirmed_while_the_service_is_down(alices, request, settings, carried_out):
    elsewhere = request.getfixturevalue("elsewhere")
    for embed in ("iframe", "native"):
        settings.TOOPHER_EMBED = embed
        for headers in ({}, {"Accept": "application/json"}):
            elsewhere.will_answer(b"<h1>Server Error</h1>", 500)
            assert alices.post(PATH, FORM, headers=headers).status_code == 503
    assert carried_out() == 0


# S15: logging in while the service is down


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


# S14: robots


def _own_pages() -> list[str]:
    """Every address of the URLconf."""
    patterns = [each for each in urls.urlpatterns if isinstance(each, URLPattern)]
    assert len(patterns) == len(urls.urlpatterns)
    tickets = {"ticket": "x"}
    return [
        reverse(f"django_toopher:{each.name}", kwargs=tickets if each.pattern.converters else None) for each in patterns
    ]


@pytest.mark.parametrize("embed", EMBEDS)
def test_S14_whatever_a_robot_reads_writes_and_asks_nothing(embed, db, browser, settings):
    settings.TOOPHER_EMBED = embed
    assert LOGIN in _own_pages()
    assert RECOVER in _own_pages()
    for path in [*_own_pages(), "/members/", PATH, "/admin/", "/"]:
        for method in (browser.client.get, browser.client.head, browser.client.options):
            with Statements() as statements:
                response = method(path, secure=True)
            assert response.status_code in {200, 302, 403, 404, 405}, path
            assert not statements.queries + statements.controls, path
            assert django_settings.SESSION_COOKIE_NAME not in response.cookies, path
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()


def test_S14_whatever_a_robot_posts_writes_nothing(db, browser):
    for path in [*_own_pages(), "/members/", PATH]:
        with Statements() as statements:
            browser.post(path, FORM)
        assert not [query for query in statements.queries if not query.startswith("SELECT")], path
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()


# S16: support


def _helper(make_user, browser, *permissions):
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser.client.force_login(helper)
    return browser


@pytest.mark.parametrize("verb", support.VERBS)
def test_S16_without_its_permission_nothing_is_done(verb, account, make_user, browser):
    others = [each.permission for name, each in support.VERBS.items() if name != verb]
    helper = _helper(make_user, browser, "view_toopheraccount", "view_supportrun", "change_supportrun", *others)
    run = runs.begin(support.VERBS[verb], [account])
    before = ToopherAccount.objects.values().get(), SupportItem.objects.values().get(), Pairing.objects.values().get()
    helper.post(ACCOUNTS, {"action": f"toopher_{verb}", "_selected_action": [account.pk]})
    assert helper.post(f"{ACCOUNTS}{account.pk}/support/", {"verb": verb}).status_code == 403
    for press in ("confirm", "step", "retry", "discard"):
        assert helper.post(f"{RUNS}{run.pk}/change/", {"press": press}).status_code in {403, 404}
    assert helper.get(f"{ATTEMPTS}export/").status_code == 403
    after = ToopherAccount.objects.values().get(), SupportItem.objects.values().get(), Pairing.objects.values().get()
    assert after == before
    assert SupportRun.objects.count() == 1


def test_S16_with_it_the_action_is_done_and_logged(account, make_user, browser, caplog):
    caplog.set_level(logging.INFO)
    helper = _helper(make_user, browser, "view_toopheraccount", "disable_account")
    page = helper.post(ACCOUNTS, {"action": "toopher_disable", "_selected_action": [account.pk]})["Location"]
    for press in ("confirm", "step"):
        helper.post(page.partition("#")[0], {"press": press})
    assert not ToopherAccount.objects.get().enabled
    assert SupportRun.objects.get().by_name == "helper"
    assert [item.outcome for item in SupportItem.objects.all()] == ["done"]


# S17: what belongs to another


def test_S17_no_id_of_another_reads_or_changes_anything(account, bob, make_browser, phone, settings, carried_out):
    alices, bobs, half = make_browser(), make_browser(), make_browser()
    alices.log_in(phone)
    bobs.log_in(bob.phone, "bob")
    change = pairing(alices, phone)
    _path, confirmed = confirmed_form(alices, phone)
    login = approval(half, phone)
    ticket = reverse(
        "django_toopher:step-up",
        args=[Attempt.objects.filter(kind="step_up").latest("created").pk.hex + "." + "x" * 43],
    )
    of_login = ticket.replace(
        Attempt.objects.filter(kind="step_up").latest("created").pk.hex,
        Attempt.objects.filter(kind="login", outcome="pending").get().pk.hex,
    )
    run = runs.begin(support.VERBS["disable"], [account])
    computer = Terminal.objects.filter(user__name="alice").first()
    device = Pairing.objects.filter(user__name="alice").first()
    before = _everything()
    for path, fields in (
        (COMPUTER, {"computer": str(computer.pk), "name": "Mine"}),
        (COMPUTER, {"computer": str(computer.pk), "forget": "1"}),
        (ACCOUNT_POSTBACK, change),
        (POSTBACK, login),
        (PATH, confirmed),
        (STEP_UP, confirmed),
        (ticket, {"toopher_password": "password"}),
        (f"{ticket}status/", {"password": "password"}),
        (f"{ticket}cancel/", {}),
        (f"{of_login}cancel/", {}),
        (f"{RUNS}{run.pk}/change/", {"press": "confirm"}),
        (f"{ACCOUNTS}{account.pk}/support/", {"verb": "disable"}),
    ):
        response = bobs.post(path, fields)
        assert response.status_code in {302, 403, 404}, path
        assert (_everything(), carried_out()) == (before, 0), path
    for path in (
        ticket,
        f"{ticket}status/",
        f"{of_login}status/",
        "/accounts/authenticate/state/",
        "/accounts/authenticate/qr/",
        f"{RUNS}{run.pk}/change/",
        f"{ACCOUNTS}{account.pk}/change/",
        f"{ATTEMPTS}{Attempt.objects.filter(username='alice').first().pk}/change/",
        f"{ATTEMPTS}export/",
    ):
        assert bobs.get(path).status_code in {302, 403, 404}, path
    settings.TOOPHER_EMBED = "native"
    bobs.post(PHONES, {"step": "remove", "phone": str(device.pk)})
    assert "alice" not in bobs.get(ACCOUNT).content.decode()
    assert _everything() == before


def _everything() -> list:
    """What alice has: attempts, account, phone, computers, runs."""
    return [
        [*Attempt.objects.filter(username="alice").order_by("created").values("pk", "outcome", "reason", "spent")],
        [*ToopherAccount.objects.filter(user__username="alice").values()],
        [*Pairing.objects.filter(user__name="alice").values("pk", "state")],
        [*Terminal.objects.filter(user__name="alice").values("pk", "name", "extra")],
        [*SupportRun.objects.values()],
    ]
