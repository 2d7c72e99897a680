"""A paired phone that was lost, and its link."""

from __future__ import annotations

import pytest

from .acts import QUESTION


@pytest.fixture
def pairing(pair, phone):
    """The id of alice's pairing with ``phone``."""
    return pair(phone)


@pytest.fixture
def url(api, pairing):
    """A link without a question."""
    return api.get_pairing_reset_link(pairing)


@pytest.fixture
def asking_url(api, pairing):
    """A link with a question."""
    return api.get_pairing_reset_link(pairing, **QUESTION)
