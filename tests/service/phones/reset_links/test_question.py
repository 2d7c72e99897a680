"""The security question of a reset link (SECURITY.md S29, S34)."""

from __future__ import annotations

import pytest

from django_toopher.service.models import ResetLink
from tests.tables import table

from ...callers import at_once
from .acts import QUESTION, assert_page_says, confirm, is_enabled, open_page

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


def test_the_page_asks_the_question(asking_url):
    page = open_page(asking_url).content.decode()
    assert QUESTION["security_question"] in page
    assert 'name="answer"' in page
    assert "Rex" not in page


def test_the_page_asks_for_no_answer_without_a_question(url):
    assert 'name="answer"' not in open_page(url).content.decode()


@table("answer", ["Rex the Dog", "rex the dog", " REX\tTHE  DOG ", "RexTheDog", "\uff32ex the dog"])
def test_case_and_white_space_of_the_answer_do_not_matter(asking_url, answer):
    assert confirm(asking_url, answer=answer).status_code == 200
    assert not is_enabled()


@table("fields", [{}, *[{"answer": wrong} for wrong in ("", "Rex", "Rex the Cat", "\0", "r" * 5000)]])
def test_S29_a_wrong_or_missing_answer_removes_nothing_and_can_be_corrected(asking_url, fields):
    assert_page_says(confirm(asking_url, **fields), 403, "not the answer")
    assert is_enabled()
    assert confirm(asking_url, answer="Rex the Dog").status_code == 200
    assert not is_enabled()


def test_S29_wrong_answers_are_limited(asking_url):
    for _ in range(ResetLink.MOST_FAILURES):
        confirm(asking_url, answer="wrong")
    for response in (confirm(asking_url, answer="Rex the Dog"), open_page(asking_url)):
        assert_page_says(response, 409, "too many wrong answers")
    assert is_enabled()


def test_S29_the_last_try_still_counts(asking_url):
    for _ in range(ResetLink.MOST_FAILURES - 1):
        confirm(asking_url, answer="wrong")
    assert confirm(asking_url, answer="Rex the Dog").status_code == 200


def test_S29_answers_tried_at_once_are_limited_too(threaded_db, asking_url):
    more = ResetLink.MOST_FAILURES + 4
    statuses = [each.status_code for each in at_once(*[lambda: confirm(asking_url, answer="wrong")] * more)]
    assert sorted(statuses) == [403] * ResetLink.MOST_FAILURES + [409] * 4
    assert ResetLink.objects.get().failures == ResetLink.MOST_FAILURES
