"""Killed at any point (SECURITY.md S36): a worker process dies by SIGKILL, and afterwards everything still holds.

The worker is a real web server (``killed_worker``); browser and phone live here and speak HTTP with it. Each way
through the house is gone again and again, the worker dying before its first step, then before its second, and so on
until the way is gone to its end; then at random moments. After each death the person logs in anew, at once.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from requests.adapters import HTTPAdapter

from django_toopher.client import ServiceUnavailableError, ToopherApi
from django_toopher.connection import InProcessAdapter, api
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import RefusedError, TerminalAuthenticator, UnreachableError
from django_toopher.service.models import AuthenticationRequest, Pairing
from django_toopher.session.state import VERIFIED

from ..databases import copied
from ..drivers import Computer, Frame
from ..factories import account_with, registered_phone

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ORIGIN = "https://testserver"
LOST = (requests.RequestException, UnreachableError, ServiceUnavailableError)
"""What a client sees of a worker that was killed."""

RANDOM_KILLS = 12


# The worker, its clients


@dataclass
class Server:
    """The supervisor's folder; its workers use the database of this test."""

    folder: Path
    process: Any

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def last_kill(self) -> str:
        """What the worker that was killed last did not get to do."""
        assert self.process.poll() is None, f"The supervisor ended. {(self.folder / 'log').read_text()}"
        return (self.folder / "kills").read_text().splitlines()[-1]


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("killed")
    with django_db_blocker.unblock():
        (folder / "database").write_text(copied(folder / "warm.sqlite3") or str(connection.settings_dict["NAME"]))
    (folder / "kills").write_text("")
    command = [sys.executable, "-m", "tests.service.killed_worker", str(folder)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
        ) as process,
    ):
        server = Server(folder, process)
        wait_until((folder / "port").exists, lambda: (folder / "log").read_text())
        try:
            yield server
        finally:
            process.stdin.close()
            process.wait(30)


def wait_until(happened: Callable[[], bool], explanation: Callable[[], str]) -> None:
    deadline = monotonic() + 60
    while not happened():
        assert monotonic() < deadline, explanation()
        sleep(0.02)


@pytest.fixture
def server(supervisor, threaded_db, settings):
    """The supervisor, its worker at this test's database."""
    settings.TOOPHER_POLICY = "tests.service.killed_worker.demands"
    connection.close()
    (supervisor.folder / "database").write_text(str(connection.settings_dict["NAME"]))
    with suppress(requests.ConnectionError):  # the worker of the test before makes room for a new one
        Browser(Wire(supervisor.port)).get("/", headers={"Kill-Before": "1"})
    return supervisor


class Wire(HTTPAdapter):
    """Carries ``https://testserver`` to the worker, and keeps the last request so that it can be sent again."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.kill_before: int | None = None
        self.last: requests.PreparedRequest | None = None
        self.worker = 0

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        return self.poolmanager.connection_from_host("127.0.0.1", self.port, "http")

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers["Host"] = "testserver"
        self.last = request.copy()
        if self.kill_before is not None:
            request.headers["Kill-Before"] = str(self.kill_before)
            self.kill_before = None
        response = super().send(request, *args, **{**kwargs, "timeout": 30})
        assert response.status_code != 500, response.url
        if "X-Worker" not in response.headers:
            raise requests.ConnectionError("The worker was killed in the middle of its reply.")
        self.worker = int(response.headers["X-Worker"])
        return response

    def send_again(self) -> requests.Response:
        """Exactly what was sent last: the same nonce, token, cookies."""
        assert self.last is not None
        return super().send(self.last.copy(), timeout=30)


class Browser(Computer):
    """A browser that talks to the worker."""

    def __init__(self, wire: Wire) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount(ORIGIN, wire)

    def get(self, path: str, headers: dict[str, str] | None = None):
        return self.session.get(f"{ORIGIN}{path}", headers=headers, allow_redirects=False)

    def post(self, path: str, fields: Any = None, headers: dict[str, str] | None = None):
        csrf = {"Origin": ORIGIN, "X-CSRFToken": self.session.cookies.get("csrftoken", "")}
        headers = {**csrf, **(headers or {})}
        return self.session.post(f"{ORIGIN}{path}", fields or {}, headers=headers, allow_redirects=False)

    def password(self, username="alice", password="password", next_url=""):
        self.get("/accounts/login/")  # for the CSRF token
        return super().password(username, password, next_url)

    @classmethod
    def going_on(cls, computer: Computer, wire: Wire) -> Browser:
        """With the cookies of ``computer``, which did in this process, quickly, what is not to be killed."""
        browser = cls(wire)
        for name, morsel in computer.client.cookies.items():
            browser.session.cookies.set(name, morsel.value, domain="testserver.local")  # so jars call "testserver"
        return browser


@dataclass
class Person:
    """Somebody with a password, a phone and a browser."""

    name: str
    port: int
    wire: Wire = field(init=False)
    phone: TerminalAuthenticator = field(init=False)
    browser: Browser = field(init=False)
    logged_in: Computer | None = None

    def __post_init__(self) -> None:
        self.since = timezone.now()
        self.user = get_user_model().objects.create_superuser(self.name, f"{self.name}@example.com", "password")
        self.wire = Wire(self.port)
        self.browser = Browser(self.wire)
        self.phone = registered_phone(f"Phone of {self.name}")
        self.calls = self.phone._session

    def pair(self) -> None:
        """The phone is paired."""
        account_with(self.phone, self.user)

    def at_server(self) -> None:
        """The phone talks to the worker."""
        self.calls.mount(ORIGIN, self.wire)

    def without_server(self) -> None:
        """The phone talks to the service in this process, which nobody kills."""
        self.calls.mount(ORIGIN, InProcessAdapter())

    def start_anew(self) -> None:
        """A login from the start, in another browser; the phone is paired where it has to be."""
        self.without_server()
        self.log_out()
        self.logged_in = computer = Computer()
        if computer.password(self.name).headers["Location"] != "/":  # where a newcomer's password was enough
            frame = computer.open_iframe()
            if frame.state["state"] == "pairing":
                self.phone.pair_link(frame.state["link"])
                frame.call("ask")
            frame.approve(self.phone)
            response = computer.post("/accounts/postback/", frame.poll()["postback"])
            assert response.status_code == 302, response.content.decode()
        assert computer.is_logged_in()

    def log_out(self) -> None:
        """End the session of the last ``start_anew``."""
        if self.logged_in:
            Session.objects.filter(pk=self.logged_in.client.session.session_key).delete()

    def gives_password(self) -> None:
        """The first step of a login."""
        computer = Computer()
        computer.password(self.name)
        self.browser = Browser.going_on(computer, self.wire)

    def opens_iframe(self) -> Frame:
        """The first two steps of a login: the password, and the page that asks for the second factor."""
        computer = Computer()
        computer.password(self.name)
        frame = computer.open_iframe()
        self.browser = frame.computer = Browser.going_on(computer, self.wire)
        return frame

    def asked(self) -> Frame:
        """The phone is asked whether to log in."""
        frame = self.opens_iframe()
        assert frame.state["state"] == "waiting", frame.state
        return frame

    def back(self, frame: Frame, path: str = "/accounts/postback/"):
        """Hand the iframe's result to the site."""
        return self.browser.post(path, frame.poll()["postback"])

    def signed_in(self) -> None:
        """Logged in, with the second factor, and since the phone was paired last: by ``start_anew``."""
        if not self.logged_in:
            self.start_anew()
            self.at_server()
        self.browser = Browser.going_on(self.logged_in, self.wire)

    def managing(self) -> Frame:
        """The page where phones are looked after."""
        return self.browser.open_iframe("/accounts/phones/")


# The ways through the house. Each calls ``armed`` where the dying begins.

Armed = Callable[[], None]


def approval(person: Person, armed: Armed) -> None:
    person.browser = Browser(person.wire)
    armed()
    assert person.browser.log_in(person.phone, person.name).status_code == 302
    assert person.browser.is_logged_in()


def denial(person: Person, armed: Armed) -> None:
    frame = person.asked()
    armed()
    assert frame.deny(person.phone) == "denied"
    assert person.back(frame).status_code == 403


def wrong_numbers(person: Person, armed: Armed) -> None:
    frame = person.asked()
    question, number = frame.question(person.phone), frame.state["number"]
    armed()
    for _ in range(3):
        with pytest.raises(RefusedError):
            person.phone.approve(question, f"{(int(number) + 1) % 10**6:06}")
    assert not frame.poll()["granted"]


def code(person: Person, armed: Armed) -> None:
    frame = person.asked()
    armed()
    assert frame.call("code", code=person.phone.code())["granted"]
    assert person.back(frame).status_code == 302


def code_from_list(person: Person, armed: Armed) -> None:
    one, *_ = api().post("users/activate_next_otp_list", user_name=person.name)["otp_list"]
    frame = person.asked()
    armed()
    assert frame.call("code", code=one)["granted"]


def pairing_by_link(person: Person, armed: Armed) -> None:
    person.gives_password()
    armed()
    frame = person.browser.open_iframe()
    person.phone.pair_link(frame.state["link"])
    assert frame.call("ask")["state"] == "waiting"


def pairing_by_phrase(person: Person, armed: Armed) -> None:
    frame = person.opens_iframe()
    armed()
    person.phone.register("Phone")
    frame.call("phrase", phrase=person.phone.phrase().phrase)
    person.phone.pair(person.phone.pending().pairings[0])
    assert frame.poll()["state"] == "paired"


def first_phone(person: Person, armed: Armed) -> None:
    person.gives_password()
    assert person.browser.is_logged_in()
    armed()
    frame = person.managing()
    person.phone.pair_link(frame.call("pair")["link"])
    assert person.back(frame, "/accounts/phones/postback/").status_code == 302


def removal(person: Person, armed: Armed) -> None:
    person.signed_in()
    armed()
    frame = person.managing()
    assert frame.call("remove", pairing=frame.state["phones"][0]["id"])["state"] == "finished"
    assert person.back(frame, "/accounts/phones/postback/").status_code == 302


def supported_reset(person: Person, armed: Armed) -> None:
    other = Person(f"member {random.random()}", person.port)  # noqa: S311
    other.pair()
    person.signed_in()
    account = ToopherAccount.objects.get(user__username=other.name)
    armed()
    fields = {"action": "toopher_reset", "_selected_action": account.pk}
    run = person.browser.post("/admin/django_toopher/toopheraccount/", fields).headers["Location"].partition("#")[0]
    for press in ("confirm", "step"):
        assert person.browser.post(run, {"press": press}).status_code == 302
    assert not Pairing.objects.enabled().filter(user__name=other.name).exists()


def reset_link(person: Person, armed: Armed) -> None:
    pairing = Pairing.objects.enabled().filter(user__name=person.name)[0]
    url = urlsplit(api().post(f"pairings/{pairing.pk}/generate_reset_link")["url"])
    armed()
    assert person.browser.post(f"{url.path}?{url.query}").status_code == 200


def fresh_list(person: Person, armed: Armed) -> None:
    armed()
    at_worker(person).post("users/activate_next_otp_list", user_name=person.name)


def asked_by_api(person: Person, armed: Armed) -> None:
    client = at_worker(person)
    armed()
    request = client.authenticate(person.name, f"terminal {random.random()}", terminal_name="Laptop")  # noqa: S311
    client.post(f"authentication_requests/{request.id}/cancel")


def at_worker(person: Person) -> ToopherApi:
    """The site's client of the worker's API."""
    client = api()
    client.session.mount(client.base_url, person.wire)
    return client


@dataclass(frozen=True)
class Way:
    """``least`` is how many steps it has at the very least; ``new`` wants a new person each time."""

    go: Callable[[Person, Armed], None]
    least: int
    new: bool = False
    paired: bool = True
    who: str = "person"


WAYS = [
    Way(approval, 25),
    Way(denial, 10),
    Way(wrong_numbers, 10),
    Way(code, 10, new=True),
    Way(code_from_list, 5, new=True),
    Way(pairing_by_link, 10, new=True, paired=False),
    Way(pairing_by_phrase, 10, new=True, paired=False),
    Way(first_phone, 10, new=True, paired=False, who="newcomer"),
    Way(removal, 10),
    Way(supported_reset, 10),
    Way(reset_link, 4),
    Way(fresh_list, 5),
    Way(asked_by_api, 5),
]


# What must hold at any moment


def violations(since: datetime) -> Iterator[str]:
    """Every state in the database that must not be, of what was begun or changed since then."""
    changed = Q(created__gte=since) | Q(answered__gte=since)
    for request in AuthenticationRequest.objects.filter(changed).select_related("user", "pairing__authenticator"):
        yield from wrong_request(request)
    for pairing in Pairing.objects.filter(modified__gte=since):
        yield from wrong_pairing(pairing)
    yield from wrong_attempts(since)
    yield from wrong_sessions()


def wrong_request(request: AuthenticationRequest) -> Iterator[str]:
    """An answered request knows who answered, and how."""
    state, pairing = request.state, request.pairing
    if (request.answered is None) != (state == "pending"):
        yield f"{state} request, answered {request.answered}"
    if request.reason_code in {0, 100} and state in {"granted", "denied"}:
        if not pairing or pairing.user_id != request.user_id or pairing.state not in {"enabled", "deactivated"}:
            yield f"{state} request without the user's pairing"
        elif not proves(request, pairing):
            yield f"{state} request without a signed answer that says so"
    elif state == "granted" and request.reason_code != 110:
        yield f"request granted for reason {request.reason_code}"
    elif state == "denied" and (request.reason_code != 103 or request.failures < 3):
        yield f"request denied for reason {request.reason_code} after {request.failures} failures"


def proves(request: AuthenticationRequest, pairing: Pairing) -> bool:
    """Whether the evidence is this phone's signature over this request, decision and number."""
    assert pairing.authenticator
    key = jwt.PyJWK.from_dict(pairing.authenticator.public_key, algorithm="ES256")
    said = jwt.decode(request.evidence, key, algorithms=["ES256"], options={"verify_aud": False, "verify_iat": False})
    if said["request"] != str(request.pk):
        return False
    granted = said["decision"] == "allow" and said["number"] == request.number
    return granted if request.state == "granted" else said["decision"] == "deny"


def wrong_pairing(pairing: Pairing) -> Iterator[str]:
    """Enabled is all of a pairing, or nothing of it."""
    has = (bool(pairing.authenticator_id), bool(pairing.otp_seed), pairing.answered is not None)
    if pairing.state == "enabled" and has != (True, True, True):
        yield f"enabled pairing with (authenticator, seed, answered) {has}"
    if pairing.state != "enabled" and pairing.otp_seed:
        yield f"{pairing.state} pairing with a seed"
    if pairing.state == "pending" and pairing.answered:
        yield "answered pairing that is pending"


def wrong_attempts(since: datetime) -> Iterator[str]:
    """A granted attempt goes with one granted request of the same user, and no request with two attempts."""
    granted = Attempt.objects.filter(outcome="granted")
    logins = granted.filter(kind="login")
    for attempt in logins.filter(created__gte=since):
        request = AuthenticationRequest.objects.filter(pk=attempt.request_id, state="granted").first()
        if request is None or request.user.name != attempt.toopher_name:
            yield "login without a granted request of this user"
    if (most := Counter(logins.values_list("request_id", flat=True)).most_common(1)) and most[0][1] > 1:
        yield "two logins by one granted request"
    if Attempt.objects.filter(finished__isnull=True).exclude(outcome="pending").exists():
        yield "spent attempt that is not finished"
    codes = AuthenticationRequest.objects.filter(state="granted", reason_code=110)
    if (most := Counter(codes.values_list("user", flat=True)).most_common(1)) and most[0][1] > 1:
        yield "two requests granted by one code"  # each person here has but one
    for attempt in granted.filter(kind="pairing", created__gte=since):
        if Pairing.objects.enabled().filter(pk=attempt.request_id).exists() and not is_paired(attempt):
            yield "pairing accepted by the site, which then does not ask for the phone"


def is_paired(attempt: Attempt) -> bool:
    return ToopherAccount.objects.filter(user=attempt.user_id, paired=True).exists()


def wrong_sessions() -> Iterator[str]:
    """Everybody who is logged in passed the second factor, each by an attempt of their own; but for newcomers."""
    opened = Counter[str]()
    for session in Session.objects.all():
        kept = session.get_decoded()
        user = kept.get(SESSION_KEY)
        if user is None or (VERIFIED not in kept and is_newcomer(user)):
            continue
        opened[user] += 1
        if user != kept.get(VERIFIED):
            yield "logged in without the second factor"
    granted = Counter(str(user) for user in Attempt.objects.filter(outcome="granted").values_list("user", flat=True))
    if opened - granted:
        yield f"more sessions than granted attempts: {opened - granted}"


def is_newcomer(user: str) -> bool:
    return get_user_model().objects.get(pk=user).get_username().startswith("newcomer")


# The deaths


def ready(way: Way, person: Person | None, name: str, port: int) -> Person:
    """Who goes this way next."""
    if person is None or way.new:
        person = Person(name, port)
        if way.paired:
            person.pair()
    person.at_server()
    return person


def is_lost(way: Way, person: Person, armed: Armed) -> bool:
    """Go; whether the worker was killed on the way."""
    try:
        way.go(person, armed)
    except LOST:
        return True
    return False


def check(person: Person, where: str) -> None:
    """After a death: what was sent last can be used up once at the most, everything holds, and the person gets in."""
    connection.close()
    now = timezone.now()
    try:
        refused_again(person)
        assert not list(violations(person.since))
        person.start_anew()
        assert not list(violations(now))
    except Exception as exc:
        raise AssertionError(where) from exc
    person.since = now


def refused_again(person: Person) -> None:
    """The same bytes once more, and once more: what is for one use is refused by then."""
    person.wire.send_again()
    response = person.wire.send_again()
    if re.search(r"/phone/v1/|/postback/|/reset\b|/users/|/authentication_requests/", response.request.path_url):
        is_login_page = response.headers.get("Location", "").startswith("/accounts/login/")
        assert response.status_code >= 400 or is_login_page, (response.request.path_url, response.status_code)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.go.__name__)
def test_S36_killed_before_each_step(server, way, record_property):
    person = None
    for step in count(1):
        person = ready(way, person, f"{way.who} {step}", server.port)
        if not is_lost(way, person, partial(setattr, person.wire, "kill_before", step)):
            break
        check(person, f"killed before step {step}, {server.last_kill()}")
    record_property("kills", step - 1)
    assert step > way.least


def test_S36_killed_at_random_moments(server):
    seed = random.getrandbits(32)  # known from the seed that pytest-randomly prints
    dice = random.Random(seed)  # noqa: S311
    kills, patience = 0, 0.15
    for attempt in range(60):
        way = dice.choice(WAYS)
        person = ready(way, None, f"{way.who} {attempt}", server.port)
        person.browser.get("/")  # tells which worker it is
        killer = threading.Timer(dice.uniform(0, patience), os.kill, (person.wire.worker, signal.SIGKILL))
        begun = monotonic()
        lost = is_lost(way, person, killer.start)
        patience = patience if lost else monotonic() - begun  # on a fast machine, many would come through otherwise
        killer.cancel()
        killer.join()
        kills += lost
        check(person, f"seed {seed}, attempt {attempt}, {way.go.__name__}")
        if kills == RANDOM_KILLS:
            break
    assert kills
