"""The address that each published client signs."""

from __future__ import annotations

import pytest

from ..sockets import head
from .acts import only

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@only("java11", "phpref", "py105")
def test_the_host_is_signed_in_lower_case(make_sender, generation):
    sender = make_sender(generation)
    [request] = sender.request("GET", "users", [("user_name", "alice")])
    assert sender.deliver("GET", request.replace(b"Host: localhost:", b"Host: LocalHost:")).json() == []


@only("java11", "seed", "phpref")
def test_an_address_without_its_last_slash_is_told_so(make_sender, generation):
    sender = make_sender(generation)
    for method, path in [("POST", "/toopher/v1pairings/create"), ("GET", "/toopher/v1users?user_name=alice")]:
        reply = sender.deliver(
            method, head(method, path, [("Host", sender.root.split("/")[2]), ("Content-Length", "0")])
        )
        assert (reply.status, reply.json()["error_code"]) == (404, 404)
        assert "slash" in reply.json()["error_message"]


@only("java11")
def test_a_default_port_is_not_signed(make_sender, settings, generation):
    """Java's default address has ``:443``, which signpost drops; a proxy in front speaks the https."""
    sender = make_sender(generation)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for scheme, port in [("http", ":80"), ("https", ":443"), ("https", "")]:
        header = sender.header(sender.signed("GET", f"{scheme}://localhost/toopher/v1/users", [("name", "alice")]))
        headers = [("Host", f"localhost{port}"), ("X-Forwarded-Proto", scheme), ("Authorization", header)]
        assert sender.deliver("GET", head("GET", "/toopher/v1/users?name=alice", headers)).json() == []


@only("phpref")
def test_behind_a_proxy_the_public_address_is_signed(make_sender, settings, generation):
    sender = make_sender(generation)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["2fa.example.org"]
    url = "https://2fa.example.org:8443/toopher/v1/users"
    header = sender.header(sender.signed("GET", url, [("name", "alice")]))
    forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "2fa.example.org:8443")]
    headers = [("Host", "backend:8000"), *forwarded, ("Authorization", header)]
    assert sender.deliver("GET", head("GET", "/toopher/v1/users?name=alice", headers)).json() == []
