"""Attempts are read, told in words and exported, and never changed."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.utils import timezone

from django_toopher.errors import SecondFactorError
from django_toopher.models import Attempt
from django_toopher.support.reasons import REASONS
from tests.tables import table

from .desk import ACCOUNTS, ATTEMPTS


@pytest.mark.parametrize("method", ["get", "post"])
def test_S18_attempts_are_for_reading_only(method, people, support):
    attempt = Attempt.objects.first()
    paths = [f"{ATTEMPTS}add/", f"{ATTEMPTS}{attempt.pk}/delete/"]
    assert {getattr(support, method)(path).status_code for path in paths} == {403}
    before = Attempt.objects.filter(pk=attempt.pk).values().get()
    page = support.get(f"{ATTEMPTS}{attempt.pk}/change/")
    assert page.status_code == 200
    assert support.post(f"{ATTEMPTS}{attempt.pk}/change/", {"outcome": "granted"}).status_code == 403
    assert Attempt.objects.filter(pk=attempt.pk).values().get() == before
    for secret in (attempt.token_digest, attempt.auth_digest):
        assert secret not in page.content.decode()


def test_S18_attempts_are_not_deleted_from_the_list_either(people, support):
    attempt = Attempt.objects.first()
    support.post(ATTEMPTS, {"action": "delete_selected", "_selected_action": [attempt.pk], "post": "yes"})
    assert Attempt.objects.filter(pk=attempt.pk).exists()


# Reasons


def reasons(error=SecondFactorError):
    """What an attempt may say of why it did not succeed."""
    return {error.reason}.union(*map(reasons, error.__subclasses__()))


@table("reason", [*sorted(reasons()), "abandoned"])
def test_a_reason_is_told_in_words(reason, people, support):
    Attempt.objects.filter(user=people["alice"].user).update(outcome="failed", reason=reason)
    attempt = Attempt.objects.filter(reason=reason).first()
    for page in (f"{ACCOUNTS}{people['alice'].pk}/change/", ATTEMPTS, f"{ATTEMPTS}{attempt.pk}/change/"):
        assert str(REASONS[reason]).replace("'", "&#x27;") in support.get(page).content.decode()


def test_an_attempt_that_nobody_finished_ran_out(people, support):
    Attempt.objects.filter(user=people["alice"].user).update(outcome="pending")
    assert "the time ran out" not in support.get(ATTEMPTS).content.decode()
    Attempt.objects.filter(user=people["alice"].user).update(expires=timezone.now())
    assert "the time ran out" in support.get(ATTEMPTS).content.decode()


def test_an_attempt_that_was_granted_needs_no_reason(people, support):
    attempt = Attempt.objects.filter(outcome="granted").first()
    page = support.get(f"{ATTEMPTS}{attempt.pk}/change/").content.decode()
    assert re.search(r"Reason:.*?readonly\">-<", page, re.DOTALL)


# Export


def exported(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return [*csv.reader(io.StringIO(text, newline=""))]


def test_attempts_are_exported_as_the_list_shows_them(people, support):
    response = support.get(f"{ATTEMPTS}export/?q=alice&outcome__exact=granted")
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="attempts-')
    header, *rows = exported(response)
    assert header[:5] == ["created", "username", "kind", "action", "outcome"]
    assert [row[1:5] for row in rows] == [["alice", "pairing", "Manage phones", "granted"]]


def test_chosen_attempts_are_exported(people, support):
    chosen = Attempt.objects.filter(username="bob").first()
    response = support.post(ATTEMPTS, {"action": "export_selected", "_selected_action": [chosen.pk]})
    assert [row[1] for row in exported(response)[1:]] == ["bob"]


@table("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1"])
def test_no_cell_of_an_export_is_a_formula(start, people, support):
    Attempt.objects.update(browser=start, username=start)
    for row in exported(support.get(f"{ATTEMPTS}export/"))[1:]:
        assert row[1] == row[8] == f"'{start}"


def test_no_cell_of_an_export_is_parted_at_a_semicolon(people, support):
    Attempt.objects.update(browser="Mozilla/5.0 (X11;=1+1")  # a spreadsheet may part bare cells there
    text = b"".join(support.get(f"{ATTEMPTS}export/").streaming_content).decode()
    assert '"Mozilla/5.0 (X11;=1+1"' in text


def test_S18_an_export_has_no_digest(people, support):
    attempt = Attempt.objects.first()
    text = b"".join(support.get(f"{ATTEMPTS}export/").streaming_content).decode()
    assert attempt.token_digest not in text
    assert attempt.auth_digest not in text


def test_a_large_export_is_read_piece_by_piece(people, support, monkeypatch):
    monkeypatch.setattr("django_toopher.admin.attempts.CHUNK", 1)
    pieces = [*support.get(f"{ATTEMPTS}export/").streaming_content]
    assert len(pieces) == 3


def test_a_wrong_filter_exports_nothing(people, support):
    assert support.get(f"{ATTEMPTS}export/?nonsense=1").status_code == 404
