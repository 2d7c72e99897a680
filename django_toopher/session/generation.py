"""Ends other sessions' verified marks when the second factor changed: a phone came or went, support intervened.

A mark carries the account's generation. It is compared with the account's at most every ``TOOPHER_SESSION_CHECK``
seconds, so that a page costs no query and a change reaches every session, on every session back end, soon after.
"""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from ..conf import conf
from ..models import ToopherAccount
from . import state


def is_marked(request: HttpRequest) -> bool:
    """Whether the logged-in user has passed a second factor here, or was let in without. Now and then one query."""
    return (state.is_verified(request) or state.is_let_in(request)) and holds(request)


def is_fresh(request: HttpRequest) -> bool:
    """Whether the marks were compared so lately that they need not be now. Reads the session alone."""
    stamp = state.stamp(request.session)
    return stamp is not None and 0 <= int(time.time()) - stamp[1] < conf.TOOPHER_SESSION_CHECK


def holds(request: HttpRequest, generation: int | None = None) -> bool:
    """Whether this session's marks are still true; those that are not are removed. Now and then one query.

    Where the second factor is changed, that they were lately is not enough: the change would renew them. There the
    account's ``generation`` is told, as it was just read, and compared in any case.
    """
    if generation is None and is_fresh(request):
        return True
    stamp, generation = state.stamp(request.session), _generation(request) if generation is None else generation
    if stamp and stamp[0] != generation:
        state.forget(request.session, *state.MARKS)
        return False
    state.set_stamp(request.session, generation)
    return True


def renew(request: HttpRequest) -> None:
    """This session has changed the second factor itself, and keeps its marks. One query."""
    state.set_stamp(request.session, _generation(request))


def of(user: Any) -> int:
    """The generation that a mark for this user has to carry; without an account, of one that is made later."""
    return int(getattr(getattr(user, "toopher_account", None), "generation", 0))


def _generation(request: HttpRequest) -> int:
    accounts = ToopherAccount.objects.filter(user=request.session[SESSION_KEY])
    return accounts.values_list("generation", flat=True).first() or 0
