"""The computers at which a user logs in."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from ..errors import BadParameterError, NotFoundError, TerminalUnknownError
from ..models import NAME_LENGTH, Automation, Requester, Terminal, User, digest, only
from ..retry import retry_on_deadlock

EXTRA_LENGTH = 1024
"""Characters of a requester-specified terminal id."""

MOST_LISTED = 200
"""Terminals of one user in one reply, which has to stay short."""


def at(user: User, name: str, extra: str, terminal_id: UUID | None = None) -> Terminal:
    """The terminal at which the user is: the one with this id, which ``name`` renames, or what ``get_or_create`` finds.

    ``TerminalUnknownError`` where the user has none with this id, ``BadParameterError`` where ``extra`` is another's.
    """
    if terminal_id is None:
        return get_or_create(user, name, extra)
    terminal = user.terminals.filter(pk=terminal_id).first()
    if terminal is None:
        raise TerminalUnknownError
    require_storable(name, extra)
    if extra not in {"", terminal.extra}:
        raise BadParameterError("terminal_id and terminal_name_extra name two terminals.")
    return _renamed(terminal, name)


@retry_on_deadlock
def get_or_create(user: User, name: str, extra: str) -> Terminal:
    """The user's terminal with the secret ``extra``, renamed when ``name`` is another (PROTOCOL.md §2.3).

    A blank ``extra`` gives an anonymous terminal, which automations never match. ``TerminalUnknownError`` for an
    unknown ``extra`` without a name.
    """
    require_storable(name, extra)
    if not extra:
        return _anonymous(user, name)
    terminal = only(user.terminals.filter(extra_digest=digest(extra)))
    if terminal is None:
        if not name:
            raise TerminalUnknownError
        terminal, _ = Terminal.objects.get_or_create(
            user=user, extra_digest=digest(extra), defaults={"name": name, "extra": extra}
        )
    return _renamed(terminal, name)


def _renamed(terminal: Terminal, name: str) -> Terminal:
    """With ``name``; blank keeps what it has."""
    if name and terminal.name != name:
        terminal.name = name
        terminal.save(update_fields=["name", "modified"])
    return terminal


def require_storable(name: str, extra: str) -> None:
    """``BadParameterError`` for a name or id that can't be kept."""
    if len(name) > NAME_LENGTH or len(extra) > EXTRA_LENGTH or "\0" in name + extra:
        raise BadParameterError("The terminal's name or id is too long, or has a character that can't be stored.")


def get_by_id(requester: Requester, terminal_id: UUID) -> Terminal:
    """The requester's terminal with this id; another requester's is not found (SECURITY.md S21)."""
    terminal = (
        Terminal.objects.filter(pk=terminal_id, user__requester=requester).select_related("user__requester").first()
    )
    if terminal is None:
        raise NotFoundError("No such terminal.")
    return terminal


def of_user(user: User) -> QuerySet[Terminal]:
    """The user's terminals, the one that changed last first; ``MOST_LISTED`` of them."""
    return user.terminals.order_by("-modified", "-created")[:MOST_LISTED]


def change(terminal: Terminal, name: str, extra: str) -> Terminal:
    """Give the terminal another name, another secret, or both; blank keeps what it has.

    Whoever knows another secret may be another computer: what was answered for this one holds no more (SECURITY.md
    S27). ``BadParameterError`` when another terminal of the user has the secret.
    """
    require_storable(name, extra)
    is_another = extra not in {"", terminal.extra}
    terminal.name, terminal.extra = name or terminal.name, extra or terminal.extra
    try:
        with transaction.atomic():
            if is_another:
                Automation.objects.filter(terminal=terminal).delete()
                terminal.approved = None
            terminal.save(update_fields=["name", "extra", "extra_digest", "approved", "modified"])
    except IntegrityError as exc:
        raise BadParameterError("Another terminal of this user has this id.") from exc
    return terminal


def _anonymous(user: User, name: str) -> Terminal:
    for terminal in user.terminals.filter(extra_digest=None, name=name):
        if terminal.name == name:  # a collation may fold case
            return terminal
    # two calls at once may make two of a name: no automation matches either
    return Terminal.objects.create(user=user, name=name)
