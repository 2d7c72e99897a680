"""The back end that posts to a gateway."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from django_toopher.service import sms
from tests.tables import table

from .acts import BACKENDS, CREATE, NUMBER, TEXT


@dataclass
class Gateway:
    """A gateway on 127.0.0.1: answers everything with ``status``, and keeps what it was sent."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    received: list = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False


def configure(settings, **options):
    """Have the back end ``http``, with these options beside those that it has."""
    before = getattr(settings, "TOOPHER_SERVICE_SMS", {}).get("OPTIONS", {})
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": f"{BACKENDS}.http.SmsBackend", "OPTIONS": {**before, **options}}


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
    configure(settings, url=f"http://127.0.0.1:{server.server_port}/send?account=7")
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
    configure(settings, form=True)
    sms.send(TEXT)
    [(_, headers, body)] = gateway.received
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body) == {"to": [NUMBER], "text": [TEXT.text]}


def test_http_sends_the_token_and_further_headers(settings, gateway):
    configure(settings, token="gateway-token", headers={"X-Account": "7"})
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
    configure(settings, timeout=1)
    gateway.hangs = True
    with pytest.raises(sms.SmsError, match="could not be reached"):
        sms.send(TEXT)


def test_http_says_when_nobody_is_there(settings, gateway):
    configure(settings, url="http://127.0.0.1:9/")
    with pytest.raises(sms.SmsError, match="could not be reached"):
        sms.send(TEXT)


@table("status", [409, 500])
def test_S18_http_logs_and_tells_neither_token_nor_number_nor_text(settings, gateway, caller, caplog, status):
    configure(settings, token="gateway-token")
    gateway.status = status
    response = caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    assert response.status_code in (409, 502)
    for secret in ("gateway-token", "5555555555", "#pair="):
        assert secret not in caplog.text + response.content.decode()
