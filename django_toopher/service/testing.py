"""A phone for the tests of a site: the command-line phone and the embedded service, without a socket."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse

from ..in_process import InProcessAdapter
from .device.cli_phone import CommandLinePhone

HOST = "https://testserver"


class Phone:
    """Answers for a ``django.test.Client``, as a person with a phone does who sits before that browser."""

    def __init__(self, name: str = "Test phone", before_pairing: Callable[[Client], object] = bool) -> None:
        self.before_pairing = before_pairing
        session = requests.Session()
        session.mount(HOST, InProcessAdapter())
        self.authenticator = CommandLinePhone(f"{HOST}{reverse('toopher_service:phone')}", session=session)
        self.authenticator.register(name)

    def pair(self, client: Client) -> HttpResponseBase:
        """Pair this phone on the page of whoever is logged in; the response to what the iframe posts."""
        self.before_pairing(client)
        frame = _Frame(client, reverse("django_toopher:account"))
        frame.call("pair")
        return self._pair(frame)

    def approve(self, client: Client) -> HttpResponseBase:
        """Say yes to the login that waits in ``client``; the response to what the iframe posts.

        A person without a phone pairs this one on the way, where the site's policy lets them.
        """
        frame = _Frame(client, reverse("django_toopher:authenticate"))
        if frame.state["state"] == "pairing":
            self.authenticator.pair_link(frame.state["link"])
            frame.call("ask")
        self.authenticator.approve(self.authenticator.pending().requests[0], frame.state.get("number", ""))
        return frame.post_back()

    def deny(self, client: Client) -> HttpResponseBase:
        """Say no to it."""
        frame = _Frame(client, reverse("django_toopher:authenticate"))
        self.authenticator.deny(self.authenticator.pending().requests[0])
        return frame.post_back()

    def _pair(self, frame: _Frame) -> HttpResponseBase:
        self.authenticator.pair_link(frame.state["link"])
        return frame.post_back()


class _Frame:
    """The iframe in a page of the app, which is opened for it; it knows the contract of the pages only."""

    def __init__(self, client: Client, page: str) -> None:
        self.client = client
        with override_settings(TOOPHER_EMBED="iframe"):
            embedding = client.get(page, secure=True)
        assert embedding.status_code == 200, f"{page} asks for nothing: {embedding!r}"  # noqa: S101
        iframe = _iframe(embedding.content.decode())
        self.postback = _attribute(iframe, "toopher_postback")
        address = urlsplit(_attribute(iframe, "src"))
        opened = client.get(f"{address.path}?{address.query}", secure=True)
        self.state: dict[str, Any] = {}
        self.call("open", ticket=_attribute(opened.content.decode(), "data-ticket"), binder="0" * 32)

    def call(self, name: str, **fields: str) -> None:
        """One of the page's calls."""
        headers = {"Authorization": f"Frame {self.state.get('token', '')}"} if self.state else {}
        url = reverse("toopher_service:root") + f"web/frame/{name}"
        ask = self.client.get if name == "state" else self.client.post
        self.state = {**self.state, **ask(url, fields, secure=True, headers=headers).json()}

    def post_back(self) -> HttpResponseBase:
        """Hand in what the service signed."""
        self.call("state")
        return self.client.post(self.postback, self.state["postback"], secure=True)


def _iframe(markup: str) -> str:
    """The tag of ours: a site's own look may have images and frames before it."""
    found = re.search(r'<iframe id="toopher_iframe"[^>]*>', markup)
    assert found, "The page has no iframe. Does it extend its template, and keep the block for the iframe?"  # noqa: S101
    return found[0]


def _attribute(markup: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', markup)
    assert found, f"The page has no {name}."  # noqa: S101
    return html.unescape(found[1])
