"""Alice's browser before, within and after a login, and what genuine input looks like there."""

from __future__ import annotations

import pytest

from django_toopher.factors import recovery_codes
from django_toopher.service.models import Pairing, Terminal
from django_toopher.session.computer import COOKIE
from django_toopher.support import runs, verbs
from tests.factories import verified

from ..acts import approve, pairing
from ..rest_urls import DONE
from ..step_up_urls import SEEN
from ..ways import confirmed_form, form_by_password
from .input import everything


@pytest.fixture(autouse=True)
def carried_out():
    """What confirmed views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return lambda: len(SEEN) + len(DONE)


@pytest.fixture
def alices(account, browser):
    """Alice's browser, logged in and verified; the service knows it by its cookie."""
    browser.client.cookies[COOKIE] = "x" * 43
    Terminal.objects.create(user=Pairing.objects.get().user, name="Browser", extra="x" * 43)
    return verified(browser, account.user)


@pytest.fixture
def half(account, browser):
    """Alice's browser, after the password."""
    browser.password()
    return browser


@pytest.fixture
def support_desk(account, staff, browser):
    return verified(browser, staff)


@pytest.fixture
def approved(half, phone):
    """The genuine postback of an approved login."""
    return approve(half, phone)


@pytest.fixture
def changed(alices, phone):
    """The genuine postback of a new phone."""
    return pairing(alices, phone)


@pytest.fixture
def confirmed(alices, phone):
    """The genuine fields of a confirmed form."""
    _path, fields = confirmed_form(alices, phone)
    return fields


@pytest.fixture
def held(alices, phone, settings):
    """Carries out a form that waits for the password."""
    return form_by_password(alices, phone, settings)


@pytest.fixture
def codes_on_paper(account):
    return recovery_codes.make(account.user)


@pytest.fixture
def run(account):
    """A support run that nobody has confirmed."""
    return runs.create(verbs.VERBS["disable"], [account])


@pytest.fixture
def before():
    """How everything stands after the fixtures named before this one: name it last. Examples are ``undone``."""
    return everything()
