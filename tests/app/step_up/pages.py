"""The page that asks for a confirmation, read as a browser would, and answered."""

from __future__ import annotations

import json

import pytest

from django_toopher.session import state as session_keys
from tests.drivers import Frame, attribute

STEP_UP = "/accounts/step-up/"
HELD = "toopher_held"

both = pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
"""A page that is asked for, and a form that is sent."""


class Page:
    """A page that asks for a confirmation: what it holds, and how it is answered."""

    def __init__(self, computer, response):
        assert response.status_code == 200, response.content.decode()
        self.computer, self.text = computer, response.content.decode()
        self.way = attribute(self.text, "data-step-up")

    @property
    def action(self):
        return self.text.partition('class="toopher-action">')[2].partition("<")[0]

    @property
    def arguments(self):
        return json.loads(attribute(self.text, "framework_post_args"))

    @property
    def held(self):
        return attribute(self.text.partition('name="toopher_held"')[2], "value")

    @property
    def ticket(self):
        return self.text.partition("/cancel/")[0].rpartition("/")[2]

    @property
    def target(self):
        name = "toopher_postback" if self.way == "iframe" else "action"
        return attribute(self.text, name)

    def frame(self):
        return Frame.at(self.computer, attribute(self.text, "src"))

    def approved(self, phone):
        """What the iframe posts after a yes on the phone."""
        frame = self.frame()
        frame.approve(phone)
        return {**frame.poll()["postback"], **self.arguments}

    def denied(self, phone):
        frame = self.frame()
        frame.deny(phone)
        return {**frame.poll()["postback"], **self.arguments}

    def confirm(self, phone):
        return self.computer.post(self.target, self.approved(phone))

    def give_password(self, password="password"):
        return self.computer.post(self.target, {HELD: self.held, "toopher_password": password})


def asked(computer, path, fields=None, **extra):
    """Send the request; the page that asks."""
    return Page(computer, computer.get(path, **extra) if fields is None else computer.post(path, fields, **extra))


def only_signed(fields):
    return {name: value for name, value in fields.items() if name not in {HELD, "csrfmiddlewaretoken"}}


def age(computer, seconds):
    """Let time pass in the session."""
    session = computer.client.session
    session[session_keys.VERIFIED_AT] -= seconds
    confirmed = session.get(session_keys.CONFIRMED, {})
    session[session_keys.CONFIRMED] = {action: when - seconds for action, when in confirmed.items()}
    session.save()
