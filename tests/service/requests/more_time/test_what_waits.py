"""Only what waits is prolonged (SECURITY.md S25)."""

from __future__ import annotations

import pytest

from django_toopher.service.errors import GoneError
from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.requests import waiting
from tests.tables import table

from ...callers import at_once
from .acts import row

ENDS = ["expired", "cancelled", "disabled", "reset", "allow", "deny"]


@table("how", ENDS)
def test_S25_what_is_over_is_not_prolonged(page, ended, how):
    ended(how)
    before = row()
    assert (page.call("extend")["error_code"], page.state["reason"]) == (409, "gone")
    assert row() == before


@table("how", ENDS)
def test_S25_what_ends_between_look_and_wish_is_not_prolonged(page, ended, how):
    """The UPDATE asks again, whatever was read before it."""
    asked = AuthenticationRequest.objects.select_related("user").get()
    ended(how)
    before = row()
    with pytest.raises(GoneError):
        waiting.extend(asked)
    assert row() == before


def test_a_page_that_asks_nothing_has_nothing_to_prolong(open_page, requester):
    page = open_page()
    assert page.state["state"] == "pairing"
    assert page.call("extend")["reason"] == "gone"


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_S25_an_answer_at_the_same_moment_stays_an_answer(threaded_db, open_page, paired, settings, decision):
    settings.TOOPHER_SERVICE_LIMITS = {"unanswered": 6}  # all five may be denied
    for n in range(5):
        page = open_page(token=f"token {n}")
        question = paired.question()
        answered, first, second = at_once(
            lambda page=page, question=question: paired.answer(question, page.state["number"], decision),
            lambda page=page: page.call("extend"),
            lambda question=question: paired.call("extend", request=question["id"]).status_code,
        )
        assert answered.status_code == 200
        assert first.get("reason", "none") in {"none", "gone"}
        assert second in {200, 409}
        asked = AuthenticationRequest.objects.get(pk=question["id"])
        assert asked.state == {"allow": "granted", "deny": "denied"}[decision]
        assert asked.answered
        assert page.poll()["state"] == "finished"
