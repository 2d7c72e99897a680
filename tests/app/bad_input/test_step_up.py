"""Whatever is sent in place of a confirmation: a clear answer, never a fault of ours, and nothing carried out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..acts import undone
from ..step_up_urls import SEEN
from ..ways import HELD, PATH, STEP_UP
from .input import everything, forms, fuzzed, headers, values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


@fuzzed
@given(fields=forms("toopher_password", "session_token", "toopher_sig"), held=values, kind=st.integers(0, 2))
def test_S13_whatever_is_posted_in_place_of_a_confirmation(fields, held, kind, alices, confirmed, before):
    genuine = confirmed[HELD]
    sent = [{HELD: held}, {HELD: genuine}, {**confirmed, HELD: genuine[:-1] + "\0"}][kind]
    with undone(alices):
        for path in (PATH, STEP_UP):
            response = alices.post(path, {**fields, **sent})
            assert response.status_code in {200, 403}
        after = everything()
    assert {row["outcome"] for row in after[2] if row not in before[2]} <= {"failed"}
    assert after[:2] + after[3:] == before[:2] + before[3:]


@fuzzed
@given(password=values)
def test_S13_whatever_is_typed_in_place_of_the_password(password, alices, held):
    post = alices.post
    alices.post = lambda path, fields, **extra: post(path, {**fields, "toopher_password": password}, **extra)
    with undone(alices):
        response = held()
    del alices.post
    assert response.status_code == 200
    assert b"That password is wrong" in response.content
    assert not SEEN


@fuzzed
@given(sent=headers, fields=forms("amount"), ticket=st.text(st.characters(max_codepoint=255), max_size=80))
def test_S13_whatever_a_client_sends(sent, fields, ticket, alices, before):
    with undone(alices):
        for path in (PATH, "/rest/pay/"):
            extra = {"Accept": "application/json", **sent, "X-Toopher-Step-Up": ticket}
            response = alices.post(path, fields, headers=extra)
            assert response.status_code in {200, 400, 401, 403, 404, 406}
        assert everything() == before
