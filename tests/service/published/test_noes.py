"""A no never becomes a yes, also with clients that let people in when the service fails (SECURITY.md S49)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.device.cli_phone import CommandLinePhone
from django_toopher.service.models import AuthenticationRequest, Requester, User

from ..generations import Sender
from .acts import ONE_OF_EACH_KIND, USER, ask, only, pair, told

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def lets_in(sender: Sender, pairing: dict) -> bool:
    """What the published PAM module does by default: it asks and polls, and takes any error for an outage."""
    subject = [("pairing_id", pairing["id"]), ("terminal_name", "host.example")]
    asked = sender.post("authentication_requests/initiate", [*sender.generation.asks, *subject])
    for _ in range(3):
        if asked.status != 200:
            return True
        if not asked.json()["pending"]:
            return asked.json()["granted"]
        asked = sender.get(f"authentication_requests/{asked.json()['id']}")
    return False


def deny_thrice(sender: Sender, phone: CommandLinePhone, pairing: dict) -> None:
    for _ in range(3):
        ask(sender, pairing)
        phone.deny(phone.pending().requests[0])


def report(sender: Sender, phone: CommandLinePhone, pairing: dict) -> None:
    ask(sender, pairing)
    phone.report(phone.pending().requests[0])


def cancel_often(sender: Sender, phone: CommandLinePhone, pairing: dict) -> None:
    for _ in range(10):
        told(sender.post(f"authentication_requests/{ask(sender, pairing)['id']}/cancel", []))


def lock(sender: Sender, phone: CommandLinePhone, pairing: dict) -> None:
    User.objects.update(failures=100, blocked_until=timezone.now() + timedelta(days=3650))


def be_busy(sender: Sender, phone: CommandLinePhone, pairing: dict) -> None:
    Requester.objects.update(question_limit=0)


WITHHELD = [(deny_thrice, 105), (cancel_often, 105), (report, 106), (lock, 106), (be_busy, 107)]
withheld = pytest.mark.parametrize(("how", "reason"), WITHHELD, ids=[how.__name__ for how, _reason in WITHHELD])


@only("pam")
@withheld
def test_S49_a_client_that_fails_open_lets_nobody_in(make_sender, make_live_phone, how, reason, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    how(sender, phone, pairing)
    assert not lets_in(sender, pairing)
    row = AuthenticationRequest.objects.latest("created")
    assert (row.state, row.reason_code, row.answered is not None) == ("denied", reason, True)
    assert phone.pending().requests == ()


@only(*ONE_OF_EACH_KIND, "radius", "rbref", "netref", "javaref")
def test_S49_a_question_that_is_withheld_is_a_plain_no(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    deny_thrice(sender, phone, pairing)
    for _ in range(2):
        asked = ask(sender, pairing)
        for no in (asked, told(sender.get(f"authentication_requests/{asked['id']}"))):
            assert (no["pending"], no["granted"], no["cancelled"], no["reason_code"]) == (False, False, False, 105)
    if generation.enters_codes:
        late = told(sender.post(f"authentication_requests/{asked['id']}/otp_auth", [("otp", phone.code())]))
        assert (late["pending"], late["granted"], late["totp_valid"]) == (False, False, False)


@only("radius")
def test_S49_a_right_code_with_the_question_is_a_yes_but_after_a_report(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    deny_thrice(sender, phone, pairing)
    with_code = [("user_name", USER), ("terminal_name", ""), ("otp", phone.code())]
    assert told(sender.post("authentication_requests/initiate", with_code))["granted"] is True
    User.objects.update(reported_until=timezone.now() + timedelta(hours=1))
    blocked = told(sender.post("authentication_requests/initiate", with_code))
    assert (blocked["pending"], blocked["granted"], blocked["reason_code"]) == (False, False, 106)


@only("seed")
def test_S49_a_code_for_what_is_over_is_a_no_and_no_error(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    path = f"authentication_requests/{ask(sender, pairing)['id']}/otp_auth"
    AuthenticationRequest.objects.update(expires=timezone.now())
    late = told(sender.post(path, [("otp", phone.code())]))
    assert (late["pending"], late["granted"], late["totp_valid"], late["reason_code"]) == (False, False, False, 101)


@only("seed")
def test_S49_rows_that_no_phone_saw_count_in_no_limit(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    deny_thrice(sender, phone, pairing)
    for _ in range(12):
        assert ask(sender, pairing)["pending"] is False
    asked = AuthenticationRequest.objects.filter(withheld_until=None)
    asked.update(created=timezone.now() - timedelta(seconds=601))
    assert ask(sender, pairing)["pending"] is True
