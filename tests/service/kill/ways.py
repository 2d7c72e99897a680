"""The ways through the house. Each calls ``armed`` where the dying begins."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from django_toopher.client import ToopherApi
from django_toopher.connection import api
from django_toopher.models import ToopherAccount
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Pairing

from ...factories import paired, registered_phone, requester_of
from .people import Browser, Person

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
    """Of a second phone: the last one has to stay."""
    person.signed_in()
    paired(requester_of(), person.name, registered_phone("Second"))
    armed()
    frame = person.managing()
    proposal = frame.call("remove", pairing=frame.state["phones"][0]["id"])["postback"]
    assert person.browser.post("/accounts/phones/postback/", proposal).status_code == 302


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
