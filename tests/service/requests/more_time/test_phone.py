"""More time, asked for on the phone."""

from __future__ import annotations

import pytest

from django_toopher.service.device.cli_phone import RefusedError
from tests.tables import table

from ...callers import RawPhone
from .acts import let_pass, prolong_until_the_end, row


def test_a_phone_prolongs_what_it_may_answer(page, paired):
    let_pass(100)
    question = paired.question()
    response = paired.call("extend", request=question["id"])
    told = response.json()
    assert response.status_code == 200
    assert told.keys() == {"expires", "now"}
    assert abs(told["expires"] - told["now"] - 120) <= 1
    assert paired.question() == {**question, "expires": told["expires"]}


def test_phone_and_page_see_the_same_time(page, paired):
    let_pass(100)
    page.call("extend")
    assert [paired.question()[name] for name in ("expires", "latest")] == [page.state["expires"], page.state["latest"]]
    let_pass(100)
    told = paired.call("extend", request=paired.question()["id"]).json()
    assert page.poll()["expires"] == told["expires"]


def test_a_phone_that_gains_nothing_is_told_the_time_that_there_is(page, paired):
    prolong_until_the_end()
    question = paired.question()
    assert question["latest"] == question["expires"]
    assert paired.call("extend", request=question["id"]).json()["expires"] == question["expires"]


@table("whose", [None, "bob"])
def test_S21_another_phone_prolongs_nothing(page, paired, pair, whose, make_raw_phone):
    let_pass(100)
    other = make_raw_phone("Other")
    if whose:
        pair(other, whose)
    before = row()
    response = other.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert row() == before


def test_S26_another_key_in_the_phones_name_prolongs_nothing(page, paired):
    let_pass(100)
    before = row()
    response = RawPhone(id=paired.id).call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (401, "bad_signature")
    assert row() == before


def test_S25_a_phone_that_was_removed_prolongs_nothing(page, paired, pair, make_raw_phone):
    pair(make_raw_phone("Second"))
    let_pass(100)
    before = row()
    paired.call("remove", pairing=paired.call("pairings").json()["pairings"][0]["id"])
    response = paired.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert row() == before


@table("how", ["expired", "cancelled", "disabled", "allow", "deny"])
def test_S25_a_phone_prolongs_nothing_that_is_over(page, paired, ended, how):
    ended(how)
    before = row()
    response = paired.call("extend", request=str(before["id"]))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert row() == before


@table("wrong", [None, "", "x", 7, True, [], "\ud800", "00000000-0000-4000-8000-000000000000"])
def test_S35_what_is_no_request_is_refused(page, paired, wrong):
    response = paired.call("extend", request=wrong)
    assert response.status_code in {400, 404}
    assert response.json()["error_message"]


def test_the_terminal_program_takes_more_time(page, phone, pair):
    pair(phone)
    let_pass(100)
    [question] = phone.pending().requests
    assert question.latest > question.expires
    prolonged = phone.extend(question)
    assert prolonged == phone.pending().requests[0]
    assert prolonged.expires > question.expires
    phone.approve(question, page.state["number"])
    with pytest.raises(RefusedError) as refused:
        phone.extend(question)
    assert refused.value.reason == "gone"
