"""Wrong pairing phrases (SECURITY.md S29)."""

from __future__ import annotations

from contextlib import suppress

from django.utils import timezone

from django_toopher.service import limits
from django_toopher.service.errors import NotFoundError
from django_toopher.service.models import Tally

from ..callers import at_once
from .acts import refusal


def test_S29_wrong_phrases_make_the_user_wait(settings, open_page, phone):
    settings.TOOPHER_SERVICE_LIMITS = {"phrases": 2}
    page = open_page()
    assert [page.call("phrase", phrase="a b c d")["error_code"] for _ in range(3)] == [404, 404, 429]
    assert page.call("phrase", phrase=phone.phrase().phrase)["error_code"] == 429
    assert open_page(user="bob", token="other").call("phrase", phrase=phone.phrase().phrase)["state"] == "pairing"


def test_S29_a_right_phrase_forgets_the_wrong_ones(settings, open_page, phone):
    settings.TOOPHER_SERVICE_LIMITS = {"phrases": 2}
    page = open_page()
    page.call("phrase", phrase="a b c d")
    page.call("phrase", phrase=phone.phrase().phrase)
    assert not Tally.objects.filter(expires__gt=timezone.now()).exists()


def wrong_phrase(requester):
    with suppress(NotFoundError), limits.phrase_tried(requester, "alice", timezone.now()):
        raise NotFoundError


def test_S29_of_many_phrases_at_once_as_many_are_looked_up_as_may_be(threaded_db, requester):
    outcomes = at_once(*[lambda: refusal(wrong_phrase, requester)] * 50)
    assert outcomes.count(None) == 10
