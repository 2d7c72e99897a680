"""What the tables hold, and what they refuse to hold."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from django_toopher.client import ToopherIframe
from django_toopher.service.models import (
    Action,
    AuthenticationRequest,
    Authenticator,
    Frame,
    Pairing,
    PairingPhrase,
    Requester,
    SpentNonce,
    Terminal,
    User,
    digest,
)
from django_toopher.service.phones.pairings import link_token
from tests.drivers import Computer
from tests.drivers import Frame as OpenedFrame
from tests.tables import table

from .callers import at_once

SESSION_TOKEN = "one-time-token-of-the-site"
TERMINAL_SECRET = "terminal-secret-of-the-browser"
BINDER = "binder-of-the-page-0123456789"


def dump():
    """Every cell of the service's tables, as the database has it."""
    cells = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("toopher_service").get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            cells += [str(cell) for row in cursor.fetchall() for cell in row]
    return "\n".join(cells)


@pytest.fixture
def user(requester):
    return User.objects.create(requester=requester, name="alice")


@pytest.fixture
def ask(user):
    """Makes authentication requests."""

    def make(**fields):
        usual = {
            "user": user,
            "terminal": Terminal.objects.create(user=user, name="PC"),
            "action": Action.objects.get_or_create(
                requester=user.requester, name="Log In", name_digest=digest("Log In")
            )[0],
            "expires": timezone.now() + timedelta(seconds=120),
        }
        return AuthenticationRequest.objects.create(**{**usual, **fields})

    return make


def refuses(make):
    """Whether the database refuses what ``make`` writes."""
    try:
        with transaction.atomic():
            make()
    except IntegrityError:
        return True
    return False


# Secrets


@pytest.fixture
def logged_in(make_requester, make_api, pair, phone):
    """A database after one login that was approved and one that waits, and the secrets that went through it."""
    make_requester("site", "consumer-secret-of-the-site")
    api = make_api("site", "consumer-secret-of-the-site")
    iframe = ToopherIframe("site", "consumer-secret-of-the-site", api.base_url)
    pair(phone, at="site")
    frames = []
    for token in (SESSION_TOKEN, f"{SESSION_TOKEN}-2"):
        url = iframe.get_auth_iframe_url(
            "alice", "", token, terminal_name="PC", requester_specified_terminal_id=TERMINAL_SECRET
        )
        frames.append(OpenedFrame.at(Computer(), url, BINDER))
    frames[0].call("code", code=phone.code())
    waiting = api.pair("bob")
    return {
        "consumer secret": "consumer-secret-of-the-site",
        "seed of the codes": phone.account().secret,
        "phrase": phone.phrase().phrase,
        "pairing link": link_token(Pairing.objects.get(pk=waiting.id)),
        "terminal's secret": TERMINAL_SECRET,
        "session token": SESSION_TOKEN,
        "binder": BINDER,
        "frame token": frames[1].token,
        "signature of the postback": frames[0].poll()["postback"]["toopher_sig"],
    }


SECRETS = [
    "consumer secret", "seed of the codes", "phrase", "pairing link", "terminal's secret", "session token", "binder",
    "frame token", "signature of the postback",
]  # fmt: skip


@table("what", SECRETS)
def test_S34_no_secret_is_readable_in_the_database(logged_in, what):
    assert logged_in[what]
    assert logged_in[what] not in dump()


def test_S34_the_dump_would_find_a_secret(requester):
    assert requester.consumer_key in dump()
    assert requester.name in dump()


def test_S34_a_phrase_is_stored_under_a_key_of_this_site(phone):
    """44 bits are few enough to try them all against a plain SHA-256."""
    phrase = phone.phrase().phrase
    assert PairingPhrase.objects.get().phrase_digest not in {digest(phrase), digest(phrase.lower())}


def test_S34_the_seed_is_forgotten_with_the_pairing(api, pair, phone):
    api.post(f"pairings/{pair(phone)}", deactivated=True)
    assert Pairing.objects.get().otp_seed == ""


# Digests and constraints


def test_a_digest_is_SHA_256():
    assert digest("Jos\u00e9") == hashlib.sha256("Jos\u00e9".encode()).hexdigest()


def test_S12_a_requester_has_one_user_of_a_name(requester, user, make_requester):
    assert refuses(lambda: User.objects.create(requester=requester, name="alice"))
    assert not refuses(lambda: User.objects.create(requester=requester, name="Alice"))
    assert not refuses(lambda: User.objects.create(requester=requester, name="alice "))
    other = make_requester("other", "other secret")
    assert not refuses(lambda: User.objects.create(requester=other, name="alice"))


def test_S12_a_renamed_user_has_the_new_names_digest(user):
    user.name = "bob"
    user.save()
    assert User.objects.get().name_digest == digest("bob")


def test_a_requester_has_one_action_of_a_name(requester):
    Action.objects.create(requester=requester, name="Log In")
    assert refuses(lambda: Action.objects.create(requester=requester, name="Log In"))
    assert not refuses(lambda: Action.objects.create(requester=requester, name="log in"))


def test_a_user_has_one_terminal_of_a_secret_and_many_without(user):
    Terminal.objects.create(user=user, name="PC", extra="s1")
    assert refuses(lambda: Terminal.objects.create(user=user, name="Laptop", extra="s1"))
    assert not refuses(lambda: Terminal.objects.create(user=user, name="PC", extra="s2"))
    assert not refuses(lambda: [Terminal.objects.create(user=user, name="PC") for _ in range(2)])


def test_a_consumer_key_is_unique(requester):
    assert refuses(lambda: Requester.objects.create(name="Other", consumer_key=requester.consumer_key))


def test_a_phones_key_is_unique(db):
    Authenticator.objects.create(name="Phone", public_key={}, thumbprint="t")
    assert refuses(lambda: Authenticator.objects.create(name="Phone", public_key={}, thumbprint="t"))


def test_ids_are_version_4(user):
    assert user.pk.version == user.requester.pk.version == 4


# Nonces


def test_S20_a_nonce_is_spent_once(db):
    soon = timezone.now() + timedelta(seconds=60)
    assert SpentNonce.spend("nonce", soon)
    assert not SpentNonce.spend("nonce", soon)
    assert SpentNonce.spend("Nonce", soon)
    assert SpentNonce.spend("nonce ", soon)


def test_S20_a_spent_nonce_does_not_break_the_transaction_around(db):
    with transaction.atomic():
        SpentNonce.spend("nonce", timezone.now())
        assert not SpentNonce.spend("nonce", timezone.now())
        assert SpentNonce.objects.count() == 1


def test_S20_of_many_threads_with_one_nonce_one_spends_it(threaded_db):
    soon = timezone.now() + timedelta(seconds=60)
    assert sorted(at_once(*[lambda: SpentNonce.spend("nonce", soon)] * 5)) == [False] * 4 + [True]


# States


def test_a_request_is_told_as_expired_from_that_moment_on(ask):
    request = ask()
    assert request.is_waiting(request.expires - timedelta(microseconds=1))
    assert not request.is_waiting(request.expires)
    assert request.reason_at(request.expires - timedelta(seconds=1)) == AuthenticationRequest.Reason.NONE
    assert request.reason_at(request.expires) == AuthenticationRequest.Reason.EXPIRED


def test_an_answered_request_keeps_its_reason_for_ever(ask):
    request = ask(state="denied", reason_code=100)
    assert request.reason_at(request.expires + timedelta(days=1)) == AuthenticationRequest.Reason.DENIED


def test_waiting_requests_are_pending_and_in_time(ask):
    now = timezone.now()
    waiting = ask()
    ask(expires=now)
    for state in ("granted", "denied", "cancelled"):
        ask(state=state)
    assert [*AuthenticationRequest.objects.waiting(now)] == [waiting]


def test_enabled_pairings_are_newest_first(user):
    now = timezone.now()
    rows = [
        Pairing.objects.create(user=user, state="enabled", answered=now + timedelta(seconds=n), expires=now)
        for n in range(2)
    ]
    for state in ("pending", "denied", "deactivated"):
        Pairing.objects.create(user=user, state=state, expires=now)
    assert [*user.pairings.enabled()] == rows[::-1]


def test_waiting_pairings_are_pending_and_in_time(user):
    now = timezone.now()
    waiting = Pairing.objects.create(user=user, expires=now + timedelta(seconds=1))
    Pairing.objects.create(user=user, expires=now)
    Pairing.objects.create(user=user, state="enabled", expires=now + timedelta(seconds=1))
    assert [*Pairing.objects.waiting(now)] == [waiting]


def test_S31_origins_are_one_a_line(make_requester):
    row = make_requester(origins=" https://a.example\r\n\nhttps://b.example ")
    assert row.origin_list() == ["https://a.example", "https://b.example"]


def test_S20_a_requester_without_a_secret_has_none_that_verifies(make_requester):
    assert make_requester(secret="").consumer_secrets() == []


def test_everything_of_a_requester_goes_with_it(logged_in):
    Requester.objects.all().delete()
    left = {model.__name__ for model in apps.get_app_config("toopher_service").get_models() if model.objects.exists()}
    assert left <= {"Authenticator", "PairingPhrase", "SpentNonce", "Tally"}
    assert not Frame.objects.exists()


def test_no_migration_is_missing(db):
    call_command("makemigrations", "toopher_service", check=True, dry_run=True, verbosity=0)
