"""What support can do to a person: enable, disable, reset, lift a wait, send a reset link, refresh from the service.

Each has two halves. ``ask`` is the network's: it may run in a thread, and needs no database. ``write_down`` is the
database's: account, admin log and signal together. ``carry_out`` does both. `SkippedError` and `ToopherApiError` change
nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.dispatch import Signal
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from .. import signals
from ..client import RequestRefusedError, ToopherApi, ToopherApiError, User, UserUnknownError
from ..models import SupportRun, ToopherAccount, forget_computers, moved_on
from ..service_link import lookups

Name = SupportRun.Verb

SECOND_FACTOR = frozenset({"enabled", "paired", "pairing_id"})
"""Fields whose change is one of the second factor."""


class SkippedError(Exception):
    """This person is left alone; ``reason`` is a key of ``reasons.REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownPersonError(ToopherApiError):
    """The service does not know a person who, as far as we know, has a phone there."""

    reason = "unknown"


class NotSwitchedError(ToopherApiError):
    """The service answers, and has not done what it was asked for."""

    reason = "refused"


@dataclass(frozen=True)
class Asked:
    """What came of asking: fields of the account that change, and a word about it for whoever asked."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class Verb:
    """One of support's verbs. ``done`` is what the admin log says; ``question`` what is asked beforehand, if it is.

    ``ask_together`` asks for many at once. Whose primary key is not in its answer has to be asked for alone.
    ``brings_down``: a second factor may be gone, or easier to guess, after it.
    """

    name: Name
    ask: Callable[[ToopherAccount, ToopherApi], Asked]
    permission: str
    done: str | Promise
    question: str | Promise = ""
    warning: str | Promise = ""
    signal: Signal | None = None
    is_read_only: bool = False
    brings_down: bool = False
    ask_together: Callable[[Sequence[ToopherAccount], ToopherApi], Mapping[int, Asked]] | None = None

    @property
    def label(self) -> str:
        return str(self.name.label)

    def is_allowed(self, user: Any) -> bool:
        """Whether this user of the admin has the permission for it."""
        return bool(user.has_perm(f"django_toopher.{self.permission}"))

    def out_of_reach(self, user: Any, by: Any) -> str:
        """Why ``by`` may not do it to ``user``, a key of ``REASONS``; both fresh from the database, ``None`` is gone.

        Nobody acts on a superuser but a superuser, and nobody brings their own second factor down: then a stolen
        session of a support person opens no more than it had.
        """
        if by is not None and not (by.is_active and self.is_allowed(by)):
            return "not_allowed"
        if user is None or self.is_read_only:
            return ""
        if getattr(user, "is_superuser", False) and not getattr(by, "is_superuser", False):
            return "superuser" if by else "beginner_gone"
        return "yourself" if self.brings_down and user == by else ""


def out_of_reach(verb: Verb, accounts: Sequence[ToopherAccount], *people: Any) -> dict[int, str]:
    """To whom ``people`` may not do it, by the account's primary key, and why: keys of ``REASONS``.

    ``people`` are primary keys, ``None`` of somebody who was deleted; a command, which is none, may do everything.
    Rank, activity and permissions are read here and now: objects may be minutes old.
    """
    if not people:
        return {}
    concerned = {*people, *(account.user_id for account in accounts)} - {None}
    users: Mapping[Any, Any] = get_user_model()._base_manager.in_bulk(concerned)
    actors = [users.get(pk) for pk in dict.fromkeys(people)]
    reasons: dict[int, str] = {}
    for account in accounts:
        each = (verb.out_of_reach(users.get(account.user_id), by) for by in actors)
        if reason := next(filter(None, each), ""):
            reasons[account.pk] = reason
    return reasons


def _enable(account: ToopherAccount, api: ToopherApi) -> Asked:
    return _switch(account, api, enabled=True)


def _disable(account: ToopherAccount, api: ToopherApi) -> Asked:
    return _switch(account, api, enabled=False)


def _switch(account: ToopherAccount, api: ToopherApi, *, enabled: bool) -> Asked:
    """One request where something changes. Where it seems to be so already, the service is asked whether it is."""
    if account.enabled == enabled:
        known = lookups.find_user(account, api)
        if (known.toopher_authentication_enabled if known else True) == enabled:
            raise SkippedError("already_enabled" if enabled else "already_disabled")
    user = _switched(account, api, enabled)
    if user.toopher_authentication_enabled != enabled:
        raise NotSwitchedError
    return _as_switched(user)


def _switch_together(accounts: Sequence[ToopherAccount], api: ToopherApi, *, enabled: bool) -> dict[int, Asked]:
    """One request of our own service for all whose state changes and whose ids are known."""
    changing = {account.toopher_user_id: account for account in accounts if account.enabled != enabled}
    changing.pop("", None)
    if len(changing) < 2:  # for one there is the call that every service knows
        return {}
    switched = lookups.switch(api, list(changing), enabled=enabled)
    done = (user for user in switched if user.toopher_authentication_enabled == enabled)
    return {changing[user.id].pk: _as_switched(user) for user in done if user.id in changing}


def _as_switched(user: User) -> Asked:
    return Asked({"enabled": user.toopher_authentication_enabled, "toopher_user_id": user.id[:36]})


def _switched(account: ToopherAccount, api: ToopherApi, enabled: bool) -> User:
    """The service's user, made when it is not known there (any more)."""
    if account.toopher_user_id:
        try:
            return User(api.post(api.path("users", account.toopher_user_id), disable_toopher_auth=not enabled))
        except RequestRefusedError as error:
            if error.status != 404:
                raise
    # of a name that it knows, the service gives the user back as it is (PROTOCOL.md §5)
    user = api.create_user(account.name)
    if user.toopher_authentication_enabled != enabled:
        (user.enable if enabled else user.disable)(api)
    return user


def _reset(account: ToopherAccount, api: ToopherApi) -> Asked:
    """Where no phone seems to be paired, the service is asked whether that is so."""
    if not account.paired:
        user = lookups.find_user(account, api)
        if user is None or not lookups.has_second_factor(user, api):
            raise SkippedError("no_phone")
    with suppress(UserUnknownError):  # then there is no phone either, which is what was wanted
        api.reset_user(account.name)
    return Asked({"paired": False, "pairing_id": "", "device": "", "failures": 0, "blocked_until": None})


def _lift(account: ToopherAccount, api: ToopherApi) -> Asked:
    """Here, where recovery codes and passwords are counted, and at the service."""
    user = lookups.find_user(account, api)
    at_service = user is not None and _lifted_there(api, user.id)
    if not (at_service or account.failures or account.blocked_until):
        raise SkippedError("no_wait")
    return Asked({"failures": 0, "blocked_until": None})


def _lifted_there(api: ToopherApi, user_id: str) -> bool:
    try:
        return bool(lookups.lift_waits(api, user_id))
    except RequestRefusedError as error:
        if error.status not in {404, 405}:
            raise
        return False  # another's service, which does not know the call


def _send_reset_link(account: ToopherAccount, api: ToopherApi) -> Asked:
    """For the phone used last; the service mails it."""
    address = email_of(account.user)
    if not address:
        raise SkippedError("no_email")
    user = lookups.find_user(account, api)
    phones = lookups.phones(api, user.id) if user else []
    phone = next((each for each in phones if each.id == account.pairing_id), phones[0] if phones else None)
    if phone is None:
        raise SkippedError("no_phone")
    api.email_pairing_reset_link_to_user(phone.id, address)
    return Asked(detail=f"{address}: {phone.name}" if phone.name else address)


def email_of(user: Any) -> str:
    """A user's e-mail address, whatever the model calls it; blank where there is none."""
    return str(getattr(user, user.get_email_field_name(), "") or "") if user is not None else ""


def _refresh(account: ToopherAccount, api: ToopherApi) -> Asked:
    """The service's word counts. That it knows nobody is no reason to forget a phone: that would let people in."""
    user = lookups.find_user(account, api)
    if user is None:
        if account.paired:
            raise UnknownPersonError
        raise SkippedError("not_known_yet")
    now = ToopherAccount(pairing_id=account.pairing_id)
    lookups.remember_phones(now, lookups.phones(api, user.id))
    now.paired = now.paired or lookups.has_second_factor(user, api)  # by codes
    now.enabled, now.toopher_user_id = user.toopher_authentication_enabled, user.id[:36]
    names = ["enabled", "paired", "pairing_id", "device", "toopher_user_id"]
    changes = {name: getattr(now, name) for name in names if getattr(now, name) != getattr(account, name)}
    return Asked(changes, detail=now.device)


VERBS: Mapping[str, Verb] = {
    verb.name.value: verb
    for verb in [
        Verb(
            Name.ENABLE,
            _enable,
            "enable_account",
            done=gettext_lazy("second factor enabled"),
            signal=signals.enabled,
            ask_together=partial(_switch_together, enabled=True),
        ),
        Verb(
            Name.DISABLE,
            _disable,
            "disable_account",
            done=gettext_lazy("second factor disabled"),
            question=gettext_lazy("Switch the second factor of these people off?"),
            warning=gettext_lazy("They will get in with the password alone, where the site allows that."),
            signal=signals.disabled,
            brings_down=True,
            ask_together=partial(_switch_together, enabled=False),
        ),
        Verb(
            Name.RESET,
            _reset,
            "reset_account",
            done=gettext_lazy("phones removed"),
            question=gettext_lazy("Remove all phones of these people?"),
            warning=gettext_lazy("It can't be taken back: each of them has to pair a phone again."),
            signal=signals.reset,
            brings_down=True,
        ),
        Verb(
            Name.LIFT,
            _lift,
            "lift_wait",
            done=gettext_lazy("wait lifted"),
            question=gettext_lazy("Let these people, and whoever poses as them, try again at once?"),
            warning=gettext_lazy(
                "Wrong numbers and codes, reports and sign-in requests without an answer are forgotten, and can't be "
                "brought back. Make sure first that it is they who ask for it."
            ),
            brings_down=True,
        ),
        Verb(
            Name.SEND_RESET_LINK,
            _send_reset_link,
            "send_reset_link",
            done=gettext_lazy("reset link sent"),
            brings_down=True,
        ),
        Verb(
            Name.REFRESH,
            _refresh,
            "refresh_account",
            done=gettext_lazy("refreshed from the service"),
            is_read_only=True,
        ),
    ]
}
"""By name, in the order in which they are offered."""


def carry_out(verb: Verb, account: ToopherAccount, api: ToopherApi, by: Any = None) -> Asked:
    """Do it to one person. Raises ``SkippedError`` and ``ToopherApiError``."""
    people = () if by is None else (by.pk,)
    if reason := out_of_reach(verb, [account], *people).get(account.pk):
        raise SkippedError(reason)
    told = verb.ask(account, api)
    write_down(verb, [(account, told)], by)
    account.refresh_from_db()
    return told


def write_down(verb: Verb, told: Sequence[tuple[ToopherAccount, Asked]], by: Any = None) -> None:
    """Keep what the service told of these people, and who did what to whom; tell who listens, once it is committed.

    Attempts, and what sessions earned, from before a change of the second factor are void (SECURITY.md S07). Those who
    change in the same way are written in one statement.
    """
    with transaction.atomic():
        for changes, accounts in _alike(told):
            _change(verb, accounts, changes)
        forget_computers(*(account.user_id for account, each in told if each.changes.get("paired") is False))
        if by is not None:
            _log([account for account, each in told if each.changes or not verb.is_read_only], by, str(verb.done))
        for account, _each in told if verb.signal is not None else ():
            account.announce(verb.signal, by=by)  # type: ignore[arg-type]


def _alike(told: Sequence[tuple[ToopherAccount, Asked]]) -> Iterator[tuple[Mapping[str, Any], list[ToopherAccount]]]:
    """Whoever changes, by what changes."""
    groups: dict[frozenset[tuple[str, Any]], list[ToopherAccount]] = {}
    for account, each in told:
        news = {(name, value) for name, value in each.changes.items() if getattr(account, name) != value}
        groups.setdefault(frozenset(news), []).append(account)
    return ((dict(news), accounts) for news, accounts in groups.items())


def _change(verb: Verb, accounts: list[ToopherAccount], changes: Mapping[str, Any]) -> None:
    """In the database, and in the objects that receivers of signals see."""
    fields = dict(changes)
    if verb.signal is not None or not SECOND_FACTOR.isdisjoint(changes):
        fields |= moved_on()
    if not fields:
        return
    ToopherAccount.objects.filter(pk__in=[account.pk for account in accounts]).update(**fields)
    for account in accounts:
        for name, value in changes.items():
            setattr(account, name, value)


def _log(accounts: list[ToopherAccount], by: Any, message: str) -> None:
    """Django's admin log, where the admin is installed."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.get_for_model(ToopherAccount)
    common = {"user_id": by.pk, "content_type": kind, "action_flag": CHANGE, "change_message": message}
    LogEntry.objects.bulk_create(
        [LogEntry(object_id=str(each.pk), object_repr=str(each)[:200], **common) for each in accounts]
    )


def reset(account: ToopherAccount, api: ToopherApi, by: Any = None) -> Asked:
    """Remove all phones, at the service and here."""
    return carry_out(VERBS["reset"], account, api, by)


def refresh(account: ToopherAccount, api: ToopherApi, by: Any = None) -> Asked:
    """Take over how things stand at the service."""
    return carry_out(VERBS["refresh"], account, api, by)
