"""Waking phones up (RFC 8030, 8291, 8292), and whom that may call (SECURITY.md S33)."""

from __future__ import annotations

import logging
import socket
import time
from datetime import timedelta

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection, transaction
from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest, PushSubscription
from django_toopher.service.phones import push
from django_toopher.service.phones.push import delivery, keys
from tests.push_server import HOST, PushServer, Subscription, raw_of
from tests.tables import table

from ..callers import base64url


@pytest.fixture(scope="module")
def _server(tmp_path_factory):
    with PushServer(tmp_path_factory.mktemp("push")) as server:
        yield server


@pytest.fixture
def push_server(_server, monkeypatch, settings):
    """A real push service at ``HOST``, which only the tests can find."""
    _server.received.clear()
    _server.status, _server.headers, _server.delay, _server.connections = 201, {}, 0.0, 0
    settings.TOOPHER_SERVICE_PUSH_HOSTS = [HOST]
    monkeypatch.setattr(delivery, "public_addresses", lambda host: [("127.0.0.1", _server.port)])
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(_server.authority))
    return _server


@pytest.fixture
def browser():
    """The phone's browser, subscribed."""
    return Subscription()


def subscribe(phone, browser, **changes):
    return phone.call("push", **{**browser.claims(keys.public_key()), **changes})


@pytest.fixture
def subscribed(push_server, raw_phone, pair, browser):
    """Alice's phone, which can be woken up."""
    pair(raw_phone)
    assert subscribe(raw_phone, browser).status_code == 200
    return raw_phone


@pytest.fixture
def ask(api, django_capture_on_commit_callbacks):
    """Asks alice's phones."""

    def make(**options):
        with django_capture_on_commit_callbacks(execute=True):
            return api.authenticate("alice", "secret-1", "Log In", terminal_name="Office laptop", **options)

    return make


# The message


def test_a_question_wakes_the_phone_up(subscribed, push_server, browser, ask):
    ask()
    [message] = push_server.received
    assert message.path == "/push/0123456789"
    expires = AuthenticationRequest.objects.get().expires
    assert browser.decrypt(message.body) == {"expires": int(expires.timestamp())}


def test_the_message_is_urgent_and_lives_as_long_as_the_question(subscribed, push_server, ask):
    ask()
    headers = push_server.received[0].headers
    assert (headers["urgency"], headers["content-encoding"]) == ("high", "aes128gcm")
    assert 110 <= int(headers["ttl"]) <= 120


def test_the_message_is_signed_for_this_push_service(subscribed, push_server, ask):
    ask()
    scheme, _space, rest = push_server.received[0].headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", keys.public_key())
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw_of(parts["k"]))
    claims = jwt.decode(parts["t"], point, ["ES256"], audience=f"https://{HOST}")
    assert claims["sub"] == "https://testserver"
    assert claims["exp"] < time.time() + 24 * 3600


def test_whom_a_push_service_may_write_to_is_a_setting(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_CONTACT = "mailto:admin@example.org"
    ask()
    token = push_server.received[0].headers["authorization"].removeprefix("vapid t=").split(",")[0]
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == "mailto:admin@example.org"


def test_the_message_tells_nothing_of_the_question(subscribed, push_server, browser, ask):
    request = ask()
    told = str(browser.decrypt(push_server.received[0].body)) + str(push_server.received[0].headers)
    for secret in (request.number, request.id, "alice", "Log In", "Office laptop"):
        assert secret not in told


# Who is woken up, and when


def test_all_phones_of_the_user_are_woken_up(subscribed, push_server, pair, ask, make_raw_phone):
    other, elsewhere = make_raw_phone(), Subscription(endpoint=f"https://{HOST}/push/other")
    pair(other)
    subscribe(other, elsewhere)
    ask()
    assert {message.path for message in push_server.received} == {"/push/0123456789", "/push/other"}


def test_another_users_phone_is_left_asleep(
    subscribed, push_server, pair, api, django_capture_on_commit_callbacks, make_raw_phone
):
    pair(make_raw_phone(), "bob")
    with django_capture_on_commit_callbacks(execute=True):
        api.authenticate("bob", "secret-1", "Log In", terminal_name="PC")
    assert push_server.received == []


def test_a_phone_that_was_removed_is_left_asleep(subscribed, push_server, pair, ask, make_raw_phone):
    pair(make_raw_phone())
    pairing = subscribed.call("pairings").json()["pairings"][0]["id"]
    subscribed.call("remove", pairing=pairing)
    ask()
    assert push_server.received == []


def test_what_is_answered_silently_wakes_nobody_up(subscribed, push_server, ask):
    request = ask()
    wish = {"seconds": 3600, "network": False}
    assert subscribed.answer(subscribed.question(), request.number, automate=wish).status_code == 200
    push_server.received.clear()
    assert ask().automated
    assert push_server.received == []


def test_a_question_that_only_a_code_answers_wakes_nobody_up(api, push_server, subscribed, ask):
    subscribed.call("remove", pairing=subscribed.call("pairings").json()["pairings"][0]["id"])
    api.post("users/activate_next_otp_list", user_name="alice")
    assert ask().reason_code == 708
    assert push_server.received == []


def test_a_question_that_is_refused_wakes_nobody_up(
    subscribed, push_server, caller, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = caller.post(
            "authentication_requests/initiate", user_name="alice", terminal_name="PC", action_name="a" * 999
        )
    assert response.status_code == 400
    assert push_server.received == []


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_up_for_what_was_rolled_back(subscribed, push_server, api):
    with transaction.atomic():
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        transaction.set_rollback(True)
    assert push_server.received == []


@pytest.mark.django_db(transaction=True)
def test_the_phone_is_woken_up_when_the_question_can_be_seen(subscribed, push_server, api):
    with transaction.atomic():
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        assert push_server.received == []
    assert len(push_server.received) == 1


def test_without_push_services_nothing_is_sent(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = []
    ask()
    assert push_server.received == []
    assert not PushSubscription.objects.exists()


# The subscription


def test_a_new_subscription_replaces_the_old_one(subscribed, push_server, ask):
    newer = Subscription(endpoint=f"https://{HOST}/push/newer")
    subscribe(subscribed, newer)
    ask()
    [message] = push_server.received
    assert message.path == "/push/newer"
    newer.decrypt(message.body)


def test_a_phone_can_be_left_asleep(subscribed, push_server, ask):
    assert subscribed.call("push-remove").status_code == 200
    ask()
    assert push_server.received == []


def test_a_phone_that_is_not_woken_up_can_be_left_asleep(raw_phone):
    assert raw_phone.call("push-remove").status_code == 200


def test_S26_another_phone_can_not_change_it(subscribed, push_server, ask, make_raw_phone):
    other = make_raw_phone()
    other.call("push-remove")
    subscribe(other, Subscription(endpoint=f"https://{HOST}/push/other"))
    ask()
    assert [message.path for message in push_server.received] == ["/push/0123456789"]


def test_S34_a_subscription_is_not_readable_in_the_database(subscribed, browser):
    with connection.cursor() as cursor:
        cursor.execute("SELECT contents FROM toopher_service_pushsubscription")
        [[stored]] = cursor.fetchall()
    for secret in (HOST, "0123456789", base64url(browser.auth)):
        assert secret not in stored


def test_S34_a_subscription_outlives_a_rotated_secret_key(settings, subscribed, push_server, browser, ask):
    before = keys.public_key()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    ask()
    assert keys.public_key() != before
    assert f"k={before}" in push_server.received[0].headers["authorization"]


def test_S34_a_phone_can_subscribe_anew_when_its_old_subscription_can_not_be_read(settings, subscribed, push_server):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    newer = Subscription(endpoint=f"https://{HOST}/push/newer")
    assert subscribe(subscribed, newer).status_code == 200
    assert PushSubscription.objects.get().contents["endpoint"] == newer.endpoint


def test_a_key_is_the_same_in_every_process_and_another_for_every_secret(settings):
    first = keys.public_key()
    settings.SECRET_KEY = "another"
    second = keys.public_key()
    settings.SECRET_KEY = "tests-only-not-a-secret"
    assert keys.public_key() == first != second
    assert keys.private_key(second) is None


@table("status", [404, 410])
def test_a_subscription_that_is_over_is_forgotten(subscribed, push_server, ask, status):
    push_server.status = status
    ask()
    assert not PushSubscription.objects.exists()


@table("status", [400, 403, 413, 429, 500, 503])
def test_a_push_service_that_fails_is_tried_again_next_time(subscribed, push_server, ask, status, caplog):
    caplog.clear()
    push_server.status = status
    assert ask().pending
    assert PushSubscription.objects.exists()
    assert f"{HOST} refused a push message" in caplog.text


def test_one_that_was_made_anew_meanwhile_is_kept(subscribed):
    row = PushSubscription.objects.get()
    PushSubscription.objects.update(created=timezone.now() + timedelta(seconds=1))
    push._forget([row])
    assert PushSubscription.objects.exists()


# A push service that is slow, dead or hostile


def test_a_slow_push_service_holds_the_caller_no_longer_than_the_timeout(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_TIMEOUT = 1
    push_server.delay = 6
    start = time.monotonic()
    assert ask().pending
    assert time.monotonic() - start < 4


def test_many_slow_phones_hold_the_caller_no_longer_than_one(
    settings, subscribed, push_server, pair, ask, make_raw_phone
):
    settings.TOOPHER_SERVICE_PUSH_TIMEOUT = 1
    for number in range(4):
        other = make_raw_phone()
        pair(other)
        subscribe(other, Subscription(endpoint=f"https://{HOST}/push/{number}"))
    push_server.delay = 6
    start = time.monotonic()
    ask()
    assert time.monotonic() - start < 4


def test_a_name_that_is_looked_up_slowly_holds_nobody_either(settings, monkeypatch, subscribed, ask):
    settings.TOOPHER_SERVICE_PUSH_TIMEOUT = 1
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


# The web app


def test_the_page_tells_the_key(client):
    assert f'data-push-key="{keys.public_key()}"' in client.get("/toopher/phone/").content.decode()


def test_where_push_is_switched_off_the_page_offers_none(client, settings):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = []
    assert 'data-push-key=""' in client.get("/toopher/phone/").content.decode()
