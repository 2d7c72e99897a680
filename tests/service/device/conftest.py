"""A phone whose messages are made by hand, paired with alice, and a question to it."""

from __future__ import annotations

import pytest


@pytest.fixture
def paired(pair, raw_phone):
    """A phone (by hand) that is paired with alice."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def asked(ask_alice, paired):
    """A request that waits for alice's yes, as the requester knows it."""
    return ask_alice("Office laptop", "terminal-1")


@pytest.fixture
def question(asked, paired):
    """The same, as alice's phone is told of it."""
    return paired.question()
