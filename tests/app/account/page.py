"""The account page as its reader sees it, and the time that passes until a session is compared again."""

from __future__ import annotations

from django_toopher.session.state import GENERATION
from tests.drivers import attribute

from ..acts import ACCOUNT

CODES = "/accounts/phones/codes/"
COMPUTER = "/accounts/phones/computer/"
LOST = "/accounts/phones/lost/"
RECOVER = "/accounts/recover/"
OTHERS = "/accounts/phones/sign-out-others/"
WINDOWS = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0"}
MAC = {"User-Agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1"}


def page_of(computer) -> str:
    return computer.get(ACCOUNT).content.decode()


def computer_of(computer) -> str:
    """The service's id of the computer, as its own page tells it."""
    page = page_of(computer)
    return attribute(page.partition("toopher_computers")[2].partition('name="computer"')[2], "value")


def time_passes(computer, seconds):
    """For the session, whose generation is compared with the account's now and then."""
    kept = computer.client.session
    kept[GENERATION] = [kept[GENERATION][0], kept[GENERATION][1] - seconds]
    kept.save()


def an_hour_passes(computer):
    """Until the session is compared with the account the next time."""
    time_passes(computer, 3600)
