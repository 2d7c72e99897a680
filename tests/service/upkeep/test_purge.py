"""What has expired goes, and nothing else."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_toopher.service.models import (
    AuthenticationRequest,
    Authenticator,
    Frame,
    Pairing,
    PairingPhrase,
    SpentNonce,
)
from django_toopher.service.upkeep import purge
from tests.drivers import Computer
from tests.drivers import Frame as Page

from ..callers import at_once

EVERYTHING = (SpentNonce, PairingPhrase, Frame, AuthenticationRequest, Pairing, Authenticator)


@pytest.fixture
def used_service(iframe, pair, phone):
    """A page with an answered question, one with a question that waits, one phone that shows a phrase."""
    pair(phone)
    for token in ("one", "another"):
        page = Page.at(Computer(), iframe.get_auth_iframe_url("alice", "", token, terminal_name="PC"))
        if token == "one":
            page.approve(phone)
    phone.phrase()
    assert all(counts().values())


def counts():
    return {model.__name__: model.objects.count() for model in EVERYTHING}


def test_what_is_in_use_stays(used_service):
    before = counts()
    assert set(dict(purge.purge()).values()) == {0}
    assert counts() == before


def test_what_has_expired_goes(used_service, settings):
    later = timezone.now() + timedelta(days=settings_days(settings) + 2)
    dict(purge.purge(later))
    assert counts() == {
        "SpentNonce": 0,
        "PairingPhrase": 0,
        "Frame": 0,
        "AuthenticationRequest": 0,
        "Pairing": 1,  # enabled: as long as the person keeps the phone
        "Authenticator": 1,
    }


def settings_days(settings):
    return getattr(settings, "TOOPHER_SERVICE_KEEP_DAYS", 90)


def test_requests_are_kept_as_long_as_the_setting_says(used_service, settings):
    settings.TOOPHER_SERVICE_KEEP_DAYS = 3
    dict(purge.purge(timezone.now() + timedelta(days=2)))
    assert AuthenticationRequest.objects.count() == 2
    dict(purge.purge(timezone.now() + timedelta(days=4)))
    assert AuthenticationRequest.objects.count() == 0


def test_S20_a_nonce_is_kept_while_its_timestamp_could_pass(db):
    SpentNonce.spend("nonce", timezone.now() + timedelta(seconds=1))
    dict(purge.purge())
    assert not SpentNonce.spend("nonce", timezone.now() + timedelta(seconds=1))


def test_many_rows_go_in_batches(db, django_assert_max_num_queries):
    expired = timezone.now() - timedelta(seconds=1)
    SpentNonce.objects.bulk_create(SpentNonce(digest=f"{n:064}", expires=expired) for n in range(1200))
    with django_assert_max_num_queries(40):
        assert dict(purge.purge())["nonces"] == 1200
    assert not SpentNonce.objects.exists()


def test_a_phone_that_never_paired_goes_and_a_new_one_stays(phone, make_phone):
    make_phone("Old")
    Authenticator.objects.filter(name="Old").update(created=timezone.now() - timedelta(days=2))
    dict(purge.purge())
    assert list(Authenticator.objects.values_list("name", flat=True)) == ["Pixel"]


@pytest.mark.parametrize("words", [(), ("--format", "json")])
def test_the_command_says_how_much(db, words):
    SpentNonce.spend("nonce", timezone.now() - timedelta(seconds=1))
    out = io.StringIO()
    call_command("toopher_service_purge", *words, stdout=out)
    printed = out.getvalue()
    assert json.loads(printed)["nonces"] == 1 if words else "nonces: 1\n" in printed


@pytest.mark.slow
def test_house_keeping_during_logins_disturbs_none(threaded_db, settings, make_user, make_phone):
    settings.TOOPHER_POLICY = "required"
    people = [(f"user {n}", make_phone(f"Phone {n}")) for n in range(4)]
    for name, _phone in people:
        make_user(name)

    def log_in(name, phone):
        computer = Computer()
        computer.log_in(phone, name)
        return computer.is_logged_in()

    def keep_house():
        for _again in range(20):
            dict(purge.purge())
        return True

    logins = [partial(log_in, name, phone) for name, phone in people]
    assert all(at_once(*logins, keep_house))
    SpentNonce.objects.update(expires=timezone.now() - timedelta(hours=1))
    assert all(at_once(*logins, keep_house))
    assert AuthenticationRequest.objects.filter(state="granted").count() == 2 * len(people)
