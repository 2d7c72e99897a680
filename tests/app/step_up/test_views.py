"""The ways back from what is asked, and the page to which a client without one sends its person."""

from __future__ import annotations

import pytest

from tests.app.acts import outcomes, reason_of
from tests.drivers import attribute
from tests.tables import table

from .clients import approve, ask, path_of, repeat
from .pages import STEP_UP, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_turning_back_leads_to_where_the_request_came_from_and_voids_the_attempt(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    fields = page.approved(phone)
    cancel = attribute(page.text.partition("</iframe>")[2], "action")
    response = alices.post(cancel, {"back": "https://testserver/members/"})
    assert response["Location"] == "https://testserver/members/"
    assert reason_of(alices.post(page.target, fields)) == "expired"
    assert (seen, outcomes("step_up")) == ([], [("failed", "abandoned")])


@table("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_S10_back_leads_to_this_site_only(url, alices):
    page = asked(alices, "/transfer/", headers={"Referer": url})
    cancel = attribute(page.text.partition("</iframe>")[2], "action")
    assert attribute(page.text.partition('name="back"')[2], "value") == "/"
    assert alices.post(cancel, {"back": url})["Location"] == "/"


def test_S17_who_knows_an_attempts_id_alone_voids_nothing(alices, phone, seen):
    page = asked(alices, "/transfer/")
    forged = f"{page.ticket.partition('.')[0]}.{'x' * 43}"
    alices.post(f"{STEP_UP}{forged}/cancel/")
    assert page.confirm(phone)["Location"] == "/transfer/"


def test_the_page_of_a_client_shows_the_number_and_what_became_of_it(alices, make_computer, phone):
    reply = ask(alices)
    other, page = make_computer(), path_of(reply["authenticate_url"])
    text = other.get(page).content.decode()
    assert f"{reply['number'][:3]} {reply['number'][3:]}" in text
    assert "Transfer money" in text
    assert attribute(text, "data-poll") == path_of(reply["status_url"])
    approve(phone, reply["number"])
    assert attribute(other.get(page).content.decode(), "data-state") == "granted"


def test_the_page_of_a_client_takes_a_password(bobs, make_computer, seen):
    reply = ask(bobs)
    other, page = make_computer(), path_of(reply["authenticate_url"])
    assert attribute(other.get(page).content.decode(), "data-step-up") == "password"
    response = other.post(page, {"toopher_password": "password"})
    assert attribute(response.content.decode(), "data-state") == "granted"
    assert repeat(bobs, reply["step_up"]).status_code == 302


def test_a_page_that_nobody_was_sent_to_is_none(db, computer):
    response = computer.get("/accounts/step-up/x/")
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
