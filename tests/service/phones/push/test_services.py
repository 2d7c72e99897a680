"""Push services that are slow, dead or hostile (SECURITY.md S33)."""

from __future__ import annotations

import logging
import socket
import time

import pytest
import requests

from django_toopher.service.models import PushSubscription
from django_toopher.service.phones import push
from django_toopher.service.phones.push import delivery
from tests.push_server import HOST, Subscription
from tests.tables import table

from ...callers import base64url
from .acts import subscribe


def test_a_slow_push_service_holds_the_caller_no_longer_than_the_timeout(monkeypatch, subscribed, push_server, ask):
    monkeypatch.setattr(delivery, "TIMEOUT", 1)
    push_server.delay = 6
    start = time.monotonic()
    assert ask().pending
    assert time.monotonic() - start < 4


def test_many_slow_phones_hold_the_caller_no_longer_than_one(
    monkeypatch, subscribed, push_server, pair, ask, make_raw_phone
):
    monkeypatch.setattr(delivery, "TIMEOUT", 1)
    for number in range(4):
        other = make_raw_phone()
        pair(other)
        subscribe(other, Subscription(endpoint=f"https://{HOST}/push/{number}"))
    push_server.delay = 6
    start = time.monotonic()
    ask()
    assert time.monotonic() - start < 4


def test_a_name_that_is_looked_up_slowly_holds_nobody_either(monkeypatch, subscribed, ask):
    monkeypatch.setattr(delivery, "TIMEOUT", 1)
    monkeypatch.setattr(delivery, "public_addresses", lambda host: time.sleep(5) or [])
    start = time.monotonic()
    assert ask().pending
    assert time.monotonic() - start < 4


def test_a_dead_push_service_fails_no_request(monkeypatch, subscribed, ask, caplog):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr(delivery, "public_addresses", lambda host: [unused.getsockname()])
        assert ask().pending
    assert f"{HOST} could not be reached" in caplog.text


def test_the_endpoint_is_a_secret_and_not_logged(subscribed, push_server, ask, caplog):
    caplog.set_level(logging.DEBUG)
    push_server.status = 500
    ask()
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("django_toopher")]
    assert messages
    assert not any("0123456789" in message for message in messages)


def test_S33_a_redirect_is_not_followed(subscribed, push_server, ask):
    push_server.status, push_server.headers = 307, {"Location": f"https://{HOST}/elsewhere"}
    ask()
    assert [message.path for message in push_server.received] == ["/push/0123456789"]


def test_S33_a_certificate_of_another_authority_is_refused(monkeypatch, subscribed, push_server, ask):
    import certifi

    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", certifi.where())
    assert ask().pending
    assert push_server.connections == 1
    assert push_server.received == []


def test_S33_no_proxy_of_the_environment_is_used(monkeypatch, subscribed, push_server, ask):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    ask()
    assert len(push_server.received) == 1


@table(
    "endpoint",
    [
        f"http://{HOST}/push",
        f"https://{HOST}:8443/push",
        f"https://{HOST}:80/push",
        f"https://{HOST}:99999/push",
        f"https://{HOST}.evil.example/push",
        f"https://evil-{HOST}/push",
        f"https://sub.{HOST}/push",
        f"https://{HOST}@evil.example/push",
        f"https://user@{HOST}/push",
        f"https://evil.example\\@{HOST}/push",
        f"https://{HOST}\\.evil.example/push",
        "https://127.0.0.1/push",
        "https://localhost/push",
        "https://[::1]/push",
        "https://169.254.169.254/latest/meta-data",
        f"ftp://{HOST}/push",
        f"//{HOST}/push",
        "https:///push",
        "https://[/push",
        f"https://{HOST}/a b",
        f"https://{HOST}/a\nb",
        f"https://{HOST}/\u00e9",
        f"https://{HOST}/" + "a" * 2000,
        "",
    ],
)
def test_S33_another_address_is_refused(settings, raw_phone, browser, endpoint):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = [HOST]
    response = subscribe(raw_phone, browser, endpoint=endpoint)
    assert (response.status_code, response.json()["reason"]) == (400, "bad_request")
    assert not PushSubscription.objects.exists()


@table(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
        "https://fcm.googleapis.com:443/wp/abc",
    ],
)
def test_S33_the_push_services_of_the_browsers_are_allowed(raw_phone, browser, endpoint):
    assert subscribe(raw_phone, browser, endpoint=endpoint).status_code == 200


@table("host", [host.lstrip(".") for host in push.HOSTS])
def test_S33_a_name_that_only_ends_like_an_allowed_one_is_refused(host):
    assert not push.may_fetch(f"https://evil{host}/abc")
    assert not push.may_fetch(f"https://{host}.example/abc")


def test_S33_a_host_that_is_allowed_no_more_is_not_called(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = ["updates.push.services.mozilla.com"]
    ask()
    assert push_server.connections == 0
    assert not PushSubscription.objects.exists()


@table(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104
        "100.64.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
        "224.0.0.1",
        "ff0e::1",
        "fec0::1",
    ],
)
def test_S33_a_name_with_a_private_address_is_not_called(address, monkeypatch):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(socket.AF_INET, 1, 6, "", ("8.8.8.8", 443)), (family, 1, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    with pytest.raises(PermissionError):
        delivery.public_addresses(HOST)


@table("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_called(address, monkeypatch):
    found = [(socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    assert delivery.public_addresses(HOST) == [(address, 443)]


def test_S33_what_was_looked_up_is_what_is_called(monkeypatch, subscribed, push_server, ask):
    """A name that changes its address between the check and the call (DNS rebinding) gains nothing."""
    monkeypatch.undo()
    asked = []

    def getaddrinfo(host, port, *_args, **_options):
        asked.append(host)
        address = "8.8.8.8" if host == HOST and asked.count(HOST) == 1 else "127.0.0.1"
        return [(socket.AF_INET, 1, 6, "", (address if host == HOST else host, port))]

    connected = []

    def connect(self, address):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    ask()
    assert connected == [("8.8.8.8", 443)]


def test_S33_at_a_private_address_nothing_is_opened(monkeypatch, subscribed, push_server, ask):
    monkeypatch.undo()
    found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", push_server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    assert ask().pending
    assert push_server.connections == 0


@table(
    "changes",
    [
        {"p256dh": "x"},
        {"p256dh": base64url(b"\x04" + b"\x01" * 64)},
        {"p256dh": base64url(bytes(65))},
        {"p256dh": "\u00e9" * 87},
        {"auth": "x"},
        {"auth": base64url(bytes(15))},
        {"auth": "!" * 22},
        {"key": "x"},
        {"key": None},
        {"endpoint": None},
        {"p256dh": 5},
        {"auth": ["x"]},
    ],
)
def test_S35_what_is_no_subscription_is_refused(settings, raw_phone, browser, changes):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = [HOST]
    response = subscribe(raw_phone, browser, **changes)
    assert (response.status_code, response.json()["reason"]) == (400, "bad_request")
    assert not PushSubscription.objects.exists()
