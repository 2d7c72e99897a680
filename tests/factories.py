"""States that tests begin with, made below the web: rows, and the phone's own memory, as a journey would leave them.

``test_factories`` holds them against the journeys.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import requests
from django.utils import timezone

from django_toopher import embedded
from django_toopher.in_process import InProcessAdapter
from django_toopher.login import attempts
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import Account, CommandLinePhone, public_jwk
from django_toopher.service.models import Pairing, Requester
from django_toopher.service.people import requesters, users
from django_toopher.service.phones import authenticators, pairings
from django_toopher.service.shown import PairingTexts
from django_toopher.testing import verified_login

from .drivers import Computer

HOST = "testserver"
PHONE = f"https://{HOST}/toopher/phone/"


def registered_phone(name: str = "Pixel") -> CommandLinePhone:
    """The command-line phone, known to the service; it calls the real API, without a socket."""
    session = requests.Session()
    session.mount(f"https://{HOST}", InProcessAdapter())
    phone = CommandLinePhone(PHONE, session=session)
    phone.id = str(authenticators.register(public_jwk(phone.key.public_key()), name).pk)
    return phone


def requester_of(key: str = embedded.CONSUMER_KEY) -> Requester:
    """The requester with this consumer key; the embedded one is made when there is none yet."""
    requester = requesters.by_key(key, HOST)
    assert requester is not None
    return requester


def paired(requester: Requester, name: str, phone: Any, *, only_first: bool = False) -> Pairing:
    """An enabled pairing of the requester's user of this name with ``phone``, of either kind, which keeps its seed."""
    authenticator = authenticators.Authenticator.objects.get(pk=phone.id)
    pairing = pairings.create(users.get_or_create(requester, name), authenticator, only_first=only_first)
    pairings.answer(pairing, authenticator, allow=True, shown=PairingTexts(requester.name, name), now=timezone.now())
    if isinstance(phone, CommandLinePhone):
        kept = Account(requester.name, name, id=str(pairing.pk), secret=pairing.otp_seed, digits=6, period=30)
        phone.accounts += (kept,)
    return pairing


def account_with(phone: CommandLinePhone, user: Any) -> ToopherAccount:
    """The Django user's account, with ``phone`` paired on the account page."""
    account = ToopherAccount.objects.for_user(user)
    pairing = paired(requester_of(), account.name, phone, only_first=not account.paired)
    users.keep_email(pairing.user, user.email)  # after the pairing: no mail
    name = pairing.phone_name
    Pairing.objects.filter(pk=pairing.pk).update(site_confirms=True)
    if isinstance(phone, CommandLinePhone):
        phone.accounts = (*phone.accounts[:-1], replace(phone.accounts[-1], agreed=True))
    begun = Attempt.objects.get(pk=attempts.begin(user, Attempt.Kind.PAIRING, action="Manage phones").attempt)
    told = {"method": Attempt.Method.PHONE, "request_id": str(pairing.pk)}
    begun.finish(Attempt.Outcome.GRANTED, timezone.now(), **told)
    account.change(paired=True, pairing_id=str(pairing.pk), toopher_user_id=str(pairing.user_id), device=name)
    return account


def verified(computer: Computer, user: Any) -> Computer:
    """``computer``, with the user logged in and the second factor passed."""
    verified_login(computer.client, user)
    return computer
