"""A mail tells of each recovery code that is used, and of new ones."""

from __future__ import annotations

import smtplib
from unittest.mock import Mock

import pytest
from django.core import mail

from django_toopher.models import RecoveryCode

from ..page import CODES
from .page import recover

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


def test_a_mail_tells_when_a_code_is_used(half, codes, committed):
    with committed():
        recover(half, codes[0])
    (message,) = mail.outbox
    assert message.to == ["alice@example.com"]
    assert "with one of your recovery codes" in message.body
    assert "9 codes are left" in message.body
    assert not [code for code in codes if code in message.body]


def test_a_mail_tells_when_new_ones_are_made(verified, committed):
    with committed():
        verified.post(CODES)
    (message,) = mail.outbox
    assert "New recovery codes were made" in message.body


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "no"), smtplib.SMTPServerDisconnected("no")])
def test_a_mail_that_can_not_be_sent_is_one_line_in_the_log(error, verified, account, committed, caplog, monkeypatch):
    monkeypatch.setattr(mail.EmailMessage, "send", Mock(side_effect=error))
    with caplog.at_level("WARNING"), committed():
        assert verified.post(CODES).status_code == 200
    [line] = [record for record in caplog.records if "mail" in record.getMessage()]
    assert line.getMessage() == f"mail recovery_made to user {account.user_id} was not sent: {type(error).__name__}"
    assert line.exc_info is None
    assert RecoveryCode.objects.count() == 10


def test_a_user_without_address_gets_no_mail(half, codes, account, committed):
    type(account.user).objects.update(email="")
    with committed():
        assert recover(half, codes[0]).status_code == 302
    assert mail.outbox == []
