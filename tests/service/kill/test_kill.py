"""Killed at any point (SECURITY.md S36): a worker process dies by SIGKILL, and afterwards everything still holds.

The worker is a real web server (``killed_worker``); browser and phone live here and speak HTTP with it. Each way
through the house is gone again and again, the worker dying before its first step, then before its second, and so on
until the way is gone to its end; then at random moments. After each death the person logs in anew, at once.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from functools import partial
from itertools import count
from time import monotonic

import pytest
import requests
from django.db import connection
from django.utils import timezone

from django_toopher.client import ServiceUnavailableError
from django_toopher.models import Attempt
from django_toopher.service.device.cli_replies import PhoneError
from django_toopher.service.models import Pairing

from .invariants import violations
from .people import Person
from .ways import WAYS, Armed, Way

pytestmark = [pytest.mark.servers, pytest.mark.slow]

LOST = (requests.RequestException, ServiceUnavailableError)
"""What a client sees of a worker that was killed."""

RANDOM_KILLS = 12


def ready(way: Way, person: Person | None, name: str, port: int) -> Person:
    """Who goes this way next."""
    if person is None or way.new:
        person = Person(name, port)
        if way.paired:
            person.pair()
    person.at_server()
    return person


def is_lost(way: Way, person: Person, armed: Armed) -> bool:
    """Go; whether the worker was killed on the way."""
    try:
        way.go(person, armed)
    except LOST:
        return True
    except PhoneError as error:
        if error.reason != "unreachable":
            raise
        return True
    return False


def check(person: Person, where: str) -> None:
    """After a death: what was sent last can be used up once at the most, everything holds, and the person gets in."""
    connection.close()
    now = timezone.now()
    try:
        refused_again(person)
        assert not list(violations(person.since))
        person.start_anew()
        assert not list(violations(now))
    except Exception as exc:
        raise AssertionError(where) from exc
    person.since = now


def refused_again(person: Person) -> None:
    """The same bytes once more, and once more: what is for one use is refused by then."""
    person.wire.send_again()
    before = used_up()
    response = person.wire.send_again()
    if response.is_redirect:  # to the login page, or to one that asks for the phone
        assert used_up() == before, response.request.path_url
    elif re.search(r"/phone/v1/|/postback/|/reset\b|/users/|/authentication_requests/", response.request.path_url):
        assert response.status_code >= 400, (response.request.path_url, response.status_code)


def used_up() -> list[object]:
    """What a postback could have used up or changed."""
    granted = Attempt.objects.filter(outcome="granted").order_by("pk").values_list("pk", flat=True)
    return [*granted, *Pairing.objects.order_by("pk").values_list("pk", "state")]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.go.__name__)
def test_S36_killed_before_each_step(server, way, record_property):
    person = None
    for step in count(1):
        person = ready(way, person, f"{way.who} {step}", server.port)
        if not is_lost(way, person, partial(setattr, person.wire, "kill_before", step)):
            break
        check(person, f"killed before step {step}, {server.last_kill()}")
    record_property("kills", step - 1)
    assert step > way.least


def test_S36_killed_at_random_moments(server):
    seed = random.getrandbits(32)  # known from the seed that pytest-randomly prints
    dice = random.Random(seed)  # noqa: S311
    kills, patience = 0, 0.15
    for attempt in range(60):
        way = dice.choice(WAYS)
        person = ready(way, None, f"{way.who} {attempt}", server.port)
        person.browser.get("/")  # tells which worker it is
        killer = threading.Timer(dice.uniform(0, patience), os.kill, (person.wire.worker, signal.SIGKILL))
        begun = monotonic()
        lost = is_lost(way, person, killer.start)
        patience = patience if lost else monotonic() - begun  # on a fast machine, many would come through otherwise
        killer.cancel()
        killer.join()
        kills += lost
        check(person, f"seed {seed}, attempt {attempt}, {way.go.__name__}")
        if kills == RANDOM_KILLS:
            break
    assert kills
