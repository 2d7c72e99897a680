"""Every way in, up to its last request, which is not sent yet: so that a promise can be proved for all of them.

A way takes a browser, a phone and the settings; the browser has shown the password and the phone has said yes when it
returns the request that would log in. A step-up's way returns the function that would carry the request out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model

from django_toopher.connection import api
from django_toopher.factors import recovery_codes
from django_toopher.models import ToopherAccount
from django_toopher.service.models import Pairing
from django_toopher.service.phones import pairings
from django_toopher.support import verbs
from tests.drivers import Computer, Frame, attribute

from .acts import AUTHENTICATE, POSTBACK, approval, approve

HELD = "toopher_held"
RECOVER = "/accounts/recover/"
STEP_UP = "/accounts/step-up/"
FORM = {"amount": "1"}
PATH = "/transfer/"

Last = tuple[str, dict[str, Any]]
CarryOut = Callable[..., Any]


# Logging in


def _number(response: Any) -> str:
    return re.search(r'class="toopher-number"[^>]*>([\d ]+)<', response.content.decode())[1].replace(" ", "")


def _answer(phone: Any, number: str) -> None:
    phone.approve(phone.pending().requests[0], number)


def by_iframe(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    return POSTBACK, approval(computer, phone, username, next_url)


def by_redirect(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    settings.TOOPHER_EMBED = "redirect"
    computer.password(username, next_url=next_url)
    page = computer.get(AUTHENTICATE).content.decode()
    parts = urlsplit(attribute(page.partition('id="toopher_link"')[2], "href"))
    frame = Frame.at(computer, f"{parts.path}?{parts.query}")
    frame.approve(phone)
    return POSTBACK, frame.poll()["postback"]


def by_answer(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    settings.TOOPHER_EMBED = "native"
    computer.password(username, next_url=next_url)
    _answer(phone, _number(computer.get(AUTHENTICATE)))
    return AUTHENTICATE, {}


def by_code(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    settings.TOOPHER_EMBED = "native"
    computer.password(username, next_url=next_url)
    computer.get(AUTHENTICATE)
    return AUTHENTICATE, {"step": "code", "code": phone.code()}


def by_pairing(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    settings.TOOPHER_EMBED, settings.TOOPHER_POLICY = "native", "required"
    verbs.reset(ToopherAccount.objects.get(user__username=username), api())
    computer.password(username, next_url=next_url)
    computer.get(AUTHENTICATE)
    token = pairings.link_token(Pairing.objects.latest("created"))
    phone.pair_link(f"https://testserver/toopher/phone/#pair={token}")
    _answer(phone, _number(computer.post(AUTHENTICATE)))
    return AUTHENTICATE, {}


def by_recovery_code(
    computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = ""
) -> Last:
    settings.TOOPHER_RECOVERY_CODES = 1
    codes = recovery_codes.make(get_user_model().objects.get(username=username))
    computer.password(username, next_url=next_url)
    return RECOVER, {"code": codes[0]}


def by_middleware(computer: Computer, phone: Any, settings: Any, username: str = "alice", next_url: str = "") -> Last:
    computer.client.force_login(get_user_model().objects.get(username=username))
    computer.get(AUTHENTICATE, data={"next": next_url})
    return POSTBACK, approve(computer, phone)


WAYS = {
    "iframe": by_iframe,
    "redirect": by_redirect,
    "native": by_answer,
    "code": by_code,
    "pairing": by_pairing,
    "recovery": by_recovery_code,
    "middleware": by_middleware,
}

# Confirming


def _page(response: Any) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def _held(page: str) -> str:
    return attribute(page.partition(f'name="{HELD}"')[2], "value")


def _approved(computer: Computer, phone: Any, page: str) -> dict[str, str]:
    frame = Frame.at(computer, attribute(page, "src"))
    frame.approve(phone)
    held = re.search(r"&quot;toopher_held&quot;: &quot;([^&]+)&quot;", page)[1]
    return {**frame.poll()["postback"], HELD: held}


def confirmed_form(computer: Computer, phone: Any) -> Last:
    """What confirms a form; it is not posted yet."""
    return PATH, _approved(computer, phone, _page(computer.post(PATH, FORM)))


def confirmed_page(computer: Computer, phone: Any, path: str = PATH) -> Last:
    """What confirms a page; it is not posted yet."""
    return STEP_UP, _approved(computer, phone, _page(computer.get(path)))


def form_in_iframe(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    _path, fields = confirmed_form(computer, phone)
    return lambda by=computer, path=PATH: by.post(path, fields)


def page_in_iframe(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    _path, fields = confirmed_page(computer, phone)

    def carry_out(by: Computer = computer, path: str = PATH) -> Any:
        response = by.post(STEP_UP, fields)
        return by.get(path) if response.status_code == 302 else response

    return carry_out


def form_on_our_page(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    settings.TOOPHER_EMBED = "native"
    response = computer.post(PATH, FORM)
    _answer(phone, _number(response))
    fields = {HELD: _held(_page(response))}
    return lambda by=computer, path=PATH: by.post(path, fields)


def form_by_password(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    ToopherAccount.objects.update(enabled=False)  # who has no phone to ask
    api().disable_user("alice")
    fields = {HELD: _held(_page(computer.post(PATH, FORM))), "toopher_password": "password"}
    return lambda by=computer, path=PATH: by.post(path, fields)


def _by_ticket(computer: Computer, phone: Any, place: str, **headers: str) -> CarryOut:
    reply = computer.post(place, FORM, headers={"Accept": "application/json", **headers}).json()
    _answer(phone, reply["number"])
    headers |= {"Accept": "application/json", "X-Toopher-Step-Up": reply["step_up"]}
    return lambda by=computer, path=place: by.post(path, FORM, headers=headers)


def client_of_json(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    return _by_ticket(computer, phone, PATH)


def client_of_rest(computer: Computer, phone: Any, settings: Any) -> CarryOut:
    carry_out = _by_ticket(computer, phone, "/rest/pay/", Authorization="Token alice-1")
    return lambda by=computer, path=PATH: carry_out(by, "/rest/pay/" if path == PATH else path)


STEP_UPS = {
    "iframe": form_in_iframe,
    "page": page_in_iframe,
    "native": form_on_our_page,
    "password": form_by_password,
    "JSON": client_of_json,
    "REST": client_of_rest,
}
