"""Pairing by SMS, and the back ends that send it (PROTOCOL.md §2.1, row 2, and §2.2)."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_toopher.client import RequestRefusedError
from django_toopher.service import sms
from django_toopher.service.conf import conf
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.errors import BadParameterError
from django_toopher.service.models import Pairing
from django_toopher.service.sms.backends.base import BaseSmsBackend
from django_toopher.service.sms.numbers import normalized
from tests.tables import table

from .callers import PHONE, rows
from .shapes import PAIRING, assert_error, assert_shape
from .test_models import dump

CREATE = "pairings/create/sms"
NUMBER = "+15555555555"
BACKENDS = "django_toopher.service.sms.backends"
TEXT = sms.SmsMessage(NUMBER, "Grüße \N{KEY}")


class OptedOutBackend(BaseSmsBackend):
    """A gateway whose every number was opted out."""

    def send_messages(self, messages):
        raise sms.OptedOutError


class BrokenBackend(BaseSmsBackend):
    """A gateway that takes nothing."""

    def send_messages(self, messages):
        raise sms.SmsError("The SMS gateway could not be reached.")


@pytest.fixture
def outbox(settings):
    """What was sent; the back end ``locmem`` is chosen."""
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{BACKENDS}.locmem.SmsBackend"
    sms.outbox.clear()
    yield sms.outbox
    sms.outbox.clear()


def link_in(message):
    return re.search(r"https://\S+", message.text).group()


# Pairing


@table("number", ["555-555-5555", "x", ""])
def test_pairing_by_SMS_is_refused_until_a_back_end_is_set(caller, number):
    before = rows()
    response = caller.post(CREATE, user_name="alice", phone_number=number)
    assert_error(response, 403, 403, "SMS is not available for this service.")
    assert rows() == before


def test_a_pairing_by_SMS_is_pending_and_one_message_goes_out(caller, outbox):
    told = caller.post(CREATE, user_name="alice", phone_number="555-555-5555").json()
    assert_shape(told, PAIRING)
    assert (told["pending"], told["enabled"], told["authenticator"]) == (True, False, {})
    [message] = outbox
    assert message.to == NUMBER
    assert link_in(message).startswith(f"{PHONE}#pair=")


def test_the_message_says_who_sends_it_and_how_long_it_can_be_used(settings, caller, outbox, requester):
    settings.TOOPHER_SERVICE_PAIRING_AGE = 300
    caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    [message] = outbox
    assert message.text.startswith(requester.name)
    assert "5 minutes" in message.text
    assert "alice" not in message.text


def test_the_link_opens_the_phones_page_and_pairs_it(api, outbox, phone):
    pairing = api.pair("alice", "555-555-5555")
    phone.pair_link(link_in(outbox[0]))
    pairing.refresh_from_server(api)
    assert (bool(pairing), pairing.pending) == (True, False)


def test_S29_the_link_pairs_one_phone(api, outbox, make_phone):
    api.pair("alice", "555-555-5555")
    make_phone().pair_link(link_in(outbox[0]))
    with pytest.raises(RefusedError):
        make_phone().pair_link(link_in(outbox[0]))
    assert Pairing.objects.get().is_enabled


def test_S29_the_link_is_over_with_its_time(api, outbox, phone):
    api.pair("alice", "555-555-5555")
    Pairing.objects.update(expires="2020-01-01T00:00:00Z")
    with pytest.raises(RefusedError):
        phone.pair_link(link_in(outbox[0]))


@table("parameter", ["phone_country", "country_code"])
def test_the_country_has_either_name(caller, outbox, parameter):
    caller.post(CREATE, user_name="alice", phone_number="7911 123456", **{parameter: "44"})
    assert outbox[0].to == "+447911123456"


def test_the_country_of_one_is_what_clients_send(api, outbox):
    api.pair("alice", "555-555-5555", phone_country="1")
    assert outbox[0].to == NUMBER


@table(
    "fields",
    [
        {"phone_number": ""},
        {"user_name": ""},
        {"user_name": "a\0"},
        {"user_name": "n" * 256},
        {"phone_number": "555"},
        {"phone_number": "\0"},
        {"phone_number": "5" * 5000},
        {"phone_number": "555-555-5555 ext. 7"},
        {"phone_number": "\u0665\u0665\u0665-555-5555"},
        {"phone_country": "+1"},
        {"phone_country": "0"},
        {"phone_country": "\u0661"},
        {"phone_country": "1234"},
    ],
)
def test_S35_what_is_no_number_changes_nothing_and_sends_nothing(caller, outbox, fields):
    before = rows()
    response = caller.post(CREATE, **{"user_name": "alice", "phone_number": "555-555-5555", **fields})
    assert_error(response, 400, 400)
    assert rows() == before
    assert outbox == []


def test_an_opted_out_number_is_409_and_pairs_nobody(settings, api):
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{__name__}.OptedOutBackend"
    with pytest.raises(RequestRefusedError) as refused:
        api.pair("alice", "555-555-5555")
    assert (refused.value.status, refused.value.code) == (409, 409)
    assert not Pairing.objects.exists()


def test_a_gateway_that_fails_is_told_clearly_and_leaves_no_pairing(settings, caller):
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{__name__}.BrokenBackend"
    response = caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    assert_error(response, 502, 502, "The SMS gateway could not be reached.")
    assert not Pairing.objects.exists()


def test_S34_the_number_is_kept_nowhere(caller, outbox, caplog):
    told = caller.post(CREATE, user_name="alice", phone_number="555-555-5555").content.decode()
    for text in (dump(), told, caplog.text):
        assert "5555" not in text


# Numbers


@table(
    ("number", "country", "expected"),
    [
        ("555-555-5555", "1", NUMBER),
        ("(555) 555.5555", "1", NUMBER),
        ("1 555 555 5555", "1", NUMBER),
        ("+1 555/555-5555", "1", NUMBER),
        ("+1 (555) 555\u20115555", "44", NUMBER),
        ("5555555555", "1", NUMBER),
        ("\t555 555\u00a05555 ", "1", NUMBER),
        ("7911 123456", "44", "+447911123456"),
        ("+447911123456", "1", "+447911123456"),
        ("06 1234 5678", "39", "+390612345678"),
        ("151 23456789", "49", "+4915123456789"),
    ],
)
def test_a_number_is_taken_as_people_write_it(number, country, expected):
    assert normalized(number, country) == expected


@table(
    "number",
    ["", "+", "++15555555555", "1+5555555555", "555555555", "+1555555555", "+0155555555", "1" * 16, "abc", "5;5"],
)
def test_what_is_no_number_is_refused(number):
    with pytest.raises(BadParameterError):
        normalized(number)


# Back ends


def test_console_writes_to_standard_output(settings, capsys):
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{BACKENDS}.console.SmsBackend"
    sms.send(TEXT)
    assert capsys.readouterr().out == f"SMS to {NUMBER}\n{TEXT.text}\n\n"


def test_filebased_writes_a_file_for_each_message(settings, tmp_path):
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{BACKENDS}.filebased.SmsBackend"
    settings.TOOPHER_SERVICE_SMS_FILE_PATH = tmp_path / "new" / "folder"
    for _ in range(2):
        sms.send(TEXT)
    files = [*settings.TOOPHER_SERVICE_SMS_FILE_PATH.iterdir()]
    assert [file.read_text("utf-8") for file in files] == [f"SMS to {NUMBER}\n{TEXT.text}\n"] * 2


@table(("backend", "setting"), [("filebased", "SMS_FILE_PATH"), ("http", "SMS_URL")])
def test_a_back_end_names_the_setting_that_it_lacks(settings, backend, setting):
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{BACKENDS}.{backend}.SmsBackend"
    with pytest.raises(ImproperlyConfigured, match=setting):
        sms.send(TEXT)


# The gateway over HTTP


@dataclass
class Gateway:
    """A gateway on 127.0.0.1: answers everything with ``status``, and keeps what it was sent."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    received: list = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False


@pytest.fixture
def gateway(settings):
    told = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.received.append((self.path, dict(self.headers), body))
            if told.hangs:
                told.is_over.wait(20)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"whatever")

        def do_GET(self):
            told.received.append((self.path, dict(self.headers), "GET"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.TOOPHER_SERVICE_SMS_BACKEND = f"{BACKENDS}.http.SmsBackend"
    settings.TOOPHER_SERVICE_SMS_URL = f"http://127.0.0.1:{server.server_port}/send?account=7"
    yield told
    told.is_over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_http_posts_JSON(gateway):
    sms.send(TEXT)
    [(path, headers, body)] = gateway.received
    assert path == "/send?account=7"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"to": NUMBER, "text": TEXT.text}
    assert "Authorization" not in headers


def test_http_posts_a_form_when_told_so(settings, gateway):
    settings.TOOPHER_SERVICE_SMS_FORM = True
    sms.send(TEXT)
    [(_, headers, body)] = gateway.received
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body) == {"to": [NUMBER], "text": [TEXT.text]}


def test_http_sends_the_token_and_further_headers(settings, gateway):
    settings.TOOPHER_SERVICE_SMS_TOKEN = "gateway-token"
    settings.TOOPHER_SERVICE_SMS_HEADERS = {"X-Account": "7"}
    sms.send(TEXT)
    [(_, headers, _)] = gateway.received
    assert (headers["Authorization"], headers["X-Account"]) == ("Bearer gateway-token", "7")


@table("status", [200, 201, 202, 204])
def test_http_takes_any_2xx_for_a_success(gateway, status):
    gateway.status = status
    sms.send(TEXT)


@table("status", [400, 401, 404, 429, 500, 503])
def test_http_tells_the_status_of_a_failure(gateway, status):
    gateway.received.clear()
    gateway.status = status
    with pytest.raises(sms.SmsError, match=str(status)):
        sms.send(TEXT)
    assert len(gateway.received) == 1


def test_http_409_is_an_opt_out(gateway):
    gateway.status = 409
    with pytest.raises(sms.OptedOutError):
        sms.send(TEXT)


@table("status", [301, 302, 303, 307, 308])
def test_http_follows_no_redirect(gateway, status):
    gateway.received.clear()
    gateway.status, gateway.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(sms.SmsError, match=str(status)):
        sms.send(TEXT)
    assert [path for path, _, _ in gateway.received] == ["/send?account=7"]


def test_http_gives_up_after_its_time(settings, gateway):
    gateway.hangs, settings.TOOPHER_SERVICE_SMS_TIMEOUT = True, 1
    with pytest.raises(sms.SmsError, match="could not be reached"):
        sms.send(TEXT)


def test_http_says_when_nobody_is_there(settings, gateway):
    settings.TOOPHER_SERVICE_SMS_URL = "http://127.0.0.1:9/"
    with pytest.raises(sms.SmsError, match="could not be reached"):
        sms.send(TEXT)


@table("status", [409, 500])
def test_S18_http_logs_and_tells_neither_token_nor_number_nor_text(settings, gateway, caller, caplog, status):
    settings.TOOPHER_SERVICE_SMS_TOKEN = "gateway-token"
    gateway.status = status
    response = caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    assert response.status_code in (409, 502)
    for secret in ("gateway-token", "5555555555", "#pair="):
        assert secret not in caplog.text + response.content.decode()


# Settings


@table(
    ("name", "wrong"),
    [
        ("SMS_BACKEND", "nowhere.at.all"),
        ("SMS_BACKEND", "SmsBackend"),
        ("SMS_BACKEND", f"{BACKENDS}.locmem.Nothing"),
        ("SMS_BACKEND", 7),
        ("SMS_URL", "sms.example.org"),
        ("SMS_URL", "file:///etc/passwd"),
        ("SMS_FORM", "yes"),
        ("SMS_HEADERS", {"X-Account": 7}),
        ("SMS_HEADERS", "X-Account: 7"),
        ("SMS_FILE_PATH", ""),
        ("SMS_TOKEN", b"gateway-token"),
    ],
)
def test_E001_a_setting_of_SMS_that_can_not_be_used(name, wrong):
    with override_settings(**{f"TOOPHER_SERVICE_{name}": wrong}):
        [error] = [each for each in run_checks(tags=["toopher_service"]) if each.id == "toopher_service.E001"]
    assert f"TOOPHER_SERVICE_{name}" in error.msg
    assert "gateway-token" not in error.msg


def test_right_settings_of_SMS(settings, tmp_path):
    settings.TOOPHER_SERVICE_SMS_FILE_PATH = tmp_path
    settings.TOOPHER_SERVICE_SMS_URL = "https://sms.example.org/send"
    assert tmp_path == conf.TOOPHER_SERVICE_SMS_FILE_PATH
    assert conf.TOOPHER_SERVICE_SMS_URL == "https://sms.example.org/send"
