"""The states that tests begin with are those that a journey leaves: row by row, and field by field.

Of times and secrets only that there is one is compared, of ids to whom they belong.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import models

from django_toopher.client import ToopherApi
from django_toopher.in_process import InProcessAdapter
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import CommandLinePhone
from django_toopher.service.models import Authenticator, Pairing, Requester, User
from django_toopher.session import state

from .app.acts import ACCOUNT_POSTBACK, pair, pairing
from .drivers import Computer
from .factories import HOST, PHONE, account_with, paired, registered_phone, requester_of, verified
from .tables import undone

OURS = [ToopherAccount, Attempt, Requester, User, Authenticator, Pairing]
SECRET = {"auth_digest", "token_digest", "otp_seed", "public_key", "thumbprint", "secret"}
TIMES = {state.VERIFIED_AT, state.GENERATION}


def comparable(name: str, value: Any, owners: dict[str, str]) -> object:
    """The value, or what is the same of all of its kind."""
    if name in SECRET or hasattr(value, "tzinfo"):
        return bool(value)
    return owners.get(str(value), "nobody") if isinstance(value, UUID) else owners.get(value, value)


def rows(*kinds: type[models.Model]) -> dict[str, list[dict[str, object]]]:
    """What stands in the database, in its order."""
    found = {kind.__name__: [*kind.objects.order_by("created").values()] for kind in kinds}
    owners = {str(row["id"]): f"{kind} {number}" for kind, of in found.items() for number, row in enumerate(of)}
    ids = {owner: kind for owner, kind in owners.items() if len(owner) == 36}  # small numbers mean too much
    return {
        kind: [{name: comparable(name, value, ids) for name, value in row.items() if name != "id"} for row in of]
        for kind, of in found.items()
    }


def kept(phone: CommandLinePhone) -> list[dict[str, object]]:
    """What the phone remembers; its seeds are those of the pairings."""
    assert {each.id: each.secret for each in phone.accounts} == {
        str(each.pk): each.otp_seed for each in Pairing.objects.filter(authenticator=phone.id)
    }
    return [{**vars(each), "id": "", "secret": ""} for each in phone.accounts]


def marks(client: Any) -> dict[str, object]:
    """What the session of a browser says."""
    secret = {state.STEP_UP_SECRET, *TIMES}
    return {name: type(value) if name in secret else value for name, value in client.session.items()}


def journey_of_a_phone(name: str = "Pixel") -> CommandLinePhone:
    """A phone that makes itself known over its API."""
    phone = registered_phone("not this one")
    Authenticator.objects.all().delete()
    phone.register(name)
    return phone


@pytest.mark.django_db
def test_a_phone_is_registered():
    with undone():
        registered_phone("Nokia")
        by_rows = rows(Authenticator)
    phone = journey_of_a_phone("Nokia")
    assert rows(Authenticator) == by_rows
    assert (phone.id, phone.base_url) == (str(Authenticator.objects.get().pk), PHONE)


def test_a_phone_is_paired_on_the_account_page(alice, make_phone, computer):
    with undone():
        phone = make_phone()
        assert account_with(phone, alice) == ToopherAccount.objects.get()
        by_rows = rows(*OURS), kept(phone)
    phone = make_phone()
    pair(computer, phone)
    assert (rows(*OURS), kept(phone)) == by_rows


def test_a_second_phone_is_paired_there(alice, make_phone, computer):
    account_with(make_phone(), alice)
    with undone():
        second = make_phone("Nokia")
        account_with(second, alice)
        by_rows = rows(*OURS), kept(second)
    second = make_phone("Nokia")
    verified(computer, alice)
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, second)).status_code == 302
    assert (rows(*OURS), kept(second)) == by_rows


def test_what_the_factory_returns_is_what_stands_in_the_database(alice, phone):
    account = account_with(phone, alice)
    told = {field.attname: getattr(account, field.attname) for field in ToopherAccount._meta.concrete_fields}
    assert told == ToopherAccount.objects.values().get()


def test_a_requester_pairs_a_phone_by_its_api(make_requester, make_phone):
    requester = make_requester()
    with undone():
        phone = make_phone()
        paired(requester, "alice", phone)
        by_rows = rows(Requester, User, Authenticator, Pairing), kept(phone)
    phone = make_phone()
    root = f"https://{HOST}/toopher/v1"
    api = ToopherApi("key", "secret", root)
    api.session.mount(root, InProcessAdapter())
    phrase = phone.phrase().phrase
    api.pair("alice", phrase)
    [offer] = phone.pending().pairings
    phone.pair(offer)
    assert (rows(Requester, User, Authenticator, Pairing), kept(phone)) == by_rows


@pytest.mark.django_db
def test_the_embedded_requester_is_made_once():
    assert requester_of() == requester_of() == Requester.objects.get()


def test_a_session_is_verified(alice, phone):
    account_with(phone, alice)
    by_journey = Computer()
    assert by_journey.log_in(phone).status_code == 302
    assert marks(verified(Computer(), alice).client) == marks(by_journey.client)
    before = by_journey.client.session
    assert state.VERIFIED in before
    assert verified(Computer(), alice).is_logged_in()
