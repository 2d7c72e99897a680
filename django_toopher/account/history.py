"""A person's own recent sign-ins and the computers that they came from, read from the attempts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..client import ToopherApi
from ..models import Attempt, digest
from ..printable import printable
from ..session.computer import name_of

READ = 50
"""The newest attempts of a person that are read; a computer that was not used for longer is not listed."""

SHOWN = 10

NAME_LENGTH = 100


class UnknownComputerError(Exception):
    """Not a computer of this person."""


@dataclass(frozen=True)
class Computer:
    """Where the person has signed in from. ``id`` is the service's, ``is_this`` the browser that asks."""

    id: str
    name: str
    address: str
    last_used: datetime
    is_this: bool


def recent(user_pk: Any) -> list[Attempt]:
    """The user's newest attempts. One query."""
    return list(Attempt.objects.filter(user=user_pk).order_by("-created")[:READ])


def shown(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The newest sign-ins, each with ``place``, the browser's name; what waits still is not one yet."""
    rows = [row for row in attempts if row.kind != Attempt.Kind.PAIRING and row.outcome != Attempt.Outcome.PENDING]
    for row in rows[:SHOWN]:
        row.place = row.terminal_name or name_of(row.browser)  # type: ignore[attr-defined]
    return rows[:SHOWN]


def last_used(attempts: Sequence[Attempt]) -> datetime | None:
    """When a second factor was last granted, among these."""
    return next((row.finished for row in attempts if row.outcome == Attempt.Outcome.GRANTED), None)


def computers(attempts: Sequence[Attempt], ids: Iterable[str]) -> list[Computer]:
    """The computers of these attempts, the last used one first; ``ids`` are the secret ids of the browser that asks."""
    found: dict[str, Computer] = {}
    here = set(map(digest, ids))
    for row in attempts:
        if row.outcome == Attempt.Outcome.GRANTED and row.terminal_digest and row.terminal_id not in found:
            is_this = row.terminal_digest in here
            used = row.finished or row.created
            found[row.terminal_id] = Computer(row.terminal_id, row.terminal_name, row.address, used, is_this)
    return list(found.values())


def rename(user: Any, terminal_id: str, name: str, api: ToopherApi) -> None:
    """Call the computer something else, here and on the phone. ``UnknownComputerError``, ``ToopherApiError``."""
    rows, name = _of(user, terminal_id), printable(name)[:NAME_LENGTH]
    if name:
        api.post(api.path("user_terminals", terminal_id), name=name)
        rows.update(terminal_name=name)


def forget(user: Any, terminal_id: str, api: ToopherApi) -> None:
    """Give the computer another secret, which nobody has: no automation fits it any more (SECURITY.md S27)."""
    rows = _of(user, terminal_id)
    api.post(api.path("user_terminals", terminal_id), name_extra=secrets.token_urlsafe(32))
    rows.update(terminal_digest="")


def _of(user: Any, terminal_id: str) -> Any:
    """The user's own attempts from this computer, and nobody else's (SECURITY.md S17)."""
    rows = Attempt.objects.filter(user=user.pk, terminal_id=terminal_id).exclude(terminal_digest="")
    if not terminal_id.isprintable() or not terminal_id or not rows.exists():  # PostgreSQL can't look for a NUL
        raise UnknownComputerError
    return rows
