"""Two calls that want the same rows in another order: the database ends one of them, which then simply begins anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5


def _is_deadlock(error: OperationalError) -> bool:
    """MariaDB's and MySQL's error 1213, PostgreSQL's SQLSTATE 40P01."""
    return error.args[:1] == (1213,) or getattr(error.__cause__, "sqlstate", None) == "40P01"


def retry_on_deadlock(verb: Callable[P, R]) -> Callable[P, R]:
    """Carry ``verb`` out again when a deadlock has undone it; within somebody else's transaction it is theirs."""

    @wraps(verb)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        for _try in range(TRIES - 1):
            try:
                return verb(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not _is_deadlock(error):
                    raise
        return verb(*args, **kwargs)

    return wrapped
