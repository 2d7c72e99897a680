"""Where a request comes from, with and without proxies."""

from __future__ import annotations

from django.test import RequestFactory

from django_toopher.addresses import address_of
from tests.tables import table


def request(forwarded=None, socket="198.51.100.7"):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=socket)


@table("forwarded", [None, "203.0.113.5", "203.0.113.5, 192.0.2.1"])
def test_without_proxies_the_socket_alone_is_believed(forwarded):
    assert address_of(request(forwarded)) == "198.51.100.7"


@table(
    ("proxies", "forwarded", "address"),
    [
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "10.0.0.1, 203.0.113.5", "203.0.113.5"),
        (2, "203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (2, "1.2.3.4, 203.0.113.5 , 10.0.0.2", "203.0.113.5"),
        (1, "2001:DB8::0:1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "fe80::1%" + "a" * 100, "fe80::1"),
        (2, "203.0.113.5", ""),
        (1, None, ""),
        (1, "", ""),
        (1, "unknown", ""),
        (1, "<script>", ""),
        (1, "203.0.113.5, <script>", ""),
        (2, "10.0.0.1, 203.0.113.5, 198.51.100.7", "203.0.113.5"),
        (1, "203.0.113.5:4711", ""),
        (1, "1" * 5000, ""),
    ],
)
def test_with_proxies_what_the_outermost_of_them_saw_is_believed(settings, proxies, forwarded, address):
    settings.TOOPHER_TRUSTED_PROXIES = proxies
    assert address_of(request(forwarded)) == address


@table("socket", ["", "unix:", "localhost", "/run/gunicorn.sock"])
def test_a_socket_without_an_address_is_unknown(socket):
    assert address_of(request(socket=socket)) == ""
