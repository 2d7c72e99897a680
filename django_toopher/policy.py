"""Who must pass a second factor, and who is exempt.

Whoever has paired a phone is always asked. For the others the rules of ``TOOPHER_POLICY`` decide, of which one is
enough: ``"optional"`` (asks nobody else), ``"required"`` (everybody), ``"staff"``, ``"superusers"``, ``"group:Name"``,
or a callable ``(user, request) -> bool``. With ``TOOPHER_GRACE_DAYS`` they have so many days to pair a phone, counted
from the day the user joined or was first seen here, whichever is later. Where ``TOOPHER_ALLOW_OPT_OUT`` is on, users
whom support disabled are exempt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone

from .conf import Rule, conf
from .models import ToopherAccount


class PolicyError(Exception):
    """A site's own rule raised, or answered neither True nor False: nobody gets in (DESIGN.md, rule 1)."""


def demands(user: AbstractBaseUser, request: HttpRequest) -> bool:
    """Whether ``TOOPHER_POLICY`` wants a second factor of this user even where no phone is paired yet."""
    return any(_applies(rule, user, request) for rule in conf.TOOPHER_POLICY)


def is_due(user: AbstractBaseUser, request: HttpRequest) -> bool:
    """Whether this user gets in only with a second factor, as far as this site knows: ``login.due`` asks the service.

    One query, and what the rules need.
    """
    account: ToopherAccount | None = getattr(user, "toopher_account", None)
    if account and not account.enabled and conf.TOOPHER_ALLOW_OPT_OUT:
        return False
    if account and account.paired:
        return True
    # in this order: _grace_of makes accounts, and does so only for people whom the policy wants
    return demands(user, request) and _grace_of(user) is None


def grace(user: AbstractBaseUser, request: HttpRequest) -> datetime | None:
    """Until when this user gets in without the phone that the policy wants; ``None``: there is no such time."""
    account: ToopherAccount | None = getattr(user, "toopher_account", None)
    if account and (account.paired or not account.enabled):
        return None
    return _grace_of(user) if conf.TOOPHER_GRACE_DAYS and demands(user, request) else None


def _grace_of(user: Any) -> datetime | None:
    """When the days run out. The account is made for it, so that they begin when the user is first seen."""
    if not conf.TOOPHER_GRACE_DAYS:
        return None
    since, joined = ToopherAccount.objects.for_user(user).created, getattr(user, "date_joined", None)
    if isinstance(joined, datetime):
        since = max(since, joined)
    ends = since + timedelta(days=conf.TOOPHER_GRACE_DAYS)
    return ends if ends > timezone.now() else None


def _applies(rule: Rule, user: Any, request: HttpRequest) -> bool:
    if not isinstance(rule, str):
        return _ask(rule, user, request)
    if rule.startswith("group:"):
        return bool(user.groups.filter(name=rule.removeprefix("group:")).exists())
    return (
        rule == "required"
        or (rule == "staff" and bool(user.is_staff))
        or (rule == "superusers" and bool(user.is_superuser))
    )


def _ask(rule: Callable[..., bool], user: Any, request: HttpRequest) -> bool:
    """What a site's own rule says. ``PolicyError`` when it says nothing."""
    name = getattr(rule, "__qualname__", repr(rule))
    try:
        answer: object = rule(user, request)
    except Exception as exc:
        raise PolicyError(f"{name} of TOOPHER_POLICY raised {type(exc).__name__}: nobody is let in.") from exc
    if not isinstance(answer, bool):
        raise PolicyError(f"{name} of TOOPHER_POLICY must answer True or False, not {answer!r}: nobody is let in.")
    return answer
