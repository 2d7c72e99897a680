"""What is signed into the address of the service's page, and the page for what went wrong."""

from __future__ import annotations

import pytest

from django_toopher.login.framing import URL_AGE
from tests.drivers import attribute

from ..acts import LOGIN, POSTBACK, signed_parameters

pytestmark = pytest.mark.urls("tests.app.urls")


def test_the_page_asks_for_what_the_settings_say(account, computer, settings):
    settings.TOOPHER_AUTOMATION_ALLOWED = False
    settings.TOOPHER_CHALLENGE_REQUIRED = True
    settings.TOOPHER_ACTION_NAME = "Enter"
    computer.password()
    asked = signed_parameters(computer)
    assert (asked["username"], asked["reset_email"], asked["action_name"]) == ("alice", "alice@example.com", "Enter")
    assert (asked["automation_allowed"], asked["challenge_required"]) == ("False", "True")
    assert URL_AGE - 2 <= int(asked["expires"]) - int(asked["oauth_timestamp"]) <= URL_AGE
    assert asked["allow_inline_pairing"] == "False"
    assert asked["requester_specified_terminal_id"] == computer.client.cookies["toopher_asked"].value


def test_a_phone_is_paired_on_the_way_where_one_is_demanded(alice, computer, settings):
    settings.TOOPHER_POLICY = "required"
    computer.password()
    assert signed_parameters(computer)["allow_inline_pairing"] == "True"


def test_a_failure_says_what_to_do_next(account, computer):
    computer.password()
    response = computer.post(POSTBACK, {"error_code": "704"})
    page = response.content.decode()
    assert attribute(page, "href").endswith(".css")
    assert f'href="{LOGIN}"' in page
    assert 'role="alert"' in page
