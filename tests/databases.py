"""The tests' database, in files that other threads and processes can use: migrated once, copied often."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

HURRY = "PRAGMA synchronous = OFF"
"""For SQLite in a file: need not wait for the disk, because no test pulls the machine's plug (``init_command``)."""


def copied(file: Path) -> str:
    """``file`` with what SQLite's database in memory has now; "" where the tests have any other database."""
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        return ""
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as copy:
        copy.execute(HURRY)
        connection.connection.backup(copy)
    return str(file)
