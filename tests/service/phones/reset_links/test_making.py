"""Making a reset link (PROTOCOL.md §5)."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from django_toopher.client import PairingDeactivatedError, PairingNotAuthorizedError
from django_toopher.service.models import Pairing, ResetLink, digest
from django_toopher.service.phones import reset_links
from tests.tables import table

from ...callers import ROOT, rows
from ...shapes import assert_error
from ...test_models import dump
from .acts import is_enabled, token_of

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


def test_a_link_has_the_address_that_clients_know(url, pairing):
    assert re.fullmatch(rf"{ROOT}/pairings/{pairing}/reset\?reset_authorization=[\w-]{{43}}", url)


def test_S29_a_token_has_256_bits_and_no_two_are_alike(api, pairing):
    tokens = {token_of(api.get_pairing_reset_link(pairing)) for _ in range(5)}
    assert len(tokens) == 5
    assert reset_links.TOKEN_BYTES * 8 >= 128


def test_S29_only_the_digest_of_a_token_is_stored(url):
    assert ResetLink.objects.get().token_digest == digest(token_of(url))
    assert token_of(url) not in dump()


def test_S34_the_answer_is_not_readable_in_the_database(asking_url):
    assert "rexthedog" not in re.sub(r"\s", "", dump().lower())


def test_making_a_link_changes_nothing_else(url):
    assert is_enabled()


@table(
    "fields",
    [
        {"security_question": "Pet?"},
        {"security_answer": "Rex"},
        {"security_question": "Pet?", "security_answer": " \t"},
        {"security_question": " ", "security_answer": "Rex"},
        {"security_question": "q" * 256, "security_answer": "Rex"},
        {"security_question": "Pet?", "security_answer": "a" * 256},
        {"security_question": "Pet\0?", "security_answer": "Rex"},
    ],
)
def test_S35_a_question_that_can_not_be_asked_makes_no_link(caller, pairing, fields):
    before = rows()
    assert_error(caller.post(f"pairings/{pairing}/generate_reset_link", **fields), 400, 400)
    assert rows() == before


@table("fields", [{}, {"security_question": "", "security_answer": ""}, {"security_question": " "}])
def test_blank_questions_are_none(caller, pairing, fields):
    assert caller.post(f"pairings/{pairing}/generate_reset_link", **fields).status_code == 200
    assert (ResetLink.objects.get().question, ResetLink.objects.get().answer) == ("", "")


@table("call", ["generate_reset_link", "send_reset_link"])
@table(
    ("state", "error"),
    [
        ("pending", PairingNotAuthorizedError),
        ("denied", PairingNotAuthorizedError),
        ("deactivated", PairingDeactivatedError),
    ],
)
def test_a_pairing_that_is_not_enabled_gets_no_link(api, pairing, state, error, call):
    Pairing.objects.update(state=state)
    with pytest.raises(error):
        api.post(f"pairings/{pairing}/{call}", reset_email="alice@example.com")
    assert not ResetLink.objects.exists()
    assert mail.outbox == []


@table("call", ["generate_reset_link", "send_reset_link"])
def test_S21_another_requesters_pairing_gets_no_link(make_requester, make_api, pairing, call):
    make_requester("other", "other secret")
    with pytest.raises(Exception, match="No such pairing") as refused:
        make_api("other", "other secret").post(f"pairings/{pairing}/{call}", reset_email="mallory@example.com")
    assert refused.value.status == 404
    assert mail.outbox == []
