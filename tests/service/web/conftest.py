"""Pages that are opened in a browser of their own, and alice, who has a phone or a list of codes."""

from __future__ import annotations

import pytest

from django_toopher.service.codes import lists
from django_toopher.service.people import users
from tests.drivers import Computer, Frame

from .pages import BINDER, authenticate_url


@pytest.fixture
def open_frame(iframe):
    """Opens a page of ``requester`` in a browser of its own."""

    def make(url=None, binder=BINDER, **more):
        return Frame.at(Computer(), url or authenticate_url(iframe, **more), binder)

    return make


@pytest.fixture
def paired_phone(pair, phone):
    """A phone that is paired with alice at ``requester``."""
    pair(phone)
    return phone


@pytest.fixture
def listed(requester):
    """Alice has no phone, but a list of codes."""
    return lists.activate(users.get_or_create(requester, "alice"))
