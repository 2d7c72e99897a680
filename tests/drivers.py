"""Drives the login flow as a browser does, without one: the pages, the iframe's calls, the postback.

It knows the contract of the pages only (names of fields, ``data-`` attributes), nothing of the code behind them.
"""

from __future__ import annotations

import html
import re
from copy import copy, deepcopy
from dataclasses import dataclass
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client


def attribute(page: str, name: str) -> str:
    """The value of the first HTML attribute of this name."""
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found, f"no attribute {name} in {page[:500]}"
    return html.unescape(found.group(1))


class Computer:
    """One browser: its cookies, and what it does with the site's pages. Everything goes over https."""

    client_class: type = Client

    def __init__(self, **headers: str) -> None:
        self.client = self.client_class(headers=headers)

    def twin(self) -> Computer:
        """The same browser as it is now: what happens to the cookies of one does not happen to the other's."""
        twin = copy(self)
        twin.client = copy(self.client)
        twin.client.cookies = deepcopy(self.client.cookies)
        return twin

    def get(self, path: str, **extra):
        return self.client.get(path, secure=True, **extra)

    def post(self, path: str, fields=None, **extra):
        return self.client.post(path, fields or {}, secure=True, **extra)

    def password(self, username="alice", password="password", next_url=""):
        """Send the login form; the response is the redirect (or the form again)."""
        query = f"?next={next_url}" if next_url else ""
        return self.post(f"/accounts/login/{query}", {"username": username, "password": password})

    def open_iframe(self, page: str = "/accounts/authenticate/") -> Frame:
        """Open the page that embeds the iframe, and the iframe in it."""
        response = self.get(page)
        assert response.status_code == 200, response
        return Frame.at(self, attribute(response.content.decode(), "src"))

    def log_in(self, phone, username="alice", next_url=""):
        """Password and phone; pairs the phone on the way where that is asked for. The response to the postback."""
        self.password(username, next_url=next_url)
        frame = self.open_iframe()
        if frame.state["state"] == "pairing":
            phone.pair_link(frame.state["link"])
            frame.call("ask")
        frame.approve(phone)
        return self.post("/accounts/postback/", frame.poll()["postback"])

    def is_logged_in(self) -> bool:
        return self.get("/members/").status_code == 200


class BlockingAsyncClient(AsyncClient):
    """Django's client of the ASGI handler, which waits for each reply as ``Client`` does."""

    def get(self, *args, **kwargs):
        return async_to_sync(super().get)(*args, **kwargs)

    def head(self, *args, **kwargs):
        return async_to_sync(super().head)(*args, **kwargs)

    def options(self, *args, **kwargs):
        return async_to_sync(super().options)(*args, **kwargs)

    def post(self, *args, **kwargs):
        return async_to_sync(super().post)(*args, **kwargs)


class AsgiComputer(Computer):
    """The same browser, at a server that speaks ASGI."""

    client_class = BlockingAsyncClient


@dataclass
class Frame:
    """An opened iframe page: its token and the state that the service told last."""

    computer: Computer
    token: str
    state: dict

    @classmethod
    def at(cls, computer: Computer, url: str, binder: str = "0123456789abcdef0123456789abcdef") -> Frame:
        """Open the signed URL and make the page's first call."""
        parts = urlsplit(url)
        page = computer.get(f"{parts.path}?{parts.query}")
        assert page.status_code == 200, page.content.decode()
        ticket = attribute(page.content.decode(), "data-ticket")
        state = computer.post("/toopher/v1/web/frame/open", {"ticket": ticket, "binder": binder}).json()
        return cls(computer, state.get("token", ""), state)

    def call(self, name: str, /, **fields) -> dict:
        """One of the page's calls; the reply, which may be an error."""
        headers = {"Authorization": f"Frame {self.token}"}
        self.state = self.computer.post(f"/toopher/v1/web/frame/{name}", fields, headers=headers).json()
        return self.state

    def poll(self) -> dict:
        headers = {"Authorization": f"Frame {self.token}"}
        self.state = self.computer.get("/toopher/v1/web/frame/state", headers=headers).json()
        return self.state

    def question(self, phone):
        """What the phone is asked; the newest."""
        return phone.pending().requests[0]

    def approve(self, phone) -> str:
        return phone.approve(self.question(phone), self.state["number"])

    def deny(self, phone) -> str:
        return phone.deny(self.question(phone))
