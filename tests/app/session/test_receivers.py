"""A login, by whatever way, voids what an earlier one left in the session."""

from __future__ import annotations

import pytest
from django.contrib.auth import login
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore

from django_toopher.session import state
from django_toopher.session.state import LET_IN, PENDING_LOGIN, PENDING_PAIRING, VERIFIED, Pending


@pytest.fixture
def marked(rf, alice):
    """A request whose session has everything that this app ever keeps, and something of the site."""
    request = rf.get("/")
    request.session = SessionStore()
    for key in (PENDING_LOGIN, PENDING_PAIRING):
        state.store(request.session, key, Pending(attempt="a", token="t"))
    request.session[VERIFIED] = request.session[LET_IN] = str(alice.pk)
    request.session["basket"] = "oars"
    return request


def test_S08_a_login_forgets_marks_and_what_was_pending(marked, alice):
    login(marked, alice, backend="django.contrib.auth.backends.ModelBackend")
    kept = set(marked.session.keys())
    assert not kept & {PENDING_LOGIN, PENDING_PAIRING, VERIFIED, LET_IN}
    assert marked.session["basket"] == "oars"


@pytest.mark.parametrize("request_", [None, object()], ids=["no request", "a request without session"])
def test_a_login_without_a_session_is_none_of_our_business(request_, alice):
    user_logged_in.send(type(alice), request=request_, user=alice)
