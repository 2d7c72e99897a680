"""What asking and polling cost, with automations or without."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_toopher.service.models import Pairing
from django_toopher.service.requests import waiting
from tests.tables import table

from .acts import is_silent


class Statements(CaptureQueriesContext):
    """The SQL statements that were made, those apart that only control transactions."""

    CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")

    @property
    def queries(self):
        return [query["sql"] for query in self.captured_queries if not query["sql"].startswith(self.CONTROL)]


@pytest.fixture
def statements(db):
    return lambda: Statements(connection)


@table("before", ["another terminal", "asked", "denied", "silent"])
def test_asking_takes_twelve_queries_at_the_most(automate, ask, paired, statements, before):
    if before == "silent":
        automate()
    else:
        ask(terminal_name_extra="secret-2" if before == "another terminal" else "secret-1")
    if before == "denied":
        paired.deny(paired.pending().requests[0])
    with statements() as made:
        told = ask()
    assert is_silent(told) == (before == "silent")
    assert len(made.queries) <= 12, "\n".join(made.queries)


def test_a_requesters_poll_takes_three_queries(ask, paired, caller, statements):
    asked = ask()["id"]
    with statements() as made:
        told = caller.get(f"authentication_requests/{asked}").json()
    assert told["user"]["number_of_pregenerated_otps_remaining"] == 0
    assert len(made.queries) == 3, "\n".join(made.queries)


def test_a_phones_poll_takes_three_queries(ask, api, paired, statements):
    ask()
    api.pair("bob", paired.phrase().phrase)
    with statements() as made:
        waiting = paired.pending()
    assert (len(waiting.requests), len(waiting.pairings)) == (1, 1)
    assert len(made.queries) == 3, "\n".join(made.queries)


def test_a_phones_poll_is_newest_first(ask, api, paired):
    asked = [ask(terminal_name_extra=f"t{n}")["id"] for n in range(3)]
    offered = [api.pair(user, paired.phrase().phrase).id for user in ("bob", "carol")]
    waiting = paired.pending()
    assert [one.id for one in waiting.requests] == asked[::-1]
    assert [one.id for one in waiting.pairings] == offered[::-1]


def test_what_waits_is_told_of_the_right_people(ask, pair, paired, make_phone):
    pair(paired, "bob")
    other = make_phone()
    pair(other, "carol")
    ask(user_name="bob")
    ask(user_name="carol")
    bobs_phone = Pairing.objects.get(user__name="bob").authenticator
    requests, offered, _agreed = waiting.for_authenticator(bobs_phone, timezone.now())
    assert ([one.texts.user for one in requests], offered) == (["bob"], [])
