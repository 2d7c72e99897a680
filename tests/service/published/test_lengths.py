"""Forms without a length, which end their connection (PROTOCOL.md §1.3-5)."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.tables import table

from ..callers import FORM
from ..sockets import connect
from .acts import ONE_OF_EACH_KIND, only, pair, refused, told

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@only("seed")
@table("together", [True, False], ids=["in one packet", "in two"])
def test_an_empty_form_without_length_is_read_and_the_connection_ends(
    make_sender, make_live_phone, together, generation
):
    """The stray bytes behind it are not taken for another request (PROTOCOL.md §1.3-5)."""
    sender, phone = make_sender(generation), make_live_phone()
    request, stray = sender.request("POST", f"pairings/{pair(sender, phone)['id']}/generate_reset_link", [])
    assert stray == b"0\r\n\r\n"
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", *([request + stray] if together else [request, stray]), on=connection)
        assert told(reply)["url"]
        assert reply.headers["Connection"] == "close"
        assert connection.is_ended()


@only("seed")
def test_a_refused_form_without_length_ends_the_connection_too(make_sender, generation):
    sender = make_sender(generation)
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", *sender.request("POST", "users/reset", [], oauth_nonce=""), on=connection)
        assert refused(reply)
        assert reply.headers["WWW-Authenticate"] == 'OAuth realm="toopher"'
        assert reply.headers["Connection"] == "close"
        assert connection.is_ended()


def test_under_asgi_a_form_without_length_ends_the_connection_by_a_header(db):
    """Which an application may set there, other than under WSGI."""

    @async_to_sync
    async def send(*request: object, **more: object):
        return await AsyncClient().generic(*request, **more)

    assert send("POST", "/toopher/v1/users/reset", headers={"Content-Type": FORM})["Connection"] == "close"
    assert not send("POST", "/toopher/v1/users/reset", b"a=b", FORM).has_header("Connection")


@only(*ONE_OF_EACH_KIND)
def test_requests_with_a_length_share_a_connection(make_sender, generation):
    sender = make_sender(generation)
    with connect(sender.root) as connection:
        for name in ("alice", "bob"):
            reply = sender.deliver("POST", *sender.request("POST", "users/create", [("name", name)]), on=connection)
            assert told(reply)["name"] == name
        assert "close" not in reply.headers.get("Connection", "")
