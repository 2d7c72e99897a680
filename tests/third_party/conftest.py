"""Sites with other people's packages. ``tox run -e third-party`` installs these, and says so by ``THIRD_PARTY``."""

from __future__ import annotations

import os
from functools import cache

import pytest

from tests.sites.walking import Sites

IS_HERE = bool(os.environ.get("THIRD_PARTY"))

collect_ignore_glob = [] if IS_HERE else ["test_*.py"]


def pytest_report_header():
    return None if IS_HERE else "tests/third_party: left out, they run by `tox run -e third-party`"


@pytest.fixture(scope="session")
def run(tmp_path_factory, migrated):
    """Runs sites, each once."""
    with Sites(migrated, package=__package__) as sites:
        yield cache(lambda name: sites.run(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="session")
def found(run):
    """What the checks said when a site began: each id with what it names."""

    def found(name):
        lines = (run(name).folder / "log").read_text().splitlines()
        return [line.removeprefix("?: (django_toopher.").split(") ", 1) for line in lines if "(django_toopher." in line]

    return found
