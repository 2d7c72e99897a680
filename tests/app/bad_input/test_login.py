"""Whatever is sent to log in: a clear answer, never a fault of ours, and nobody is let in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ..acts import AUTHENTICATE, LOGIN, POSTBACK, undone
from ..ways import RECOVER
from .input import FIELDS, everything, forms, fuzzed, headers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]

RETURN = "/accounts/return/"


@fuzzed
@given(fields=forms(*FIELDS), mix=st.booleans(), path=st.sampled_from([POSTBACK, AUTHENTICATE]))
def test_S01_whatever_is_posted_in_place_of_an_approval(fields, mix, path, half, approved, before):
    if mix:
        fields = {**approved, **fields, "toopher_sig": fields.get("toopher_sig", "x")}
    with undone(half):
        response = half.post(path, fields)
        assert response.status_code == (403 if path == POSTBACK else 405)
        assert everything() == before


@fuzzed
@given(query=forms("to"), sent=headers)
def test_S10_whatever_the_way_back_is_told(query, sent, db, browser):
    response = browser.get(RETURN, data=query, headers=sent)
    assert response.status_code == 200
    assert "evil" not in response.content.decode()


@fuzzed
@given(fields=forms("code"))
def test_S03_whatever_is_typed_in_place_of_a_recovery_code(fields, half, codes_on_paper, before):
    with undone(half):
        response = half.post(RECOVER, fields)
        assert (response.status_code, b"not right" in response.content) == (200, True)
        assert everything() == before


@fuzzed
@given(fields=forms("step", "code", "phrase"), step=st.sampled_from(["code", "phrase", "ask", "pair", ""]))
def test_S03_whatever_is_posted_to_our_own_page(fields, step, half, settings, before):
    settings.TOOPHER_EMBED = "native"
    settings.TOOPHER_SERVICE_NUMBER_FAILURES = 10_000
    with undone(half):
        response = half.post(AUTHENTICATE, {**fields, "step": step})
        assert response.status_code in {200, 302, 403, 503}
        assert not half.is_logged_in()
        denied = [row for row in everything()[2] if row not in before[2]]
        assert {row["outcome"] for row in denied} <= {"denied", "failed"}


@fuzzed
@given(fields=forms("username", "password", "next"), sent=headers)
def test_whatever_is_typed_to_log_in(fields, sent, account, browser, before):
    with undone(browser):
        assert browser.post(LOGIN, fields, headers=sent).status_code in {200, 302}
        assert everything() == before


@fuzzed
@example(sent={"User-Agent": "\0"}, terminal="\0")
@given(sent=headers, terminal=st.text(st.characters(max_codepoint=255), max_size=60))
def test_whatever_a_browser_says_of_itself(sent, terminal, account, browser):
    browser.client.cookies["toopher_terminal"] = f"{'x' * 43}~.{terminal}"
    browser.client.cookies["toopher_asked"] = terminal
    response = browser.client.post(LOGIN, {"username": "alice", "password": "password"}, secure=True, headers=sent)
    assert response.status_code == 302
    assert browser.get(AUTHENTICATE, headers=sent).status_code == 200
    assert browser.get("/members/", headers=sent).status_code in {302, 403}
