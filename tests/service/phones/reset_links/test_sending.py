"""Mailing a reset link."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from django_toopher.service.models import ResetLink, User
from tests.tables import table

from ...callers import rows
from ...shapes import assert_error
from .acts import confirm, is_enabled

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


def link_in(message):
    return re.search(r"https://\S+", message.body).group()


def test_a_link_is_mailed_as_text_and_HTML(api, pairing, requester):
    api.email_pairing_reset_link_to_user(pairing, "alice@example.com")
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert requester.name in message.subject
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    for text in (message.body, html):
        assert link_in(message) in text
        assert "24 hours" in text
        assert "Pixel" in text


def test_the_mailed_link_works(api, pairing):
    api.email_pairing_reset_link_to_user(pairing, "alice@example.com")
    assert confirm(link_in(mail.outbox[0])).status_code == 200
    assert not is_enabled()


def test_sending_answers_an_empty_object(caller, pairing):
    response = caller.post(f"pairings/{pairing}/send_reset_link", reset_email="alice@example.com")
    assert (response.status_code, response.json()) == (200, {})


@table(
    "address",
    ["", " ", "alice", "alice@", "@example.com", "a b@example.com", "alice@example.com\nBcc: m@example.com", "\0",
     "alice@example.com, mallory@example.com", f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.com"],
)  # fmt: skip
def test_S35_an_address_that_is_none_gets_no_mail(caller, pairing, address):
    before = rows()
    assert_error(caller.post(f"pairings/{pairing}/send_reset_link", reset_email=address), 400, 400)
    assert rows() == before
    assert mail.outbox == []
    assert User.objects.get().email == ""


def test_a_mail_server_that_fails_is_told_clearly_and_leaves_no_link(monkeypatch, caller, pairing):
    def fail(message):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    response = caller.post(f"pairings/{pairing}/send_reset_link", reset_email="alice@example.com")
    assert_error(response, 502, 502, "The mail could not be sent.")
    assert not ResetLink.objects.exists()
    assert User.objects.get().email == ""
