"""What a deadlock has undone begins anew; every other error stays one."""

from __future__ import annotations

import pytest
from django.db import OperationalError, transaction

from django_toopher.service.retry import TRIES, retry_on_deadlock

MARIADB = (1213, "Deadlock found when trying to get lock; try restarting transaction")


def failing(times, *args):
    """A verb that fails so often, and how often it was carried out."""
    calls = []

    @retry_on_deadlock
    def verb():
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError(*args)
        return "done"

    return verb, calls


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_tried_again():
    verb, calls = failing(2, *MARIADB)
    assert verb() == "done"
    assert len(calls) == 3


@pytest.mark.django_db(transaction=True)
def test_deadlocks_without_end_are_an_error():
    verb, calls = failing(100, *MARIADB)
    with pytest.raises(OperationalError):
        verb()
    assert len(calls) == TRIES


@pytest.mark.django_db(transaction=True)
def test_another_error_is_raised_at_once():
    verb, calls = failing(1, 2006, "Server has gone away")
    with pytest.raises(OperationalError):
        verb()
    assert len(calls) == 1


@pytest.mark.django_db
def test_within_a_transaction_nothing_is_tried_again():
    verb, calls = failing(1, *MARIADB)
    with pytest.raises(OperationalError), transaction.atomic():
        verb()
    assert len(calls) == 1
