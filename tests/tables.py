"""Tables: one test that tries every row, where a reader wants to see one behaviour and not fifty items."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import connection, transaction


def table(names: str | Sequence[str], rows: Iterable[Any], *, ids: Any = None) -> Callable[..., Callable[..., None]]:
    """As ``pytest.mark.parametrize``, in one test: its fixtures are made once, and all rows are tried.

    Every row finds the database as the fixtures left it: what the row before has written there is rolled back. What
    else it changed (cookies, settings, the cache, logs, mails) stays; a test that minds is better parametrized.
    """
    columns = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    values = list(rows)
    assert values, "a table without rows tests nothing"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        wanted = inspect.signature(test).parameters
        named = [each.replace(kind=each.KEYWORD_ONLY) for name, each in wanted.items() if name not in columns]

        @wraps(test)
        def each_row(*, subtests: Any, **fixtures: Any) -> None:
            if "subtests" in wanted:  # a table within this one, or a test that has some of its own
                fixtures["subtests"] = subtests
            for number, row in enumerate(values):
                cells = [row] if len(columns) == 1 else list(row)
                told = dict(zip(columns, cells, strict=True))
                with _around(_name(ids, number, told)) as name, subtests.test(name), undone():
                    test(**fixtures, **told)

        if "subtests" not in wanted:
            named.append(inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY))
        each_row.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
        return each_row

    return decorate


def _name(ids: Any, number: int, told: dict[str, Any]) -> str:
    """What a failing row is called: as ``ids`` says, or by what stands in it."""
    if callable(ids):
        return "-".join(str(ids(cell)) for cell in told.values())
    if ids is not None:
        return str(list(ids)[number])
    return ", ".join(f"{name}={cell!r}"[:80] for name, cell in told.items())


_ROWS: list[str] = []


@contextmanager
def _around(row: str) -> Iterator[str]:
    """The row's name behind those of the tables around it."""
    _ROWS.append(row)
    try:
        yield ", ".join(_ROWS)
    finally:
        _ROWS.pop()


@contextmanager
def undone() -> Iterator[None]:
    """What is written to the database within is taken back. Outside of a test's own transaction nothing is."""
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
