"""What a login and a page cost in SQL statements, those apart that only control transactions.

Sessions are in the database. The statements of the iframe and of the phone are the service's, and counted there.
"""

from __future__ import annotations

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.db import connection

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.device.cli_phone import Automate
from tests.factories import verified

from .acts import ACCOUNT, AUTHENTICATE, LOGIN, POSTBACK, Statements

OURS = "django_toopher.middleware.ToopherMiddleware"


def test_the_login_page_costs_nothing(db, computer):
    with Statements() as statements:
        computer.get(LOGIN)
    assert not statements.queries + statements.controls


def log_in(computer, phone) -> dict[str, Statements]:
    """A whole login; what each of the app's own requests cost."""
    cost = {"password": Statements(), "page": Statements(), "postback": Statements()}
    with cost["password"]:
        assert computer.password()["Location"] == AUTHENTICATE
    with cost["page"]:
        assert computer.get(AUTHENTICATE).status_code == 200
    frame = computer.open_iframe()
    frame.approve(phone)
    fields = frame.poll()["postback"]
    with cost["postback"]:
        assert computer.post(POSTBACK, fields).status_code == 302
    return cost


@pytest.mark.parametrize("is_first", [True, False], ids=["from a new browser", "again"])
def test_a_whole_login_costs_at_most_sixteen_statements(is_first, account, computer, phone, record_property):
    if not is_first:
        log_in(computer, phone)
        computer.client.logout()
    cost = log_in(computer, phone)
    counts = {name: len(each.queries) for name, each in cost.items()}
    controls = {name: len(each.controls) for name, each in cost.items()}
    record_property("statements", f"{counts}, control {controls}, on {connection.vendor}")
    assert sum(counts.values()) <= 16, "\n".join(query for each in cost.values() for query in each.queries)


def test_a_login_at_a_remembered_computer_costs_at_most_twelve_statements(account, computer, phone, record_property):
    computer.password()
    frame = computer.open_iframe()
    phone.approve(frame.question(phone), frame.state["number"], automate=Automate(3600))
    computer.post(POSTBACK, frame.poll()["postback"])
    for _ in range(2):  # the first silent answer comes by the iframe; from then on no page is needed
        del computer.client.cookies["sessionid"]
        with Statements() as statements:
            response = computer.password(next_url="/members/")
        if response["Location"] == AUTHENTICATE:
            computer.post(POSTBACK, computer.open_iframe().poll()["postback"])
    assert response["Location"] == "/members/"
    assert computer.is_logged_in()
    ours = [query for query in statements.queries if "toopher_service" not in query]
    record_property("statements", len(ours))
    assert len(ours) <= 12, "\n".join(ours)
    assert Attempt.objects.latest("created").method == "automation"


def test_a_standing_answer_that_is_gone_asks_the_phone_as_ever(account, computer, phone):
    computer.log_in(phone)
    del computer.client.cookies["sessionid"]
    computer.client.cookies["toopher_terminal"] = f"{computer.client.cookies['toopher_terminal'].value}~"
    assert computer.password()["Location"] == AUTHENTICATE
    assert not phone.pending().requests
    frame = computer.open_iframe()
    assert frame.state["state"] == "waiting"
    frame.approve(phone)
    response = computer.post(POSTBACK, frame.poll()["postback"])
    assert "~" not in response.cookies["toopher_terminal"].value


def test_S27_the_cookie_alone_opens_nothing(account, computer, phone, make_computer, make_user):
    computer.password()
    frame = computer.open_iframe()
    phone.approve(frame.question(phone), frame.state["number"], automate=Automate(3600))
    computer.post(POSTBACK, frame.poll()["postback"])
    stranger = make_computer()
    stranger.client.cookies["toopher_terminal"] = f"{'x' * 43}~"
    assert stranger.password()["Location"] == AUTHENTICATE
    make_user("bob")
    ToopherAccount.objects.create(user=get_user_model().objects.get(username="bob"), name="bob", paired=True)
    stranger.client.cookies["toopher_terminal"] = f"{computer.client.cookies['toopher_terminal'].value}~"
    assert stranger.password("bob")["Location"] == AUTHENTICATE
    assert not stranger.is_logged_in()


def test_a_page_after_the_login_costs_what_it_costs_without_this_app(account, computer, settings):
    verified(computer, account.user)
    cost = {}
    for middleware in (project.MIDDLEWARE, [each for each in project.MIDDLEWARE if each != OURS]):
        settings.MIDDLEWARE = middleware
        other = type(computer)()
        other.client.cookies = computer.client.cookies
        with Statements() as statements:
            assert other.get("/members/").content == b"welcome alice"
        cost[OURS in middleware] = statements.queries
    assert len(cost[True]) == len(cost[False]) > 0
    assert not [query for query in cost[True] if "toopher" in query.partition(" WHERE ")[0]]


def test_a_poll_of_the_iframe_costs_one_statement(account, computer):
    computer.password()
    frame = computer.open_iframe()
    with Statements() as statements:
        assert frame.poll()["state"] == "waiting"
    assert len(statements.queries + statements.controls) == 1


def test_the_account_page_costs_few_statements(account, computer, phone):
    computer.log_in(phone)
    with Statements() as statements:
        assert computer.get(ACCOUNT).status_code == 200
    assert len(statements.queries) <= 7, "\n".join(statements.queries)
