"""Whether a second factor is due now: ``policy`` says so, or the service knows of one that this site has not heard of.

Phones are paired by other ways than this site's pages, and what those report can be lost. So who is not known to have
one is looked up at the service, once for each login by any way in (SECURITY.md S37); what is found is written down.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from .. import connection, policy, signals
from ..client import ToopherApiError
from ..conf import conf
from ..errors import ActingUnverifiedError, ChangedUserError, ServiceDownError
from ..models import ToopherAccount, forget_computers, moved_on
from ..service_link import lookups
from ..service_link.lookups import Standing
from ..session import sitting, state
from . import attempts, outage

logger = logging.getLogger(__name__)

TRUSTED_FOR = timedelta(days=30)
"""How long after the service knew of no second factor a person gets in while it is down."""

_WRITTEN_EVERY = timedelta(days=1)


def is_due_in_session(request: HttpRequest) -> bool:
    """As ``is_due``, for who is logged in: the service is asked once for each login. Raises as that does.

    Who acts as somebody for whom a second factor is due has to have passed one: ``ActingUnverifiedError`` for who has
    none (SECURITY.md S11).
    """
    whom = sitting.acted(request.session)
    if _is_due_in_login(request, sitting.person(request), fails_open=whom is None):
        return True
    if whom is not None and _is_due_in_login(request, whom, fails_open=False):
        raise ActingUnverifiedError
    if not state.was_looked_up(request.session):  # else each request would write the session
        state.set_looked_up(request.session)
    return False


def _is_due_in_login(request: HttpRequest, user: Any, *, fails_open: bool) -> bool:
    """As ``is_due``, or, where the service was asked for this login already, as far as this site knows."""
    if state.was_looked_up(request.session):
        return policy.is_due(user, request)
    return is_due(request, user, fails_open=fails_open)


def is_due(request: HttpRequest, user: Any, *, fails_open: bool = True) -> bool:
    """Whether this user gets in only with a second factor. One call, of who is not known to have one.

    Raises ``ServiceDownError`` where the service can't say, but for who had none lately and, where it ``fails_open``,
    with ``TOOPHER_FAIL_OPEN``; and ``ChangedUserError`` for who was changed while it was asked.
    """
    if policy.is_due(user, request):
        return True
    known: ToopherAccount | None = getattr(user, "toopher_account", None)
    if not lookups.can_know(known.name if known else str(user.get_username())):
        return False
    account = known or ToopherAccount.objects.for_user(user)
    try:
        told = lookups.standing(account, connection.api())  # nothing of the request in it (S42)
    except ToopherApiError as exc:
        down = attempts.service_down(exc)
        _require_excused(account, down, fails_open=fails_open)
        told = None
    else:
        _write_down(account, told)
    if not attempts.is_unchanged(user):  # in the seconds that the call took
        raise ChangedUserError
    account.refresh_from_db()
    # what was told counts, too, where another change came first and it was not written down
    is_on = told is not None and (told.enabled or not conf.TOOPHER_ALLOW_OPT_OUT)
    return (told is not None and told.has_second_factor and is_on) or policy.is_due(user, request)


def _write_down(account: ToopherAccount, told: Standing | None) -> None:
    """Keep what is news, unless the second factor was changed meanwhile: what was told is then of before."""
    rows = ToopherAccount.objects.filter(pk=account.pk, generation=account.generation)
    fields: dict[str, Any] = {}
    if told is not None:
        fresh = {"enabled": told.enabled, "paired": told.has_second_factor, "toopher_user_id": told.user_id}
        fields = {name: value for name, value in fresh.items() if getattr(account, name) != value}
    is_change = not fields.keys().isdisjoint({"enabled", "paired"})
    if is_change:
        fields |= moved_on()
    if fields.get("paired") is False:
        fields |= {"pairing_id": "", "device": ""}
    now, seen = timezone.now(), account.found_without
    is_without = told is None or not (told.has_second_factor and told.enabled)
    if is_without and (is_change or seen is None or now - seen > _WRITTEN_EVERY):
        fields["found_without"] = now
    if fields and rows.update(**fields) and "paired" in fields:
        if not fields["paired"]:
            forget_computers(account.user_id)
        account.announce(signals.paired if fields["paired"] else signals.unpaired)


def _require_excused(account: ToopherAccount, down: ServiceDownError, *, fails_open: bool) -> None:
    """Raise ``down``, but for people who get in while the service is; those are logged."""
    seen = account.found_without
    is_trusted = seen is not None and timezone.now() - seen < TRUSTED_FOR
    if not (is_trusted or (fails_open and conf.TOOPHER_FAIL_OPEN)) or not outage.is_confirmed(down):
        raise down
    told = {"account": account.pk, "user": account.user_id, "found_without": str(seen or "")}
    logger.warning("let in without asking for a second factor: the service is down", extra=told)
