"""What this app keeps in the session."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from hypothesis import given, settings
from hypothesis import strategies as st

from django_toopher.session import state
from django_toopher.session.state import LET_IN, PENDING_LOGIN, PENDING_PAIRING, VERIFIED, Pending
from tests.tables import table

texts = st.text(max_size=20)


@settings(deadline=None)  # a busy machine is no fault
@given(st.builds(Pending, attempt=texts, token=texts, next_url=texts, backend=texts))
def test_what_is_stored_is_loaded(pending):
    kept = SessionBase()
    state.store(kept, PENDING_LOGIN, pending)
    assert state.load(kept, PENDING_LOGIN) == pending
    assert state.load(kept, PENDING_PAIRING) is None


def test_a_second_one_takes_the_place_of_the_first():
    kept = SessionBase()
    for attempt in ("first", "second"):
        state.store(kept, PENDING_LOGIN, Pending(attempt=attempt, token="t"))
    assert state.load(kept, PENDING_LOGIN).attempt == "second"
    assert list(kept.keys()) == [PENDING_LOGIN]


@table(
    "strange",
    [
        None,
        "text",
        7,
        [],
        {},
        {"attempt": "a", "token": "t"},
        {"attempt": "a", "token": "t", "next_url": "", "backend": "", "more": ""},
        {"attempt": "a", "token": None, "next_url": "", "backend": ""},
        {"attempt": 1, "token": "t", "next_url": "", "backend": ""},
    ],
    ids=repr,
)
def test_what_another_version_wrote_is_nothing(strange):
    kept = SessionBase()
    kept[PENDING_LOGIN] = strange
    assert state.load(kept, PENDING_LOGIN) is None


def test_everything_can_be_forgotten_or_one_thing():
    kept = SessionBase()
    everything = (PENDING_LOGIN, PENDING_PAIRING, VERIFIED, LET_IN)
    for key in (*everything, "basket"):
        kept[key] = "x"
    state.forget(kept, PENDING_LOGIN)
    assert set(kept.keys()) == {PENDING_PAIRING, VERIFIED, LET_IN, "basket"}
    state.forget(kept)
    assert set(kept.keys()) == {"basket"}


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    request.session = SessionBase()
    return request


def test_nobody_is_neither_verified_nor_let_in(request_):
    assert not state.is_verified(request_)
    assert not state.is_let_in(request_)


def test_verified_is_more_than_let_in(request_):
    request_.session[SESSION_KEY] = "7"
    state.set_let_in(request_.session)
    assert state.is_let_in(request_)
    assert not state.is_verified(request_)
    state.set_verified(request_.session)
    assert state.is_verified(request_)
    assert not state.is_let_in(request_)


@pytest.mark.parametrize("mark", [state.set_verified, state.set_let_in])
def test_a_mark_is_of_one_user(mark, request_):
    request_.session[SESSION_KEY] = "7"
    mark(request_.session)
    request_.session[SESSION_KEY] = "8"
    assert not state.is_verified(request_)
    assert not state.is_let_in(request_)
    del request_.session[SESSION_KEY]
    assert not state.is_verified(request_)
    assert not state.is_let_in(request_)
