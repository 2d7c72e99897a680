"""The supervisor of the worker that dies, and its worker at the database of each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests
from django.db import connection

from ...databases import copied
from .people import Browser, Wire


@dataclass
class Server:
    """The supervisor's folder; its workers use the database of this test."""

    folder: Path
    process: Any

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def last_kill(self) -> str:
        """What the worker that was killed last did not get to do."""
        assert self.process.poll() is None, f"The supervisor ended. {(self.folder / 'log').read_text()}"
        return (self.folder / "kills").read_text().splitlines()[-1]


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("killed")
    with django_db_blocker.unblock():
        (folder / "database").write_text(copied(folder / "warm.sqlite3") or str(connection.settings_dict["NAME"]))
    (folder / "kills").write_text("")
    command = [sys.executable, "-m", "tests.service.killed_worker", str(folder)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=Path(__file__).parents[3]
        ) as process,
    ):
        server = Server(folder, process)
        wait_until((folder / "port").exists, lambda: (folder / "log").read_text())
        try:
            yield server
        finally:
            process.stdin.close()
            process.wait(30)


def wait_until(happened: Callable[[], bool], explanation: Callable[[], str]) -> None:
    deadline = monotonic() + 60
    while not happened():
        assert monotonic() < deadline, explanation()
        sleep(0.02)


@pytest.fixture
def server(supervisor, threaded_db, settings):
    """The supervisor, its worker at this test's database."""
    settings.TOOPHER_POLICY = "tests.service.killed_worker.demands"
    connection.close()
    (supervisor.folder / "database").write_text(str(connection.settings_dict["NAME"]))
    with suppress(requests.ConnectionError):  # the worker of the test before makes room for a new one
        Browser(Wire(supervisor.port)).get("/", headers={"Kill-Before": "1"})
    return supervisor
