"""Addresses of services and links to pair by."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from django_toopher.service.device.cli_phone import CommandLinePhone, parse_base_url
from django_toopher.service.device.cli_replies import PhoneError
from tests.tables import table

from .canned import KEY, NOW, SEED, SERVICE, SHOWN, Reply, make_phone, refused


@table(
    ("written", "read"),
    [
        ("https://example.org/toopher/phone/", SERVICE),
        ("  https://example.org/toopher/phone  ", SERVICE),
        ("HTTPS://Example.ORG:443/toopher/phone/", SERVICE),
        ("http://localhost:8000/toopher/phone/", "http://localhost:8000/toopher/phone/"),
        ("http://[::1]:80/phone/", "http://[::1]/phone/"),
        ("https://bücher.example/phone/", "https://xn--bcher-kva.example/phone/"),
    ],
)
def test_an_address_has_one_spelling(written: str, read: str):
    assert parse_base_url(written) == read


@table(
    "written",
    [
        "",
        "example.org/toopher/phone/",
        "ftp://example.org/phone/",
        "https:///phone/",
        "https://example.org/toopher/",
        "https://user:secret@example.org/phone/",
        "https://example.org/phone/?a=b",
        "https://example.org:99999/phone/",
        "https://exam ple.org/phone/",
        "https://[::1/phone/",
    ],
)
def test_what_is_no_address_of_a_service_is_refused(written: str):
    with refused("bad_link"):
        parse_base_url(written)


TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:.", min_size=1, max_size=200)


@given(TOKENS)
def test_a_link_is_taken_apart_into_service_and_token(token: str):
    phone = CommandLinePhone(key=KEY)
    assert (phone.follow(f"{SERVICE}#pair={token}"), phone.base_url) == (token, SERVICE)


@given(TOKENS)
def test_a_bare_token_is_a_link_too(token: str):
    phone = CommandLinePhone(key=KEY)
    assert (phone.follow(token), phone.base_url) == (token, None)


def test_a_link_that_a_program_has_quoted_is_read():
    assert CommandLinePhone().follow(f"{SERVICE}#pair=a%3Ab") == "a:b"


@table("text", ["", "#", SERVICE, f"{SERVICE}#", f"{SERVICE}#pair=", f"{SERVICE}#other=x", "a b"])
def test_what_is_no_link_is_refused(text: str):
    with refused("bad_link"):
        CommandLinePhone().follow(text)


@given(st.text() | st.text().map(lambda text: f"https://{text}/phone/#pair=x"))
@example("https://\ud800/phone/#pair=x")
def test_whatever_is_given_as_a_link_nothing_but_our_error_is_raised(text: str):
    phone = CommandLinePhone(key=KEY)
    try:
        phone.follow(text)
    except PhoneError:
        return
    assert phone.base_url is None or parse_base_url(phone.base_url) == phone.base_url


def test_the_link_of_another_service_is_refused():
    phone, recorder = make_phone()
    with refused("other_service"):
        phone.pair_link("https://other.example/toopher/phone/#pair=token-1")
    assert recorder.sent == []


def test_pairing_by_a_link_asks_what_it_is_and_says_yes_to_that():
    phone, recorder = make_phone(Reply({"id": "pairing-1", **SHOWN, "expires": NOW}), Reply(SEED))
    phone.pair_link(f"{SERVICE}#pair=token-1")
    assert recorder.claims() == {"pairing": "pairing-1", **SHOWN, "decision": "allow", "link": "token-1"}
