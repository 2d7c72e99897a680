"""A state file, and people at ``manage.py toopher_phone``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .canned import Terminal, make_paired_phone


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "phone.json"


@pytest.fixture
def new_terminal(state: Path) -> Terminal:
    return Terminal(state)


@pytest.fixture
def terminal(state: Path) -> Terminal:
    """One whose phone is paired as alice at Example."""
    make_paired_phone()[0].save(state)
    return Terminal(state)
