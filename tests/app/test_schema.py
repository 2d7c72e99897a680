"""A database that is not migrated."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.schema import is_migrated, needs_tables

from .acts import AUTHENTICATE


@pytest.fixture
def without(transactional_db):
    """Takes a model's table away for the length of a test."""
    taken = []

    def take(model):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} RENAME TO taken_away")
        taken.append(model)

    yield take
    for model in taken:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE taken_away RENAME TO {model._meta.db_table}")


@pytest.mark.parametrize("model", [ToopherAccount, Attempt])
def test_a_missing_table_is_noticed(model, without):
    assert is_migrated()
    without(model)
    assert not is_migrated()


def test_the_login_page_says_what_to_run(make_user, without, computer):
    make_user("alice")
    without(ToopherAccount)
    assert computer.get("/accounts/login/").status_code == 200
    with pytest.raises(ImproperlyConfigured, match=r"manage\.py migrate"):
        computer.password()


def test_the_page_that_asks_says_what_to_run(make_user, without, computer):
    ToopherAccount.objects.create(user=make_user("alice"), name="alice", paired=True)
    computer.password()
    without(Attempt)
    with pytest.raises(ImproperlyConfigured, match=r"manage\.py migrate"):
        computer.get(AUTHENTICATE)


def test_the_middleware_says_what_to_run(make_user, without, computer):
    computer.client.force_login(make_user("alice"))
    without(ToopherAccount)
    with pytest.raises(ImproperlyConfigured, match=r"manage\.py migrate"):
        computer.get("/members/")


def test_another_error_of_the_database_stays_what_it_is(db):
    @needs_tables
    def view():
        raise DatabaseError("disk full")

    with pytest.raises(DatabaseError, match="disk full"):
        view()
