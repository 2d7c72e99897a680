"""A real server, and published clients before it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import count

import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from django_toopher.service.device.cli_phone import CommandLinePhone, public_jwk
from django_toopher.service.phones import authenticators

from ..generations import Generation, Sender
from ..sockets import PATIENCE


@pytest.fixture
def root(live_server: LiveServer, transactional_db):
    """The API's root. Afterwards the server's threads end before the database that they share goes."""
    yield f"{live_server.url}/toopher/v1"
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(PATIENCE)


@pytest.fixture
def make_sender(root, make_requester):
    """Makes sites with a client of some generation, each a requester that has users of its own."""
    numbers = count()

    def make(generation: Generation) -> Sender:
        requester = make_requester(f"key{next(numbers)}")
        return Sender(generation, root, requester.consumer_key, requester.consumer_secret)

    return make


@pytest.fixture
def make_live_phone(root):
    """Makes phones that talk to the real server."""
    with ExitStack() as sessions:

        def make() -> CommandLinePhone:
            session = sessions.enter_context(requests.Session())
            phone = CommandLinePhone(f"{root.removesuffix('v1')}phone/", session=session)
            phone.id = str(authenticators.register(public_jwk(phone.key.public_key()), "Pixel").pk)
            return phone

        yield make
