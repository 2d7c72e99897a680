"""What is done at one computer in each way of embedding, and what its browser could learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from django.conf import settings

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import AuthenticationRequest
from tests.drivers import Computer, Frame, attribute

from ..acts import AUTHENTICATE, POSTBACK

EMBEDS = ["iframe", "redirect", "native"]
GRANTED, ASKED = "toopher_terminal", "toopher_asked"

Finish = Callable[[], object]


def opened(computer: Computer) -> Frame | str:
    """The page that asks: what is in the iframe or at top level, or the HTML of our own."""
    page = computer.get(AUTHENTICATE).content.decode()
    if settings.TOOPHER_EMBED == "native":
        return page
    part = page if settings.TOOPHER_EMBED == "iframe" else page.partition('id="toopher_link"')[2]
    url = urlsplit(attribute(part, "src" if settings.TOOPHER_EMBED == "iframe" else "href"))
    return Frame.at(computer, f"{url.path}?{url.query}")


def approved(computer: Computer, phone, *, automate: bool = False) -> Finish:
    """Open the page and say yes on the phone, from now on if that is to be; what tells the site is not done yet."""
    page, terms = opened(computer), Automate(3600) if automate else None
    if isinstance(page, Frame):
        phone.approve(page.question(phone), page.state["number"], automate=terms)
        return lambda: computer.post(POSTBACK, page.poll()["postback"])
    number = re.search(r'class="toopher-number"[^>]*>([\d ]+)<', page)[1].replace(" ", "")
    phone.approve(phone.pending().requests[0], number, automate=terms)
    return lambda: computer.post(AUTHENTICATE)


def is_let_in(computer: Computer, username: str = "alice") -> bool:
    """Whether password and browser are enough for a login."""
    computer.client.cookies.pop("sessionid", None)
    computer.password(username)
    return computer.is_logged_in() or goes_on(computer)


def goes_on(computer: Computer) -> bool:
    """Whether a login that was begun in this browser can be finished without the phone."""
    if computer.get(AUTHENTICATE).status_code == 200:
        page = opened(computer)
        if isinstance(page, Frame) and page.state["state"] == "finished":
            computer.post(POSTBACK, page.state["postback"])
        elif not isinstance(page, Frame):
            computer.post(AUTHENTICATE)
    return computer.is_logged_in()


def log_in(computer: Computer, phone, username: str = "alice", *, automate: bool = False) -> None:
    """A whole login with the phone's yes."""
    computer.client.cookies.pop("sessionid", None)
    computer.password(username)
    approved(computer, phone, automate=automate)()
    assert computer.is_logged_in()


def asked_with() -> str:
    """The id with which a phone was asked last."""
    return AuthenticationRequest.objects.latest("created").terminal.extra


def ids_in(computer: Computer) -> set[str]:
    """Whatever in its cookies could be an id; of the page that is open, too."""
    kept = [cookie.value for cookie in computer.client.cookies.values()]
    response = computer.get(AUTHENTICATE)
    texts = [*kept, response.content.decode(), *(cookie.value for cookie in response.cookies.values())]
    return set(re.findall(r"(?<![\w-])[\w-]{43}(?![\w-])", " ".join(texts), re.ASCII))


def plant(computer: Computer, *ids: str) -> None:
    """Cookies with these ids, as another host of the domain can set them."""
    for name in (GRANTED, ASKED):
        computer.client.cookies[name] = ".".join(ids)


def cookies_of(computer: Computer) -> SimpleCookie:
    return computer.client.cookies
