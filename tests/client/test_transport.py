import gzip
import io
import pathlib
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.utils import to_native_string

from django_toopher.client import InvalidReplyError, ServiceTimeoutError, ServiceUnavailableError, ToopherApiError
from django_toopher.client.transport import MAX_REPLY_BYTES
from tests.tables import table

from .conftest import serving

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PATIENCE = 0.6
"""Seconds that a client allows for a call, in tests of what happens when they have passed."""
SLACK = 5
"""Seconds that a busy machine may take longer. What is tested would otherwise take for ever."""


@pytest.fixture
def hasty_api(make_api):
    return make_api(timeout=PATIENCE)


def failure(api):
    with pytest.raises(ToopherApiError) as caught:
        api.get("users")
    return caught.value


# S15: slow


SLOW = {
    "silence": ((), b""),
    "continue": ((), b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status-line": ((b"HTTP/1.1 200",), b" "),
    "header": ((b"HTTP/1.1 200 OK\r\nX-Drip: ",), b"x"),
    "headers": ((OK,), b"X-Drip: x\r\n"),
    "body": ((OK, b"Content-Length: 1000\r\n\r\n{"), b" "),
    "body-to-the-end": ((OK, b"\r\n{"), b" "),
    "chunks": ((OK, b"Transfer-Encoding: chunked\r\n\r\n"), b"1\r\n \r\n"),
    "chunk-size": ((OK, b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), b"0"),
    "trailer": ((OK, b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Drip: "), b"x"),
    "redirect": ((b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",), b"x"),
    "error": ((b"HTTP/1.1 500 Oops\r\n\r\n",), b"x"),
}
"""What a slow service sends at first, and then for ever."""


def test_S15_a_slow_reply_ends_in_time(make_api, subtests):
    """All of them at once, each of a service of its own: they are waited for, and nothing else."""

    def wait(pieces, forever):
        with serving() as service:
            if forever:
                service.will_send(*pieces, forever=forever)
            else:
                service.replies.append(lambda handler: service.is_over.wait(30))
            began = time.monotonic()
            return failure(make_api(service.url, timeout=PATIENCE)), time.monotonic() - began

    with ThreadPoolExecutor(len(SLOW)) as threads:
        waited = {name: threads.submit(wait, *row) for name, row in SLOW.items()}
    for name, each in waited.items():
        with subtests.test(name):
            error, seconds = each.result()
            assert type(error) is ServiceTimeoutError
            assert PATIENCE * 0.9 <= seconds < PATIENCE + SLACK


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_S15_a_server_that_accepts_nobody_ends_in_time(scheme, make_api, stopwatch):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        api = make_api(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1", timeout=PATIENCE)
        error = failure(api)
    assert type(error) is ServiceTimeoutError
    assert stopwatch() < PATIENCE + SLACK


def test_S15_a_name_that_resolves_slowly_ends_in_time(make_api, monkeypatch, service, stopwatch):
    resolve = socket.getaddrinfo

    def slowly(*args, **kwargs):
        service.is_over.wait(PATIENCE * 3)
        return resolve(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    error = failure(make_api(timeout=PATIENCE))
    assert type(error) is ServiceTimeoutError
    assert PATIENCE * 0.9 <= stopwatch() < PATIENCE * 2.5
    assert not service.received


def test_a_connection_is_usable_again_after_a_slow_but_timely_reply(service, make_api):
    api = make_api(timeout=20)
    for _ in range(3):
        service.will_answer({"fine": True})
        assert api.get("users") == {"fine": True}
    assert service.connections == 1


# S15: down, garbage, redirects, floods


def test_S15_nobody_there_is_an_error_of_the_tree(make_api):
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        error = failure(make_api(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))
    assert type(error) is ServiceUnavailableError
    assert isinstance(error.__cause__, requests.ConnectionError)


@table("url", ["2fa.example.org/v1", "http://", "http://[::1", "ftp://127.0.0.1/v1"])
def test_S15_an_impossible_url_is_an_error_of_the_tree(url, make_api):
    assert type(failure(make_api(url))) is ServiceUnavailableError


@table(
    "content",
    [
        b"",
        b"<!doctype html><title>Hello</title>",
        b"{",
        b"{} {}",
        b"\xff\xfe",
        b"null",
        b'"text"',
        b"17",
        b"[" * 100_000,
        b"9" * 100_000,
        b"[" + b"9" * 100_000 + b"]",
    ],
    ids=["nothing", "html", "half", "two", "binary", "null", "text", "int", "deep", "huge", "huge-in-list"],
)
def test_S15_what_is_no_json_object_is_an_invalid_reply(content, service, make_api):
    service.forget()
    service.will_answer(content)
    assert type(failure(make_api())) is InvalidReplyError


@table(
    "raw",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        b"\x00" * 1000,
        b"\x16\x03\x01" * 100,
    ],
)
def test_S15_what_is_no_http_is_an_error_of_the_tree(raw, service, make_api):
    service.forget()
    service.will_send(raw)
    assert isinstance(failure(make_api()), ServiceUnavailableError)


@table("status", [201, 204, 301, 302, 303, 304, 307, 308])
def test_S15_a_redirect_is_not_followed_and_no_success(status, service, make_api):
    service.forget()
    service.will_answer({}, status, Location=f"{service.url}/elsewhere")
    error = failure(make_api())
    assert type(error) is InvalidReplyError
    assert error.status == status
    assert len(service.received) == 1


def test_S15_the_longest_allowed_reply_is_read(service, api):
    service.will_answer(b'["' + b"x" * (MAX_REPLY_BYTES - 4) + b'"]')
    assert len(api.get("users")[0]) == MAX_REPLY_BYTES - 4


@pytest.mark.parametrize("status", [200, 302, 500])
def test_S15_a_longer_reply_is_an_error(status, service, api):
    service.will_answer(b"x" * (MAX_REPLY_BYTES + 1), status, Location="/elsewhere")
    assert type(failure(api)) is InvalidReplyError


@table(
    "head",
    [
        OK + b"\r\n",
        OK + b"Content-Length: 100000000\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
    ],
    ids=["endless", "announced", "chunk-size", "trailer", "redirect"],
)
def test_S15_a_flood_is_stopped_long_before_100_megabytes(head, service, make_api):
    service.forget()
    flooded = 0

    def flood(handler):
        nonlocal flooded
        handler.close_connection = True
        handler.wfile.write(head)
        for _ in range(100):
            handler.wfile.write(b"1" * 1_000_000)
            flooded += 1

    service.replies.append(flood)
    assert isinstance(failure(make_api()), ServiceUnavailableError)
    assert flooded < 50


def test_S15_a_compressed_reply_is_not_unpacked(service, api):
    service.will_answer(gzip.compress(b" " * 10_000_000 + b"{}"), Content_Encoding="gzip")
    assert type(failure(api)) is InvalidReplyError
    assert service.received[0].headers["Accept-Encoding"] == "identity"


def test_S15_a_request_that_failed_is_not_sent_again(service, api):
    service.will_send(b"")
    service.will_answer({})
    with pytest.raises(ServiceUnavailableError):
        api.post("users/reset", name="jdoe")
    assert len(service.received) == 1


def test_S15_after_a_failure_the_next_call_is_answered(service, hasty_api):
    service.will_send(OK, b"Content-Length: 9\r\n\r\n", forever=b" ", pause=0.4)
    failure(hasty_api)
    service.will_answer({"fine": True})
    assert hasty_api.get("users") == {"fine": True}


def test_cookies_are_not_kept(service, api):
    for _ in range(2):
        service.will_answer({}, Set_Cookie="session=1; Path=/")
        api.get("users")
    assert not api.session.cookies
    assert "Cookie" not in service.received[1].headers


def test_a_proxy_of_the_environment_is_used_within_the_time_too(make_api, monkeypatch, service, stopwatch):
    monkeypatch.setenv("http_proxy", service.origin)
    monkeypatch.setenv("no_proxy", "")
    service.will_send(OK, forever=b"X-Drip: x\r\n")
    error = failure(make_api("http://2fa.example.org/v1", timeout=PATIENCE))
    assert type(error) is ServiceTimeoutError
    assert stopwatch() < PATIENCE + SLACK
    assert service.received[0].target == "http://2fa.example.org/v1/users"


# Adapters of one's own


class Echo(BaseAdapter):
    """Answers in the same process, as the embedded service does."""

    def __init__(self, content=b'{"fine": true}'):
        super().__init__()
        self.content = content
        self.calls = []

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        self.calls.append((request, timeout))
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.raw = io.BytesIO(self.content)
        return response

    def close(self):
        """Nothing to close."""


def test_a_mounted_adapter_is_given_the_signed_request(make_api):
    api = make_api("http://embedded.invalid/v1", timeout=3.5)
    echo = Echo()
    api.session.mount(api.base_url, echo)
    assert api.post("users/reset", name="jdoe") == {"fine": True}
    ((request, timeout),) = echo.calls
    assert to_native_string(request.headers["Authorization"]).startswith("OAuth ")
    assert to_native_string(request.body) == "name=jdoe"
    assert timeout == 3.5


def test_S15_the_limit_holds_for_a_mounted_adapter_too(make_api):
    api = make_api("http://embedded.invalid/v1")
    api.session.mount(api.base_url, Echo(b"x" * (MAX_REPLY_BYTES + 1)))
    assert type(failure(api)) is InvalidReplyError


@pytest.mark.skipif(sys.platform != "linux", reason="counts file descriptors in /proc")
def test_S15_failures_leave_no_open_sockets(service, hasty_api):
    descriptors = pathlib.Path("/proc/self/fd")
    failure_count, before = 5, len(list(descriptors.iterdir()))
    for _ in range(failure_count):
        service.will_send(OK + b"\r\n" + b"x" * (MAX_REPLY_BYTES + 1))
        failure(hasty_api)
    assert len(list(descriptors.iterdir())) < before + failure_count
