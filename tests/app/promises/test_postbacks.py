"""What the service did not sign for this is refused, and one kind is not taken as another."""

from __future__ import annotations

import logging
import time

import pytest

from django_toopher import embedded
from django_toopher.client import sign_postback
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import Pairing
from django_toopher.session.state import PENDING_LOGIN, PENDING_PAIRING
from tests.app.acts import (
    ACCOUNT_POSTBACK,
    AUTHENTICATE,
    LOGIN,
    POSTBACK,
    approval,
    logged_in,
    pairing,
    reason_of,
    signed,
)
from tests.app.ways import HELD, PATH, RECOVER, STEP_UP, WAYS, confirmed_form, confirmed_page

from .means import EMBEDS, PAGES, PHONES, kept, logged_in_as_alice, restored

pytestmark = PAGES


def _now(seconds: int = 0) -> str:
    return str(int(time.time()) + seconds)


FORGERIES = {
    "nothing": lambda fields: {},
    "unsigned": lambda fields: {name: value for name, value in fields.items() if name != "toopher_sig"},
    "an unsigned 704": lambda fields: {"error_code": "704", "error_message": "x", "timestamp": _now()},
    "a forged 704": lambda fields: signed({"error_code": "704", "timestamp": _now()}, "foreign"),
    "altered": lambda fields: {**fields, "terminal_name": "Another"},
    "a field twice": lambda fields: {**fields, "timestamp": [fields["timestamp"], _now(1)]},
    "foreign": lambda fields: signed(fields, "foreign"),
    "expired": lambda fields: signed(fields, timestamp=_now(-101)),
    "future-dated": lambda fields: signed(fields, timestamp=_now(90)),
    "without its token": lambda fields: signed(fields, session_token=None),
    "with a blank token": lambda fields: signed(fields, session_token=""),
    "with another token": lambda fields: signed(fields, session_token="a" * 43),
}


def _login(browser, phone):
    return approval(browser, phone), POSTBACK, {}


def _change_of_phones(browser, phone):
    logged_in_as_alice(browser)
    return pairing(browser, phone), ACCOUNT_POSTBACK, {}


def _form(browser, phone):
    logged_in_as_alice(browser)
    path, fields = confirmed_form(browser, phone)
    return fields, path, {HELD: fields.pop(HELD)}


def _confirmed(browser, phone):
    logged_in_as_alice(browser)
    path, fields = confirmed_page(browser, phone)
    return fields, path, {HELD: fields.pop(HELD)}


POSTBACKS = {"login": _login, "phones": _change_of_phones, "form": _form, "page": _confirmed}


@pytest.mark.parametrize("ask", POSTBACKS.values(), ids=POSTBACKS)
def test_S01_S02_S03_what_the_service_did_not_sign_for_this_is_refused(
    ask, account, browser, phone, caplog, carried_out
):
    caplog.set_level(logging.DEBUG)
    fields, path, beside = ask(browser, phone)
    who, phones, secret = logged_in(), Pairing.objects.count(), embedded.consumer_secrets()[0]
    for name, forge in FORGERIES.items():
        forged = forge(fields)
        response = browser.post(path, {**forged, **beside})
        if beside and not forged:  # asks only whether it was confirmed meanwhile
            assert response.status_code == 200
        else:
            assert response.status_code == 403, name
            assert reason_of(response) == "invalid_postback", name
        told = response.content.decode() + str(response.headers) + caplog.text
        posted = {key: value[-1] if isinstance(value, list) else value for key, value in forged.items()}
        assert sign_postback(posted, secret) not in told
        assert secret not in told
        assert (logged_in(), carried_out(), Pairing.objects.count()) == (who, 0, phones)
    assert browser.post(path, {**fields, **beside}).status_code == 302  # nothing of this has spoilt the genuine one


def test_S05_one_kind_is_not_taken_as_another(account, make_browser, phone, carried_out, settings):
    login, phones, confirm = make_browser(), make_browser(), make_browser()
    _path, approved = WAYS["iframe"](login, phone, settings)
    logged_in_as_alice(phones)
    change = pairing(phones, phone)
    generation = ToopherAccount.objects.get().generation
    confirmed, _path, beside = _form(confirm, phone)
    for fields in (approved, change, confirmed):
        for browser, path, genuine, more in (
            (login, POSTBACK, approved, {}),
            (phones, ACCOUNT_POSTBACK, change, {}),
            (confirm, PATH, confirmed, beside),
            (confirm, STEP_UP, confirmed, beside),
        ):
            if fields is not genuine:
                for sent in (fields, signed(fields, session_token=genuine["session_token"])):
                    assert browser.post(path, {**sent, **more}).status_code == 403
    assert not login.is_logged_in()
    assert (carried_out(), ToopherAccount.objects.get().generation) == (0, generation)


@pytest.mark.parametrize("embed", EMBEDS)
def test_S05_an_attempt_is_completed_as_its_own_kind_only(embed, account, make_browser, phone, settings):
    settings.TOOPHER_EMBED = embed
    browser = make_browser()
    browser.password()
    pending = kept(browser)[PENDING_LOGIN]
    Attempt.objects.update(kind="pairing")
    browser.get(AUTHENTICATE)
    assert browser.get(AUTHENTICATE)["Location"] == LOGIN
    Attempt.objects.update(kind="login")
    other = restored(make_browser, {PENDING_PAIRING: pending})
    for path in (ACCOUNT_POSTBACK, PHONES, POSTBACK, AUTHENTICATE, RECOVER):
        assert other.post(path).status_code in {302, 403, 405}
    assert not other.is_logged_in()
