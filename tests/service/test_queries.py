"""What the calls that come most often cost in SQL statements, with ten rows in each table and with ten thousand.

The statements that only control transactions are counted apart, as in ``tests/app/test_queries.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import AutoField, Model
from django.utils import timezone

from django_toopher.service.models import (
    Action,
    AuthenticationRequest,
    Authenticator,
    Automation,
    Frame,
    Pairing,
    PregeneratedCode,
    Requester,
    SpentNonce,
    Tally,
    Terminal,
    User,
    digest,
)
from tests.app.acts import Statements
from tests.drivers import Computer
from tests.drivers import Frame as Page
from tests.tables import table

from .callers import Caller, RawPhone

FEW, MANY = 10, 10_000

MOST = {"poll": 3, "initiate": 12, "frame's poll": 1, "phone's pending": 3}
"""SQL statements of one call, the verification of its signature and nonce included."""

LOGIN = {
    "user_name": "alice",
    "terminal_name": "Laptop",
    "terminal_name_extra": "secret id of alice's computer",
    "action_name": "Log In",
}


@pytest.fixture
def calls(caller: Caller, raw_phone: RawPhone, api, pair, iframe) -> dict[str, Callable[[], Any]]:
    """Alice, who has signed in before, and whose phone is asked once more: each call, ready to be made."""
    pair(raw_phone)
    asked = caller.post("authentication_requests/initiate", **LOGIN).json()
    raw_phone.answer(raw_phone.question(), asked["number"])
    PregeneratedCode.objects.create(user=User.objects.get(name="alice"), code_digest="0" * 64)
    waiting = caller.post("authentication_requests/initiate", **LOGIN).json()["id"]
    page = Page.at(Computer(), iframe.get_auth_iframe_url("alice", "", "token"))
    assert page.call("ask")["state"] == "waiting"
    return {
        "poll": lambda: caller.get(f"authentication_requests/{waiting}"),
        "initiate": lambda: caller.post("authentication_requests/initiate", **LOGIN),
        "frame's poll": page.poll,
        "phone's pending": lambda: raw_phone.call("pending"),
    }


def populate(number: int) -> None:
    """Add ``number`` rows to each table: other sites, whose users have phones, computers, questions and codes."""
    later = timezone.now() + timedelta(hours=1)
    unique = [digest(f"{number} {n}") for n in range(number)]
    sites, users, phones, pairings, computers, actions, requests, answers = (
        [uuid4() for _ in range(number)] for _ in range(8)
    )
    add_rows(Requester(name="Site", origins=""), id=sites, consumer_key=unique)
    add_rows(User(name="user"), id=users, requester=sites, name_digest=unique)
    add_rows(Authenticator(name="Phone", public_key={}), id=phones, thumbprint=unique)
    pairing = Pairing(state="enabled", answered=timezone.now(), expires=later)
    add_rows(pairing, id=pairings, user=users, authenticator=phones)
    add_rows(Terminal(name="PC"), id=computers, user=users, extra_digest=unique)
    add_rows(Action(name="Log In", name_digest=digest("Log In")), id=actions, requester=sites)
    asked = {"user": users, "terminal": computers, "action": actions}
    add_rows(AuthenticationRequest(expires=later), id=requests, **asked)
    add_rows(Frame(page="authenticate", parameters={}, expires=later), id=unique, user=users, request=requests)
    answer = Automation(answer="allow", expires=later)
    add_rows(answer, id=answers, terminal_digest=unique, pairing=pairings, **asked)
    add_rows(PregeneratedCode(), user=users, code_digest=unique)
    add_rows(SpentNonce(expires=later), digest=unique)
    add_rows(Tally(expires=later), key=unique)


def add_rows(example: Model, **columns: Sequence[Any]) -> None:
    """Insert copies of ``example``, each with its own values in ``columns``; as instances they would take seconds."""
    fields = [field for field in example._meta.concrete_fields if not isinstance(field, AutoField)]
    number = len(next(iter(columns.values())))
    cells = [
        [field.get_db_prep_value(value, connection) for value in columns[field.name]]
        if field.name in columns
        else [field.get_db_prep_save(field.pre_save(example, True), connection)] * number
        for field in fields
    ]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table_name = connection.ops.quote_name(example._meta.db_table)
    marks = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table_name} ({names}) VALUES ({marks})", [*zip(*cells, strict=True)])  # noqa: S608


def costs(calls: dict[str, Callable[[], Any]]) -> dict[str, list[str]]:
    """The statements of each call."""
    statements = {name: Statements() for name in calls}
    for name, call in calls.items():
        with statements[name]:
            response = call()
        assert isinstance(response, dict) or response.status_code == 200, (name, response.content)
    return {name: each.queries for name, each in statements.items()}


@table("name", MOST)
def test_a_call_costs_few_statements(calls, name):
    statements = costs({name: calls[name]})[name]
    assert 1 <= len(statements) <= MOST[name], "\n".join(statements)


@pytest.mark.slow
def test_no_call_costs_more_with_ten_thousand_rows_than_with_ten(calls):
    populate(FEW)
    few = {name: len(statements) for name, statements in costs(calls).items()}
    populate(MANY)
    many = {name: len(statements) for name, statements in costs(calls).items()}
    assert many == few


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="EXPLAIN is PostgreSQL's here; set DATABASE_URL")
def test_no_call_reads_a_big_table_from_end_to_end(calls):
    populate(MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    executed: list[tuple[str, Any]] = []

    def noted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        executed.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(noted):
        costs(calls)
    explained = [statement for statement in executed if statement[0].startswith(("SELECT", "UPDATE", "INSERT"))]
    plans = {sql: plan_of(sql, params) for sql, params in explained}
    assert len(plans) > 10
    assert "Seq Scan" in plan_of("SELECT 1 FROM toopher_service_user WHERE email = %s", ["nobody"])  # it would be seen
    for sql, plan in plans.items():
        assert "Seq Scan" not in plan, f"{sql}\n{plan}"


def plan_of(sql: str, params: Any) -> str:
    """What PostgreSQL would do."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())
