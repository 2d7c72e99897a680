"""What the calls that come most often cost in SQL statements, with ten rows in each table and with ten thousand.

The statements that only control transactions are counted apart, as in ``tests/app/test_queries.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
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
    now = timezone.now()
    later = now + timedelta(hours=1)
    several = range(number)
    sites = [Requester(name=f"Site {n}", consumer_key=f"{number} {n}", origins="") for n in several]
    users = [User(requester=sites[n], name=f"user {n}", name_digest=digest(f"user {n}")) for n in several]
    phones = [Authenticator(name="Phone", public_key={}, thumbprint=digest(f"{number} {n}")) for n in several]
    pairings = [
        Pairing(user=users[n], authenticator=phones[n], state="enabled", answered=now, expires=now) for n in several
    ]
    computers = [Terminal(user=users[n], name="PC", extra_digest=digest(str(n))) for n in several]
    actions = [Action(requester=sites[n], name="Log In", name_digest=digest("Log In")) for n in several]
    requests = [
        AuthenticationRequest(user=users[n], terminal=computers[n], action=actions[n], expires=later) for n in several
    ]
    pages = [
        Frame(id=digest(f"{number} {n}"), page="authenticate", user=users[n], request=requests[n], expires=later)
        for n in several
    ]
    answers = [
        Automation(
            user=users[n],
            terminal=computers[n],
            terminal_digest=digest(str(n)),
            action=actions[n],
            pairing=pairings[n],
            answer="allow",
            expires=later,
        )
        for n in several
    ]
    codes = [PregeneratedCode(user=users[n], code_digest=digest(str(n))) for n in several]
    nonces = [SpentNonce(digest=digest(f"nonce {number} {n}"), expires=later) for n in several]
    tallies = [Tally(key=digest(f"tally {number} {n}"), expires=later) for n in several]
    for page in pages:
        page.parameters = {}
    for rows in (sites, users, phones, pairings, computers, actions, requests, pages, answers, codes, nonces, tallies):
        type(rows[0]).objects.bulk_create(rows, batch_size=1000)


def costs(calls: dict[str, Callable[[], Any]]) -> dict[str, list[str]]:
    """The statements of each call."""
    statements = {name: Statements() for name in calls}
    for name, call in calls.items():
        with statements[name]:
            response = call()
        assert isinstance(response, dict) or response.status_code == 200, (name, response.content)
    return {name: each.queries for name, each in statements.items()}


@pytest.mark.parametrize("name", MOST)
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
