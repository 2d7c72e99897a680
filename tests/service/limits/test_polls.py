"""Polls (PROTOCOL.md §8.9)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_toopher.service import limits


def test_a_request_that_is_polled_too_fast_is_429(caller, ask, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = ask()
    replies = [caller.get(f"authentication_requests/{asked.id}") for _ in range(7)]
    assert [each.status_code for each in replies] == [200] * 5 + [429] * 2
    assert replies[-1]["Retry-After"] == "1"
    assert replies[-1].json()["error_code"] == 429
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=1))
    assert caller.get(f"authentication_requests/{asked.id}").status_code == 200


def test_another_request_is_not_held_up_by_a_poll(caller, ask, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = [ask(), ask()]
    for _ in range(6):
        caller.get(f"authentication_requests/{asked[0].id}")
    assert caller.get(f"authentication_requests/{asked[1].id}").status_code == 200


def test_S21_another_requesters_polls_do_not_count(caller, ask, make_requester, make_api, monkeypatch):
    make_requester("other", "other-secret")
    other = type(caller)("other", "other-secret")
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = ask()
    for _ in range(6):
        other.get(f"authentication_requests/{asked.id}")
    assert caller.get(f"authentication_requests/{asked.id}").status_code == 200


def test_a_page_that_polls_too_fast_is_429(open_page, paired, monkeypatch):
    page = open_page()
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    states = [page.poll() for _ in range(12)]
    assert [each.get("error_code") for each in states] == [None] * 10 + [429] * 2


def test_a_cache_that_fails_limits_no_poll(caller, ask, monkeypatch, caplog):
    class Broken:
        def add(self, *args, **kwargs):
            raise ConnectionError("no cache")

    monkeypatch.setattr(limits, "cache", Broken())
    asked = ask()
    assert {caller.get(f"authentication_requests/{asked.id}").status_code for _ in range(8)} == {200}
    assert "polls are not limited" in caplog.text


def test_a_cache_that_keeps_nothing_limits_no_poll(settings, requester):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    for _ in range(20):
        limits.count_poll("something", timezone.now())


def test_a_poll_costs_no_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        limits.count_poll("something", timezone.now())
