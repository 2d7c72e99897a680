"""A table is one test that tries every row: what fails is named, what is written is taken back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from .tables import table, undone

TRIED: list[object] = []


@pytest.fixture
def run(tmp_path):
    """Runs tests of their own; what pytest says of them."""

    def make(tests: str) -> str:
        (tmp_path / "test_rows.py").write_text(f"import pytest\nfrom tests.tables import table\n{tests}")
        options = ["-rA", "--ds=tests.settings", "--rootdir=.", "-p", "no:randomly", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        command = [sys.executable, "-m", "pytest", *options, "test_rows.py"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
        return done.stdout

    return make


ROWS = """
TRIED = []

@table(("number", "name"), [(1, "one"), (2, "two"), (3, "three")])
def test_a_wrong_row(number, name, tmp_path):
    TRIED.append((number, name, tmp_path))
    assert number != 2

def test_all_were_tried_with_the_same_fixtures():
    assert [row[:2] for row in TRIED] == [(1, "one"), (2, "two"), (3, "three")]
    assert len({row[2] for row in TRIED}) == 1

@table("number", [1, 2], ids=["first", "second"])
def test_names_that_are_given(number):
    assert number != 2

@table("number", [1, 2], ids=lambda number: f"no. {number}")
def test_names_that_are_made(number):
    assert number != 2

STACKED = []

@table("first", ["a", "b"])
@table("second", [1, 2])
def test_stacked(first, second):
    STACKED.append((first, second))
    assert (first, second) != ("b", 1)

def test_all_pairs_were_tried():
    assert STACKED == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]

@pytest.mark.parametrize("way", ["here", "there"])
@table("number", [1, 2])
def test_in_each_way(way, number):
    assert (way, number) != ("there", 2)
"""


@pytest.mark.servers
def test_a_wrong_row_fails_by_its_name_and_the_others_are_tried(run):
    said = run(ROWS)
    assert re.findall(r"^_+ test_(\S+ \[.*\]) _+$", said, re.MULTILINE) == [
        "a_wrong_row [number=2, name='two']",
        "names_that_are_given [second]",
        "names_that_are_made [no. 2]",
        "stacked [first='b', second=1]",
        "in_each_way[there] [number=2]",
    ]
    passed = {line for line in said.splitlines() if line.startswith("PASSED")}
    for test in ("all_were_tried_with_the_same_fixtures", "all_pairs_were_tried", "in_each_way[here]"):
        assert f"PASSED test_rows.py::test_{test}" in passed


@table("name", ["Rowers", "Rowers", "Coxes"])
def test_each_row_finds_what_the_fixtures_left(name, alice):
    assert [*Group.objects.all()] == []
    assert not alice.groups.exists()
    alice.groups.add(Group.objects.create(name=name))
    assert Group.objects.get().name == name


@table("name", ["Rowers", "Coxes"])
@table("number", [1, 2])
def test_stacked_rows_find_it_too(name, number, db):
    assert Group.objects.create(name=name)
    assert Group.objects.count() == 1


def test_what_a_failing_row_wrote_is_taken_back_too(db):
    def fail():
        Group.objects.create(name="Rowers")
        raise RuntimeError

    with pytest.raises(RuntimeError), undone():
        fail()
    assert not Group.objects.exists()


@table("number", range(3))
def test_a_row_may_have_tests_within(number, subtests):
    TRIED.append(number)
    with subtests.test("within"):
        assert [*range(number + 1)] == TRIED


def test_an_empty_table_is_no_test():
    with pytest.raises(AssertionError, match="tests nothing"):
        table("name", [])


def test_a_row_of_another_length_is_not_cut(subtests):
    @table(("number", "name"), [(1, "one", "more")])
    def test(number, name):
        pytest.fail("is not called")

    with pytest.raises(ValueError, match="zip"):
        test(subtests=subtests)


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_of_its_own_nothing_is_taken_back():
    with undone():
        Group.objects.create(name="Rowers")
    assert Group.objects.exists()
