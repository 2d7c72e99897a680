"""Into a login's second factor, and out of it into the session."""

from __future__ import annotations

from typing import Any

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from .. import connection
from ..addresses import address_of
from ..conf import conf
from ..models import Attempt
from ..session import computer, generation, state
from ..session.state import PENDING_LOGIN, Pending
from . import attempts, native, phone_changes
from .answers import Approval
from .redirects import safe_next


def ask_second_factor(request: HttpRequest, user: Any, next_url: str, backend: str) -> HttpResponseRedirect:
    """Write down that a second factor is asked of ``user``, and go to the page that asks.

    A session that is being asked already goes there too: what its page loads meanwhile must not begin anew.
    """
    if request.user.is_authenticated and attempts.is_open_for(state.load(request.session, PENDING_LOGIN), user):
        return redirect("django_toopher:authenticate")
    cancel_earlier(request)
    return to_page(request, begin(request, user, next_url, backend))


def cancel_earlier(request: HttpRequest) -> None:
    """What this session waited for is over, whoever it was: the phone must not go on with a number seen no more."""
    pending = state.load(request.session, PENDING_LOGIN)
    if pending is None:
        return
    native.cancel(connection.api(request, briefly=True), pending)
    state.forget(request.session, PENDING_LOGIN)


def take_back(request: HttpRequest, pending: Pending, attempt: Attempt) -> None:
    """It was answered in another way: the phone must not go on to ask."""
    native.take_back(connection.api(request, briefly=True), attempt, pending.token)


def begin(request: HttpRequest, user: Any, next_url: str, backend: str) -> Pending:
    """Write down that a second factor is asked of ``user``, at this browser."""
    return attempts.begin(
        user,
        backend=backend,
        next_url=next_url,
        address=address_of(request),
        browser=request.headers.get("User-Agent", ""),
    )


def to_page(request: HttpRequest, pending: Pending) -> HttpResponseRedirect:
    """On to the page that asks, which finds ``pending`` in the session."""
    if request.session.session_key and not request.user.is_authenticated:
        request.session.cycle_key()  # a key planted before the password is worthless after it (SECURITY.md S09)
    state.store(request.session, PENDING_LOGIN, pending)
    return redirect("django_toopher:authenticate")


def log_in(request: HttpRequest, pending: Pending | None, user: Any) -> HttpResponseRedirect:
    """Log the user in with the backend that checked the password, and go on to where the login led."""
    was_here = request.user.is_authenticated
    since = request.session.get(state.LOGGED_IN_AT, 0)
    if was_here:
        request.session.cycle_key()  # of one who was logged in already, login() keeps the key (SECURITY.md S09)
    auth.login(request, user, backend=(pending and pending.backend) or None)
    if was_here:
        request.session[state.LOGGED_IN_AT] = since  # nobody has signed in anew (SECURITY.md S38)
    return HttpResponseRedirect(safe_next(request, pending.next_url if pending else ""))  # no name of a view


def log_in_verified(request: HttpRequest, pending: Pending | None, approval: Approval) -> HttpResponseRedirect:
    """Log in whoever has passed the second factor; after the first phone say what else to do."""
    response = log_in(request, pending, approval.user)
    state.set_verified(request.session, generation.of_user(approval.user))  # log_in's signal forgets what was before
    silently = approval.attempt.method == Attempt.Method.AUTOMATION
    if silently:  # that lets in, and confirms nothing: nobody was asked just now
        state.forget(request.session, state.VERIFIED_AT)
    computer.remember(request, response, approval.terminal, silent=silently)
    if approval.paired_now:
        phone_changes.learn_name(connection.api(request), approval.user.toopher_account)  # type: ignore[attr-defined]
    if approval.paired_now and conf.TOOPHER_RECOVERY_CODES:
        text = _("Your phone is paired. Make recovery codes on your account's page, for the day it is gone.")
        messages.info(request, text, fail_silently=True)
    return response
