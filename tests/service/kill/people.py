"""A person with a password, a phone and a browser that talk to the worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone
from requests.adapters import HTTPAdapter

from django_toopher.in_process import InProcessAdapter
from django_toopher.service.device.cli_phone import CommandLinePhone

from ...drivers import Computer, Frame
from ...factories import account_with, registered_phone

ORIGIN = "https://testserver"


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
    phone: CommandLinePhone = field(init=False)
    browser: Browser = field(init=False)
    logged_in: Computer | None = None

    def __post_init__(self) -> None:
        self.since = timezone.now()
        self.user = get_user_model().objects.create_superuser(self.name, f"{self.name}@example.com", "password")
        self.wire = Wire(self.port)
        self.browser = Browser(self.wire)
        self.phone = registered_phone(f"Phone of {self.name}")
        self.calls = self.phone.session

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
