"""What people, the service and forgers do in these tests, and what can be seen of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_toopher import embedded
from django_toopher.client import sign_postback
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session.state import PENDING_LOGIN
from tests.drivers import Computer, attribute
from tests.tables import undone as rows_undone

ACCOUNT = "/accounts/phones/"
ACCOUNT_POSTBACK = "/accounts/phones/postback/"
AUTHENTICATE = "/accounts/authenticate/"
LOGIN = "/accounts/login/"
POSTBACK = "/accounts/postback/"


def pairing(computer: Computer, phone) -> dict[str, str]:
    """Pair ``phone`` on the account page of whoever is logged in; the postback, which is not handed in yet."""
    frame = computer.open_iframe(ACCOUNT)
    phone.pair_link(frame.call("pair")["link"])
    return frame.poll()["postback"]


def pair(computer: Computer, phone, username: str = "alice") -> None:
    """Log in with the password alone and pair ``phone`` on the account page."""
    computer.password(username)
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, phone)).status_code == 302


def remove(computer: Computer, phone_id: str = "") -> dict[str, str]:
    """Remove a phone on the account page, the newest one; the postback, which is not handed in yet."""
    frame = computer.open_iframe(ACCOUNT)
    return frame.call("remove", pairing=phone_id or frame.state["phones"][0]["id"])["postback"]


def approval(computer: Computer, phone, username: str = "alice", next_url: str = "") -> dict[str, str]:
    """Password and a yes on the phone; the postback, which is not handed in yet."""
    computer.password(username, next_url=next_url)
    return approve(computer, phone)


def approve(computer: Computer, phone) -> dict[str, str]:
    """Open the pending page and say yes on the phone; the postback, which is not handed in yet."""
    frame = computer.open_iframe()
    frame.approve(phone)
    return frame.poll()["postback"]


def signed_parameters(computer: Computer, page: str = AUTHENTICATE) -> dict[str, str]:
    """The parameters of the iframe's signed address."""
    return dict(parse_qsl(urlsplit(attribute(computer.get(page).content.decode(), "src")).query))


def signed(fields: Mapping[str, str], secret: str = "", **changes: str | None) -> dict[str, str]:
    """``fields`` with changes (None leaves one out), signed as the embedded service signs, or with ``secret``."""
    changed = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    return {**changed, "toopher_sig": sign_postback(changed, secret or embedded.consumer_secrets()[0])}


def message(token: str, **fields: str) -> dict[str, str]:
    """A signed postback with nothing but ``fields`` and what every postback has."""
    return signed({"session_token": token, "timestamp": str(int(time.time())), **fields})


def yes(computer: Computer, account: ToopherAccount) -> dict[str, str]:
    """What the service would have the computer post after a yes of the account's phone, which is not asked."""
    told = {"user_name": account.name, "pairing_user_id": account.toopher_user_id, "pairing_id": account.pairing_id}
    return message(
        computer.client.session[PENDING_LOGIN]["token"],
        resource_type="authentication_request",
        action_name="Log In",
        granted="true",
        pending="false",
        **told,
    )


def reason_of(response) -> str:
    """Which failure the page tells of."""
    return attribute(response.content.decode(), "data-reason")


def logged_in() -> list[str]:
    """The primary keys of the users of all sessions."""
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return [session[SESSION_KEY] for session in sessions if SESSION_KEY in session]


def outcomes(kind: str = "login") -> list[tuple[str, str]]:
    """How the attempts of this kind ended, in their order."""
    return [*Attempt.objects.filter(kind=kind).order_by("created").values_list("outcome", "reason")]


def known(account: ToopherAccount) -> dict[str, object]:
    """What an account's row says now, but for when the service was asked."""
    row = ToopherAccount.objects.filter(pk=account.pk).values().get()
    return {name: value for name, value in row.items() if name != "found_without"}


@contextmanager
def undone(browser: Computer) -> Iterator[None]:
    """What is done within is taken back, in the database and in the browser's cookies: to try the next thing."""
    cookies = SimpleCookie(browser.client.cookies.output(header="", sep=";"))
    with rows_undone():
        yield
    browser.client.cookies = cookies


class Statements(CaptureQueriesContext):
    """Collects SQL statements; those that only control transactions apart."""

    CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

    def __init__(self) -> None:
        super().__init__(connection)
        self.queries: list[str] = []
        self.controls: list[str] = []

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        for query in self.captured_queries:  # taken at once: the next request empties the log
            kind = self.controls if query["sql"].startswith(self.CONTROL) else self.queries
            kind.append(query["sql"])
