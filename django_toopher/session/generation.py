"""Ends what other sessions earned when the second factor changed: a phone came or went, support intervened.

Each verified session carries the account's generation as it was. It is compared with the account's at most every
``TOOPHER_SESSION_CHECK`` seconds, so that a page costs no query and a change reaches every session, on every session
back end, soon after.
"""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

from ..conf import conf
from ..models import ToopherAccount
from . import sitting, state


def is_verified_or_let_in(request: HttpRequest) -> bool:
    """Whether the logged-in user has passed a second factor here, or was let in without. Now and then one query."""
    return (state.is_verified(request) or state.is_let_in(request)) and is_current(request)


def was_compared_lately(request: HttpRequest) -> bool:
    """Whether the session was compared so lately that it need not be now. Reads the session alone."""
    carried = state.generation_of(request.session)
    # below 0: a clock was set back, and it would hold for longer than the setting says
    return carried is not None and 0 <= int(time.time()) - carried[1] < conf.TOOPHER_SESSION_CHECK


def is_current(request: HttpRequest, generation: int | None = None) -> bool:
    """Whether what this session earned is still true; what is not is removed. Now and then one query.

    Where the second factor is changed, that it was lately is not enough: the change would renew it. There the
    account's ``generation`` is told, as it was just read, and compared in any case.
    """
    if generation is None and was_compared_lately(request):
        return True
    carried = state.generation_of(request.session)
    generation = _generation(request) if generation is None else generation
    if carried and carried[0] != generation:
        state.forget(request.session, *state.EARNED)
        return False
    state.set_generation(request.session, generation)
    return True


def renew(request: HttpRequest) -> None:
    """This session has changed the second factor itself, and keeps what it earned. One query."""
    state.set_generation(request.session, _generation(request))


def of_user(user: Any) -> int:
    """The generation that a session of this user has to carry; without an account, of one that is made later."""
    return int(getattr(getattr(user, "toopher_account", None), "generation", 0))


def _generation(request: HttpRequest) -> int:
    accounts = ToopherAccount.objects.filter(user=sitting.key_of(request.session))
    return accounts.values_list("generation", flat=True).first() or 0
