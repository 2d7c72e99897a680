"""Everything that this app keeps in the session, in one place.

A session holds at most one pending login and one pending change of phones, each naming its ``Attempt`` and the request
token whose digest the attempt has; and, once a second factor was passed, that it was, when, and as of which generation
of the account (``generation``). For step-ups it has a secret of its own, to which approvals are bound.
No password and no hash of one (SECURITY.md S08).
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from ..conf import conf
from . import sitting

PENDING_LOGIN = "_toopher_pending_login"
PENDING_PAIRING = "_toopher_pending_pairing"
VERIFIED = "_toopher_verified"
LET_IN = "_toopher_let_in"
LET_IN_UNTIL = "_toopher_let_in_until"
LOOKED_UP = "_toopher_looked_up"
VERIFIED_AT = "_toopher_verified_at"
STEP_UP_SECRET = "_toopher_step_up_secret"  # noqa: S105 (the name of a key)
STEP_UP_GRANT = "_toopher_step_up_grant"
CONFIRMED = "_toopher_confirmed"
GENERATION = "_toopher_generation"
LOGGED_IN_AT = "_toopher_logged_in_at"
PASSWORD_AT = "_toopher_password_at"  # noqa: S105 (the name of a key)
REPLACING_AT = "_toopher_replacing_at"
NOTICES = "_toopher_notices"

ALL = (
    PENDING_LOGIN,
    PENDING_PAIRING,
    VERIFIED,
    LET_IN,
    LET_IN_UNTIL,
    LOOKED_UP,
    VERIFIED_AT,
    STEP_UP_SECRET,
    STEP_UP_GRANT,
    CONFIRMED,
    GENERATION,
    LOGGED_IN_AT,
    PASSWORD_AT,
    REPLACING_AT,
)

EARNED = (
    VERIFIED,
    VERIFIED_AT,
    LET_IN,
    LET_IN_UNTIL,
    LOOKED_UP,
    CONFIRMED,
    STEP_UP_GRANT,
    GENERATION,
    REPLACING_AT,
)
"""What was earned with a second factor that may not be the person's any more."""

SIGNED_IN = (LOGGED_IN_AT, PASSWORD_AT)
"""When whoever sits there came in."""

LATELY = 600
"""Seconds for which the second factor can be changed after it was confirmed, or by a fresh login (SECURITY.md S38)."""

_BY_PASSWORD = "password:"  # noqa: S105 (a mark before an action)

_CONFIRMED_ACTIONS = 10
"""How many actions that were made from requests a session remembers; the oldest are forgotten."""


@dataclass(frozen=True)
class Pending:
    """A second factor that somebody in this session was asked for."""

    attempt: str
    token: str
    next_url: str = ""
    backend: str = ""

    @property
    def ticket(self) -> str:
        """Attempt and token in one text, for who is to come back with it."""
        return f"{self.attempt}.{self.token}"

    @classmethod
    def of_ticket(cls, ticket: object) -> Pending | None:
        """What ``ticket`` says; ``None`` when it is none."""
        found = re.fullmatch(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", ticket) if isinstance(ticket, str) else None
        return cls(found[1], found[2]) if found else None


def store(session: SessionBase, key: str, pending: Pending) -> None:
    """Keep ``pending``; one that was there before is void."""
    session[key] = asdict(pending)


def load(session: SessionBase, key: str) -> Pending | None:
    """What ``store`` kept; ``None`` when there is nothing, or something that another version wrote."""
    kept = session.get(key)
    names = {field.name for field in fields(Pending)}
    if not isinstance(kept, dict) or kept.keys() != names or not all(isinstance(v, str) for v in kept.values()):
        return None
    return Pending(**kept)


def forget(session: SessionBase, *keys: str) -> None:
    """Remove these keys, by default all of this app's."""
    for key in keys or ALL:
        session.pop(key, None)


def set_verified(session: SessionBase, generation: int | None = None) -> None:
    """The logged-in user of this session has passed a second factor.

    Who knows the account's ``generation`` saves the next request a query.
    """
    session[VERIFIED] = sitting.key_of(session)  # whose it is: the mark of one user serves no other (S11)
    session[VERIFIED_AT] = int(time.time())
    step_up_secret(session)  # at once: two tabs that ask at the same moment must not make two
    forget(session, LET_IN, LET_IN_UNTIL)
    set_generation(session, generation)


def set_let_in(session: SessionBase, generation: int | None = None, seconds: int | None = None) -> None:
    """The logged-in user of this session is exempt: let in, which is not verified (DESIGN.md, rule 5).

    That holds for so many seconds, by default ``TOOPHER_SESSION_CHECK``: then the policy is asked again, because a
    grace period may have ended, the user may belong to the staff now, or the policy is another one.
    """
    session[LET_IN] = sitting.roles(session)  # whom they act as next may have a second factor (S11)
    session[LET_IN_UNTIL] = int(time.time()) + (conf.TOOPHER_SESSION_CHECK if seconds is None else seconds)
    set_generation(session, generation)


def set_looked_up(session: SessionBase) -> None:
    """The service was asked whether the logged-in user has a second factor: once for each login (SECURITY.md S37)."""
    session[LOOKED_UP] = sitting.roles(session)


def was_looked_up(session: SessionBase) -> bool:
    """Whether the service was asked since the logged-in user of this session came in, or that user was let in."""
    return sitting.roles(session) in {session.get(LOOKED_UP), session.get(LET_IN)}


def set_generation(session: SessionBase, generation: int | None) -> None:
    """What was earned is true as of this generation of the account; ``None``: whoever looks next finds out."""
    if generation is None:
        session.pop(GENERATION, None)
    else:
        session[GENERATION] = [generation, int(time.time())]


def generation_of(session: SessionBase) -> tuple[int, int] | None:
    """The generation, and when it was compared, in seconds since the epoch; ``None`` when nothing readable is there."""
    match session.get(GENERATION):
        case [int(generation), int(compared)]:
            return generation, compared
    return None


def is_let_in(request: HttpRequest) -> bool:
    """Whether this session's user was found exempt in this session, not long ago."""
    roles, until = sitting.roles(request.session), request.session.get(LET_IN_UNTIL)
    if roles is None or request.session.get(LET_IN) != roles or not isinstance(until, int):
        return False
    carried = generation_of(request.session)
    since = carried[1] if carried else 0
    return since <= time.time() < until  # before it: a clock was set back


def is_verified(request: HttpRequest) -> bool:
    """Whether who sits there has passed a second factor in this session. No query beyond the session's own."""
    session: Any = request.session
    user = sitting.key_of(session)
    return user is not None and session.get(VERIFIED) == user


def add_notice(session: SessionBase, text: str) -> None:
    """Something to tell the person, once a page can: outlives the login that comes first."""
    session[NOTICES] = [*session.get(NOTICES, []), text]


def take_notices(session: SessionBase) -> list[str]:
    """What ``add_notice`` kept; it is told once."""
    return list(session.pop(NOTICES, []))


def step_up_secret(session: SessionBase) -> str:
    """Random, made once for a login: what is approved in one session is worth nothing in another (SECURITY.md S13)."""
    if STEP_UP_SECRET not in session:
        session[STEP_UP_SECRET] = secrets.token_urlsafe(32)
    return str(session[STEP_UP_SECRET])


def set_now(session: SessionBase, key: str) -> None:
    """What ``key`` stands for has happened just now."""
    session[key] = int(time.time())


def was_lately(session: SessionBase, key: str, max_age: int) -> bool:
    """Whether it happened in the last ``max_age`` seconds."""
    return _is_within(session.get(key, 0), max_age)


def _is_within(when: float, max_age: int) -> bool:
    return 0 <= time.time() - when < max_age  # below 0: a clock was set back


def set_confirmed(session: SessionBase, action: str, *, by_password: bool = False) -> None:
    """The person has just confirmed ``action``, the digest of words made from a request; ``""`` is any other.

    A password is noted apart: it proves nothing of who has a phone (SECURITY.md S38).
    """
    action = f"{_BY_PASSWORD}{action}" if by_password else action
    confirmed = {**session.get(CONFIRMED, {}), action: int(time.time())}
    newest = sorted(confirmed, key=confirmed.__getitem__)[-_CONFIRMED_ACTIONS:]
    session[CONFIRMED] = {each: confirmed[each] for each in newest}


def was_confirmed(session: SessionBase, action: str, max_age: int, *, by_password: bool = False) -> bool:
    """Whether the person has confirmed ``action`` in the last ``max_age`` seconds, in this session.

    For ``""`` a second factor that the person has passed at the login counts as well; an automation does not. With
    ``by_password``: whether the password has.
    """
    if by_password:
        return _is_within(session.get(CONFIRMED, {}).get(f"{_BY_PASSWORD}{action}", 0), max_age)
    when = [session.get(CONFIRMED, {}).get(action, 0)]
    if not action and session.get(VERIFIED) == sitting.key_of(session):
        when.append(session.get(VERIFIED_AT, 0))
    return _is_within(max(when), max_age)
