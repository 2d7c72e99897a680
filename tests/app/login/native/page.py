"""Our own page as its reader sees it, and what the phone does about it."""

from __future__ import annotations

import re

from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import Pairing
from django_toopher.service.phones import pairings
from tests.app.acts import ACCOUNT, AUTHENTICATE
from tests.drivers import attribute

STATE = "/accounts/authenticate/state/"
QR = "/accounts/authenticate/qr/"
RECOVER = "/accounts/recover/"
PHONES = "/accounts/phones/change/"
PHONES_STATE = "/accounts/phones/state/"


def state_of(response) -> str:
    return attribute(response.content.decode(), "data-state")


def number_in(response) -> str:
    return re.search(r'class="toopher-number"[^>]*>([\d ]+)<', response.content.decode())[1].replace(" ", "")


def poll(computer) -> dict:
    return computer.get(STATE).json()


def page_of(computer) -> str:
    return computer.get(ACCOUNT).content.decode()


def link() -> str:
    return f"https://testserver/toopher/phone/#pair={pairings.link_token(Pairing.objects.latest('created'))}"


def approve(computer, phone):
    phone.approve(phone.pending().requests[0], number_in(computer.page))


def automate(computer, phone):
    """Say yes on the phone, from now on."""
    computer.password()
    page = computer.get(AUTHENTICATE)
    phone.approve(phone.pending().requests[0], number_in(page), automate=Automate(3600))
    assert computer.post(AUTHENTICATE).status_code == 302
    del computer.client.cookies["sessionid"]
