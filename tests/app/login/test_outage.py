"""Only the network or the service is an outage, and nothing that a request can bring about (SECURITY.md S42)."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import closing

import pytest
import requests
from django.core.exceptions import DisallowedHost
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from django_toopher import connection
from django_toopher.client import InvalidReplyError, RequestRefusedError, ServiceTimeoutError, ServiceUnavailableError
from django_toopher.login import outage
from django_toopher.models import ToopherAccount
from django_toopher.session.state import LET_IN
from tests.factories import paired, requester_of
from tests.tables import table

from ..acts import AUTHENTICATE, LOGIN, logged_in, outcomes, reason_of, undone

pytestmark = [
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]

EMBEDS = ["iframe", "redirect", "native"]
MODES = pytest.mark.parametrize("embed", EMBEDS)

IMPOSSIBLE = [
    ".example.org",
    "..example.org",
    "a..example.org",
    "..",
    f"{'x' * 64}.example.org",
    f"{'x.' * 150}example.org",
    "example.org:0",
    "example.org:00000",
    "example.org:65536",
    "example.org:9999999999",
    "[1:.]",
    "[:1:2:3:4:5:6:7:8:9]",
    "[::1",
    "[::1]x",
    "user@example.org",
    "user:pw@example.org",
    "ex\u00e4mple.org",
    "example.org:8_0",
    "example.org:",
    "example.org/x",
    "*.example.org",
    "example.org,example.org",
    "",
]
POSSIBLE = ["example.org", "example.org.", "a.example.org:8443", "[::1]", "[::1]:8000", "[::ffff:1.2.3.4]", "1.2.3.4"]


@pytest.fixture
def open_site(settings):
    """A site with ``TOOPHER_FAIL_OPEN``, whose embedded service is asked by the API."""
    settings.TOOPHER_FAIL_OPEN, settings.TOOPHER_EMBED = True, "native"
    return settings


@pytest.fixture
def unheard(make_user, make_phone):
    """Bob, whose phone was paired without this site hearing of it."""
    bob = make_user("bob")
    paired(requester_of(), "bob", make_phone())
    return bob


@table("host", IMPOSSIBLE)
def test_S42_a_host_that_can_not_be_is_refused(host, rf, settings):
    settings.ALLOWED_HOSTS = ["*"]
    with pytest.raises(DisallowedHost):
        connection.api(rf.get("/", headers={"Host": host}))


@table("host", POSSIBLE)
def test_S42_any_other_is_called(host, rf, settings, db):
    settings.ALLOWED_HOSTS = ["*"]
    assert connection.api(rf.get("/", headers={"Host": host})).get("users", user_name="alice") == []


@table("hosts", [[".example.org"], ["*"], ["testserver", ".example.org"]], ids=str)
@table("host", [*IMPOSSIBLE, *POSSIBLE])
def test_S42_no_host_opens(host, hosts, account, unheard, computer, open_site):
    open_site.ALLOWED_HOSTS = ["testserver", *hosts]
    computer = computer.twin()
    computer.password()
    open_site.ALLOWED_HOSTS = hosts
    sent = {"Host": host}
    assert computer.get(AUTHENTICATE, headers=sent).status_code in {200, 400}
    bob = {"username": "bob", "password": "password"}
    response = computer.twin().post(LOGIN, bob, headers=sent)
    assert (response.status_code, response.headers.get("Location")) in {(302, AUTHENTICATE), (400, None)}
    assert logged_in() == []
    assert not ToopherAccount.objects.exclude(found_without=None).exists()


@pytest.mark.slow
@settings(
    max_examples=60,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(host=".example.org", agent="x", forwarded="", language="", next_url="", path="login")
@given(
    host=st.one_of(st.just("testserver"), st.text(".-a1:[]x", max_size=12).map("{}.example.org".format)),
    agent=st.one_of(st.text(st.characters(max_codepoint=255), max_size=30), st.just("x" * 70_000)),
    forwarded=st.one_of(st.text(".:,%0f1 ", max_size=30), st.just("::1%" + "x" * 5000)),
    language=st.text(st.characters(max_codepoint=255), max_size=20),
    next_url=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    path=st.sampled_from(["login", "page", "code", "phrase", "step-up", "silent"]),
)
def test_S42_nothing_of_a_request_opens(
    host, agent, forwarded, language, next_url, path, account, unheard, computer, open_site
):
    open_site.ALLOWED_HOSTS, open_site.TOOPHER_TRUSTED_PROXIES = ["testserver", ".example.org"], 1
    sent = {"Host": host, "User-Agent": agent, "X-Forwarded-For": forwarded, "Accept-Language": language}
    with undone(computer):
        who = "bob" if path == "login" else "alice"
        if path == "silent":
            computer.client.cookies["toopher_silent"], computer.client.cookies["toopher_terminal"] = "1", "x" * 43
        fields = {"username": who, "password": "password", "next": next_url}
        computer.client.post(LOGIN, fields, headers=sent, secure=True)
        if path in {"code", "phrase"}:
            computer.post(AUTHENTICATE, {"step": path, path: next_url}, headers=sent)
        if path == "step-up":
            computer.post("/transfer/", {"amount": next_url}, headers=sent)
        computer.get(AUTHENTICATE, headers=sent)
        assert logged_in() == []
        assert "let_in" not in [outcome for outcome, _reason in outcomes()]


# A service that is down, and one that is not


@pytest.fixture
def half(alice, computer, elsewhere, settings):
    """Alice's computer after the password; her phone would be asked by a service elsewhere."""
    settings.TOOPHER_FAIL_OPEN = True
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password(next_url="/members/")
    return computer


@MODES
def test_S42_an_answer_to_the_constant_question_lets_nobody_in(embed, half, elsewhere, settings):
    settings.TOOPHER_EMBED = embed
    for answer in ([], {"error_code": 401, "error_message": "who are you"}):
        elsewhere.will_answer(b"", 500)
        elsewhere.will_answer(answer, 200 if answer == [] else 401)
        response = half.get(AUTHENTICATE)
        assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert not half.is_logged_in()
    assert len(elsewhere.received) == 4


def test_S42_an_answer_to_the_constant_question_lets_nobody_in_who_is_not_known(alice, computer, elsewhere, settings):
    settings.TOOPHER_FAIL_OPEN = True
    elsewhere.will_answer(b"", 500)
    elsewhere.will_answer([])
    response = computer.password()
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert len(elsewhere.received) == 2


@MODES
def test_S42_the_constant_question_has_nothing_of_the_request(embed, half, elsewhere, settings):
    settings.TOOPHER_EMBED = embed
    sent = {"User-Agent": "needle", "Accept-Language": "needle", "Referer": "https://testserver/needle"}
    asked = []
    for host, username in (("testserver", "alice"), ("localhost:1234", "alicia")):
        ToopherAccount.objects.update(name=username)
        elsewhere.forget()
        half.twin().get(f"{AUTHENTICATE}?needle", headers={**sent, "Host": host})
        [probe] = [each for each in elsewhere.received if "anybody" in each.target]
        assert probe.is_signed
        assert "needle" not in str(probe)
        del probe.headers["Authorization"]
        asked.append((probe.method, probe.target, probe.body, probe.headers))
        half.password(next_url="/members/")
    assert asked[0] == asked[1]


@pytest.fixture
def closed_port():
    with closing(socket.socket()) as freed:
        freed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{freed.getsockname()[1]}/v1"


@MODES
def test_S42_a_service_that_is_dead_is_an_outage(embed, half, closed_port, settings):
    settings.TOOPHER_EMBED, settings.TOOPHER_BASE_URL = embed, closed_port
    assert half.get(AUTHENTICATE)["Location"] == "/members/"
    assert half.client.session[LET_IN]
    assert outcomes() == [("let_in", "service_down")]


@MODES
def test_S42_a_service_that_hangs_is_an_outage_and_holds_nobody_up(embed, half, settings):
    settings.TOOPHER_EMBED, settings.TOOPHER_TIMEOUT = embed, 0.5
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        settings.TOOPHER_BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        started = time.monotonic()
        assert half.get(AUTHENTICATE)["Location"] == "/members/"
    assert 0.5 < time.monotonic() - started < 4


def test_S42_the_constant_question_waits_two_seconds_at_most(settings, monkeypatch):
    asked = []
    monkeypatch.setattr(connection.ToopherApi, "get", lambda api, *args, **kwargs: asked.append(api.timeout))
    for seconds in (30, 2, 0.5):
        settings.TOOPHER_TIMEOUT = seconds
        assert not outage._is_down()
    assert asked == [2, 2, 0.5]


def caused(error, cause):
    error.__cause__ = cause
    return error


@table(
    ("error", "is_outage"),
    [
        (ServiceTimeoutError("late"), True),
        (caused(ServiceUnavailableError("gone"), requests.ConnectionError()), True),
        (caused(ServiceUnavailableError("gone"), requests.exceptions.ChunkedEncodingError()), True),
        (caused(ServiceUnavailableError("gone"), requests.exceptions.InvalidURL()), False),
        (caused(ServiceUnavailableError("gone"), requests.exceptions.InvalidHeader()), False),
        (ServiceUnavailableError("failed", status=503), True),
        (InvalidReplyError("HTML", status=502), True),
        (InvalidReplyError("HTML", status=200), False),
        (InvalidReplyError("HTML", status=302), False),
        (InvalidReplyError("HTML", status=404), False),
        (RequestRefusedError("no", status=401), False),
        (RequestRefusedError("no", status=429), False),
    ],
    ids=str,
)
def test_S42_what_an_outage_is(error, is_outage):
    assert outage.is_outage(error) is is_outage


@table("hosts", [["https://example.org"], ["example.org:8000"], [], ["*"], [".example.org"]], ids=str)
def test_S42_the_embedded_service_is_not_down_whatever_the_hosts_are(hosts, settings, db, caplog):
    caplog.set_level(logging.CRITICAL)
    settings.ALLOWED_HOSTS = hosts
    assert not outage._is_down()
