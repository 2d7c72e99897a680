"""What the service tells of a person: the user, phones, terminals, automations. Asks, and writes nothing down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from django.utils.dateparse import parse_datetime

from ..client import InvalidReplyError, RequestRefusedError, ToopherApi, User
from ..models import ToopherAccount


class Phone(NamedTuple):
    """A phone that is paired: the pairing's id and date, and what its owner calls the phone."""

    id: str
    name: str
    created: datetime | None


class Terminal(NamedTuple):
    """A terminal, by the name that the service knows, and since when it does."""

    name: str
    created: datetime | None


class Automation(NamedTuple):
    """An automation: a yes or a no to an action at a computer; ``network`` is blank where that is anywhere."""

    id: str
    is_yes: bool
    action: str
    computer: str
    network: str
    expires: datetime | None
    last_used: datetime | None


class Wait(NamedTuple):
    """What counts against a person: ``failures``, ``requests``, ``phrases`` or a ``report``; how often, until when.

    ``computer`` is the known one where that is; blank for all others together.
    """

    what: str
    computer: str
    times: int
    until: datetime | None


class Standing(NamedTuple):
    """A person at the service: the user's id, whether there is a second factor, and whether it is switched on."""

    user_id: str
    has_second_factor: bool
    enabled: bool


def can_know(name: str) -> bool:
    """Whether anybody could have this name at the service (PROTOCOL.md §5), or an account here."""
    return bool(name.strip()) and len(name) <= 255 and "\0" not in name


def standing(account: ToopherAccount, api: ToopherApi) -> Standing | None:
    """How a person stands at the service; None where that knows nobody. One call of our own service, mostly.

    A second one where the id that we know is not known any more, and where another service does not tell.
    """
    user = find_user(account, api)
    if user is None:
        return None
    if not user.id.isprintable() or user.id in {"", ".", ".."}:  # kept, it would break what asks by it
        raise InvalidReplyError("The service's user has no usable id", status=200)
    return Standing(user.id[:36], has_second_factor(user, api), user.toopher_authentication_enabled)


def has_second_factor(user: User, api: ToopherApi) -> bool:
    """Whether there is a phone, or a list of codes (PROTOCOL.md §4.2), whatever was paired where."""
    told = user.raw.get("has_second_factor")
    if told is None:  # which is our own service's word
        return bool(user.raw.get("number_of_pregenerated_otps_remaining") or phones(api, user.id))
    if not isinstance(told, bool):
        raise InvalidReplyError("The service's reply has no 'has_second_factor' that is a bool", status=200)
    return told


def find_user(account: ToopherAccount, api: ToopherApi) -> User | None:
    """The service's user, by the id that we know, or else by exact name; None where the service knows nobody."""
    if account.toopher_user_id:
        try:
            return api.get_user_by_id(account.toopher_user_id)
        except RequestRefusedError as error:
            if error.status != 404:  # that one is no more; the name may have come back with another id
                raise
    found = map(User, _rows(api.get("users", user_name=account.name)))
    return next((user for user in found if user.name == account.name), None)  # no other spelling is this person (S12)


def phones(api: ToopherApi, user_id: str) -> list[Phone]:
    """The phones that can answer for a user, newest first."""
    rows = _rows(api.get(api.path("users", user_id, "pairings"), deactivated="0"))
    return [_phone(row) for row in rows if row.get("enabled") is True]  # those that wait for a yes are listed, too


def phone(api: ToopherApi, pairing_id: str) -> Phone:
    """The phone of a pairing."""
    return _phone(api.get_pairing_by_id(pairing_id).raw)


def computers(api: ToopherApi, user_id: str) -> list[Terminal]:
    """The computers at which a user has signed in, as far as the service tells; not those that were asked from only."""
    rows = [row for row in _terminals(api, user_id) if row.get("approved") is not False]
    return [Terminal(str(row.get("name") or ""), _moment(row.get("created"))) for row in rows]


def approved_ids(api: ToopherApi, user_id: str) -> set[str]:
    """The secret ids of the computers at which this user was approved; none of a service that does not tell."""
    rows = _terminals(api, user_id)
    return {str(row.get("requester_specified_id")) for row in rows if row.get("approved") is True}


def _terminals(api: ToopherApi, user_id: str) -> list[dict[str, Any]]:
    return _rows(api.get(api.path("users", user_id, "terminals")))


def automations(api: ToopherApi, user_id: str) -> list[Automation]:
    return [_automation(row) for row in _rows(api.get(api.path("users", user_id, "automations")))]


def remove_automation(api: ToopherApi, user_id: str, automation_id: str) -> None:
    """The phone is asked again. ``RequestRefusedError`` when it is none of this user's."""
    api.post(api.path("users", user_id, "automations"), remove=automation_id)


def waits(api: ToopherApi, user_id: str) -> list[Wait]:
    """What makes a user wait, or soon would."""
    return _waits(api.get(api.path("users", user_id, "waits")))


def lift_waits(api: ToopherApi, user_id: str) -> list[Wait]:
    """Have it forgotten; what there was."""
    return _waits(api.post(api.path("users", user_id, "waits"), lift=True))


def _waits(reply: Any) -> list[Wait]:
    return [
        Wait(
            str(row.get("what") or ""),
            str(row.get("computer") or ""),
            int(row["count"]) if isinstance(row.get("count"), int) else 0,
            _moment(row.get("until")),
        )
        for row in _rows(reply)
    ]


def rename_phone(api: ToopherApi, pairing_id: str, name: str) -> None:
    """What its owner calls the phone. ``RequestRefusedError`` for what is no name."""
    api.post(api.path("pairings", pairing_id), name=name)


def switch(api: ToopherApi, user_ids: Sequence[str], *, enabled: bool) -> list[User]:
    """Switch the second factor of up to 100 users on or off in one call: those whom the service has found.

    Only our own service knows this call; another's refusal is a ``RequestRefusedError``.
    """
    return [
        User(row)
        for row in _rows(api.post("users/switch", user_ids=",".join(user_ids), disable_toopher_auth=not enabled))
    ]


def remember_phones(account: ToopherAccount, known: list[Phone]) -> None:
    """Take over which phones there are, unsaved: the one we knew if it is among them, else the newest."""
    kept = next((each for each in known if each.id == account.pairing_id), known[0] if known else None)
    account.paired = kept is not None
    account.pairing_id, account.device = (kept.id, kept.name) if kept else ("", "")


def _phone(row: dict[str, Any]) -> Phone:
    return Phone(str(row.get("id", ""))[:36], _name_in(row, "authenticator")[:255], _moment(row.get("created")))


def _automation(row: dict[str, Any]) -> Automation:
    return Automation(
        str(row.get("id") or ""),
        row.get("answer") == "allow",
        _name_in(row, "action"),
        _name_in(row, "terminal"),
        str(row.get("network") or ""),
        _moment(row.get("expires")),
        _moment(row.get("last_used")),
    )


def _name_in(row: dict[str, Any], key: str) -> str:
    named = row.get(key)
    return str((named.get("name") if isinstance(named, dict) else "") or "")


def _moment(told: Any) -> datetime | None:
    """A time as the service tells it, in UTC and without a zone (PROTOCOL.md §2.4); ``None`` for one that is none."""
    try:
        moment = parse_datetime(str(told))
    except ValueError:
        return None
    return moment and moment.replace(tzinfo=timezone.utc)


def _rows(reply: Any) -> list[dict[str, Any]]:
    if not isinstance(reply, list) or not all(isinstance(row, dict) for row in reply):
        raise InvalidReplyError("The service's reply is not a list of objects", status=200)
    return reply
