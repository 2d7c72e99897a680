"""Alice after the password, with recovery codes at hand."""

from __future__ import annotations

import pytest

from tests.app.factors.conftest import codes

__all__ = ["codes"]  # a fixture of others


@pytest.fixture
def half(codes, computer):
    """Alice's computer after the password, with recovery codes at hand."""
    computer.password(next_url="/members/")
    return computer


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)
