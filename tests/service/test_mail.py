"""Mail about phones (SECURITY.md S30)."""

from __future__ import annotations

import smtplib
from unittest.mock import Mock

import pytest
from django.core import mail as django_mail
from django.db import transaction
from django.utils import timezone, translation

from django_toopher.service import mail
from django_toopher.service.models import Pairing, Requester, User
from django_toopher.service.phones import reset_links
from tests.drivers import Computer, Frame
from tests.tables import table

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")

ADDRESS = "alice@example.com"


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """A context at whose end the transaction is committed, as far as its callbacks can tell."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def alice(api):
    """A user of ``requester`` whose address is known."""
    api.create_user("alice")
    User.objects.update(email=ADDRESS)
    return User.objects.get()


@pytest.fixture
def pairing(alice, pair, phone):
    """alice's pairing with ``phone``."""
    return Pairing.objects.get(pk=pair(phone))


@pytest.fixture
def manage(iframe):
    """Opens the page where alice manages her phones."""

    def make(user="alice", reset_email="", **more):
        return Frame.at(Computer(), iframe.get_user_management_iframe_url(user, reset_email, **more))

    return make


def texts_of(message):
    return [message.body, *(content for content, _ in message.alternatives)]


def assert_removal_is_told(requester, phone="Pixel"):
    [message] = django_mail.outbox
    assert message.to == [ADDRESS]
    assert message.subject == f"A phone was removed from your account at {requester.name}"
    assert all(phone in text for text in texts_of(message))


# What is told


def test_S30_a_paired_phone_is_told(alice, pair, phone, committed, requester):
    with committed():
        pair(phone)
    [message] = django_mail.outbox
    assert message.to == [ADDRESS]
    assert message.subject == f"A phone was paired with your account at {requester.name}"
    now = timezone.now()
    for text in texts_of(message):
        for expected in ("Pixel", "alice", requester.name, f"{now.year}", "UTC", "If it was not you", "password"):
            assert expected in text


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "no"), smtplib.SMTPServerDisconnected("no")])
def test_a_mail_that_can_not_be_sent_is_one_line_in_the_log(error, alice, pair, phone, committed, caplog, monkeypatch):
    monkeypatch.setattr(django_mail.EmailMultiAlternatives, "send", Mock(side_effect=error))
    with caplog.at_level("WARNING"), committed():
        pair(phone)
    [line] = [record for record in caplog.records if "mail" in record.getMessage()]
    assert line.getMessage() == f"mail phone_added to user {alice.pk} was not sent: {type(error).__name__}"
    assert line.exc_info is None
    assert Pairing.objects.get().is_enabled


def test_S30_a_phone_paired_by_link_is_told(alice, api, manage, phone, committed):
    link = manage().call("pair")["link"]
    with committed():
        phone.pair_link(link)
    assert "paired" in django_mail.outbox[0].subject


def test_S30_a_phone_that_said_no_is_not_told(alice, api, phone, committed):
    api.pair("alice", phone.phrase().phrase)
    with committed():
        phone.decline(phone.pending().pairings[0])
    assert django_mail.outbox == []


def test_S30_a_phone_removed_by_itself_is_told(pairing, phone, committed, requester):
    with committed():
        phone.remove(str(pairing.pk))
    assert_removal_is_told(requester)


def test_S30_a_phone_removed_in_the_iframe_is_told(pairing, manage, committed, requester):
    with committed():
        manage().call("remove", pairing=str(pairing.pk))
    assert_removal_is_told(requester)


def test_S30_a_phone_removed_by_the_API_is_told(pairing, api, committed, requester):
    with committed():
        api.post(f"pairings/{pairing.pk}", deactivated=True)
    assert_removal_is_told(requester)


def test_S30_a_phone_removed_by_a_reset_link_is_told(pairing, committed, requester):
    link = reset_links.get(pairing.pk, reset_links.create(pairing), timezone.now())
    with committed():
        reset_links.confirm(link, "")
    assert_removal_is_told(requester)


def test_S30_a_reset_is_told_once_with_every_phone(alice, api, pair, make_phone, committed, requester):
    for name in ("Pixel", "Fairphone"):
        pair(make_phone(name))
    api.pair("alice")
    with committed():
        api.reset_user("alice")
    [message] = django_mail.outbox
    assert message.subject == f"Phones were removed from your account at {requester.name}"
    for text in texts_of(message):
        assert "Pixel" in text
        assert "Fairphone" in text


def test_S30_a_removal_that_removes_nothing_is_not_told(pairing, api, committed):
    api.post(f"pairings/{pairing.pk}", deactivated=True)
    with committed():
        api.post(f"pairings/{pairing.pk}", deactivated=True)
        api.reset_user("alice")
    assert django_mail.outbox == []


def test_S30_a_pending_pairing_that_is_taken_back_is_not_told(alice, api, committed):
    pairing = api.pair("alice")
    with committed():
        api.post(f"pairings/{pairing.id}", deactivated=True)
    assert django_mail.outbox == []


def test_a_user_without_an_address_gets_no_mail(api, pair, phone, committed):
    with committed():
        pairing = pair(phone)
        api.post(f"pairings/{pairing}", deactivated=True)
    assert django_mail.outbox == []


# How


def test_S30_nothing_is_told_of_what_was_rolled_back(transactional_db, pairing):
    django_mail.outbox.clear()
    with transaction.atomic():
        mail.phones_removed(pairing.user, [pairing])
        transaction.set_rollback(True)
    assert django_mail.outbox == []


def test_S30_a_mail_server_that_fails_breaks_nothing_and_is_logged(monkeypatch, caplog, pairing, api, committed):
    def fail(message):
        raise ConnectionRefusedError("mail server")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    with committed():
        api.post(f"pairings/{pairing.pk}", deactivated=True)
    assert not Pairing.objects.get().is_enabled
    [record] = [each for each in caplog.records if "was not sent" in each.getMessage()]
    assert record.levelname == "WARNING"


def test_S30_a_mail_server_that_fails_outside_a_transaction_breaks_nothing(
    monkeypatch, transactional_db, pairing, phone
):
    def fail(message):
        raise ConnectionRefusedError("mail server")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    phone.remove(str(pairing.pk))
    assert not Pairing.objects.get().is_enabled


def test_mail_is_sent_without_a_transaction_around(transactional_db, pairing, phone):
    django_mail.outbox.clear()
    phone.remove(str(pairing.pk))
    assert len(django_mail.outbox) == 1


@table("name", ["Pixel\nBcc: mallory@example.com", "Pixel\r\n\r\nHello", "Pix\u202eel\u200b", "<b>Pixel"])
def test_names_that_others_chose_stay_in_their_place(alice, requester, pair, phone, committed, name):
    django_mail.outbox.clear()
    Requester.objects.update(name=name)
    with committed():
        pairing = pair(phone)
    Requester.objects.update(name=name)
    [message] = django_mail.outbox
    assert "\n" not in message.subject
    assert "Bcc" not in message.message()
    [(html, _)] = message.alternatives
    assert "<b>" not in html
    assert not {"\u202e", "\u200b"} & set(message.subject + message.body + html)
    assert Pairing.objects.get(pk=pairing).is_enabled


def test_texts_of_mail_show_names_as_they_are(requester, pair, phone, api, committed):
    api.create_user("O'Brien & <Co>")
    User.objects.update(email=ADDRESS)
    with committed():
        pair(phone, "O'Brien & <Co>")
    text, html = texts_of(django_mail.outbox[0])
    assert "O'Brien & <Co>" in text
    assert "O&#x27;Brien &amp; &lt;Co&gt;" in html


def test_mail_is_in_the_language_of_the_moment(alice, pair, phone, committed):
    with translation.override("ar"), committed():
        mail.phones_removed(alice, [])
        pair(phone)
    [message] = django_mail.outbox
    assert message.alternatives[0][0].count('dir="rtl"') == 1


# Where the address comes from


def test_S30_an_iframe_address_tells_the_users_mail_address(manage):
    manage(reset_email=ADDRESS)
    assert User.objects.get().email == ADDRESS


def test_S30_a_login_tells_it_too(iframe):
    Frame.at(Computer(), iframe.get_auth_iframe_url("alice", ADDRESS, "token", terminal_name="PC"))
    assert User.objects.get().email == ADDRESS


def test_the_newest_address_counts(manage):
    manage(reset_email="old@example.com")
    manage(reset_email=ADDRESS)
    assert User.objects.get().email == ADDRESS


@table("address", ["", " ", "nonsense", "a@b", "x" * 300 + "@example.com", f"{ADDRESS}\nBcc: m@example.com"])
def test_what_is_no_address_leaves_the_one_that_is_known(alice, manage, address):
    assert manage(reset_email=address).state["state"] == "new"
    assert User.objects.get().email == ADDRESS


def test_loading_a_page_alone_tells_nothing(iframe, alice):
    url = iframe.get_user_management_iframe_url("alice", "other@example.com")
    Computer().get(url.removeprefix("https://testserver"))
    assert User.objects.get().email == ADDRESS


def test_S30_the_address_of_a_reset_link_is_kept(pair, phone, api):
    api.email_pairing_reset_link_to_user(pair(phone), f" {ADDRESS} ")
    assert User.objects.get().email == ADDRESS
