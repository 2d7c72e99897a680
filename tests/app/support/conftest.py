"""People at the support desk, and what the signals tell of them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from django_toopher import connection, signals
from django_toopher.models import ToopherAccount


@pytest.fixture
def api(db):
    return connection.api()


@pytest.fixture
def make_account(make_user):
    """Makes people without a phone, whom the service does not know."""

    def make(name, **fields):
        return ToopherAccount.objects.create(user=make_user(name), name=name, **fields)

    return make


@pytest.fixture
def many(make_account):
    """Five people."""
    return [make_account(f"person{number}") for number in range(5)]


@pytest.fixture
def heard():
    """What the signals tell: (signal, account, user, by)."""
    told = []
    connected = {name: getattr(signals, name) for name in ("enabled", "disabled", "reset")}
    receivers = []
    for name, signal in connected.items():

        def receiver(name=name, **kwargs):
            told.append((name, kwargs["account"], kwargs["user"], kwargs["by"]))

        receivers.append((signal, receiver))
        signal.connect(receiver)
    yield told
    for signal, receiver in receivers:
        signal.disconnect(receiver)


@pytest.fixture
def helper(make_user):
    """Somebody who may use every verb, and is no superuser."""
    person = make_user("helper", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="django_toopher"))
    return person
