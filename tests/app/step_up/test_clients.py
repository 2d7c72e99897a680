"""Clients that have no page are told in JSON what to show, where to look and how to come back."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import AuthenticationRequest, Requester
from tests.app.acts import outcomes
from tests.factories import account_with, verified
from tests.service.callers import at_once
from tests.tables import table

from .clients import JSON, approve, ask, path_of, repeat, told

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_a_client_is_told_what_to_show_where_to_look_and_how_to_come_back(alices, phone, seen):
    reply = ask(alices)
    assert set(reply) == {
        "reason",
        "action",
        "method",
        "number",
        "wait",
        "step_up",
        "header",
        "authenticate_url",
        "status_url",
        "poll_seconds",
        "expires_in",
    }
    assert (reply["reason"], reply["action"], reply["method"]) == ("second_factor_required", "Transfer money", "phone")
    assert (reply["header"], reply["poll_seconds"], reply["expires_in"]) == ("X-Toopher-Step-Up", 2, 600)
    status = path_of(reply["status_url"])
    assert alices.get(status).json()["state"] == "pending"
    assert alices.get(status).json()["number"] == reply["number"]
    approve(phone, reply["number"])
    assert alices.get(status).json()["state"] == "granted"
    assert seen == []
    assert repeat(alices, reply["step_up"])["Location"] == "/members/"
    assert seen[0]["fields"] == [("amount", ["1"])]
    assert alices.get(status).json()["state"] == "spent"


def test_S22_a_step_up_has_its_number_whatever_the_sites_other_clients_show(alices):
    Requester.objects.update(shows_number=False)
    assert len(ask(alices)["number"]) == 6


def test_a_client_may_come_back_without_having_looked(alices, phone, seen):
    reply = ask(alices)
    early = repeat(alices, reply["step_up"])
    assert told(early)["reason"] == "waiting"
    approve(phone, reply["number"])
    assert repeat(alices, reply["step_up"]).status_code == 302
    assert len(seen) == 1


SIGNS = {
    "it wants JSON": ("post", {"headers": JSON}),
    "it sends JSON": ("post", {"content_type": "application/json", "data": "{}"}),
    "a script": ("post", {"headers": {"Sec-Fetch-Dest": "empty"}}),
    "an old script": ("post", {"headers": {"X-Requested-With": "XMLHttpRequest"}}),
    "a token": ("post", {"headers": {"Authorization": "Bearer x"}}),
    "another method": ("put", {}),
    "a page of JSON": ("get", {"headers": JSON}),
}


@table(("method", "sent"), SIGNS.values(), ids=SIGNS)
def test_a_client_without_a_page_gets_json_and_comes_back(method, sent, alices, phone, seen):
    seen.clear()
    send = getattr(alices.client, method)
    reply = told(send("/transfer/", secure=True, **sent))
    approve(phone, reply["number"])
    headers = {**sent.get("headers", {}), "X-Toopher-Step-Up": reply["step_up"]}
    assert send("/transfer/", secure=True, **{**sent, "headers": headers}).status_code in {200, 302}
    assert len(seen) == 1


def test_a_browser_that_opens_a_page_gets_one(alices):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    headers = {"Accept": accept, "Sec-Fetch-Dest": "document"}
    assert alices.get("/transfer/", headers=headers)["Content-Type"].startswith("text/html")


def test_a_browser_behind_a_door_of_the_web_server_gets_a_page(alices):
    assert alices.get("/transfer/", headers={"Authorization": "Basic eDp5"})["Content-Type"].startswith("text/html")


def test_a_client_that_is_not_logged_in_is_told_so(db, computer):
    assert ask(computer) == {"reason": "login_required"}


def test_S13_a_ticket_is_spent_once(alices, phone, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    assert repeat(alices, reply["step_up"]).status_code == 302
    assert told(repeat(alices, reply["step_up"]))["reason"] == "expired"
    assert len(seen) == 1


OTHERS = {
    "another form": {"fields": {"amount": "2"}},
    "a field more": {"fields": {"amount": "1", "to": "eve"}},
    "another address": {"path": "/transfer/large/"},
    "another query": {"path": "/transfer/?to=eve"},
    "another action": {"path": "/protected-inside/"},
    "a file": {"fields": {"amount": "1", "file": SimpleUploadedFile("a", b"a")}},
}


@pytest.fixture
def ticket(alices, phone):
    """For a transfer, which the phone has approved."""
    reply = ask(alices)
    approve(phone, reply["number"])
    return reply["step_up"]


@table("other", OTHERS.values(), ids=OTHERS)
def test_S13_a_ticket_is_for_the_very_same_request(other, alices, ticket, seen, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 100}  # for all rows in one second
    seen.clear()
    assert told(repeat(alices, ticket, **other))["reason"] == "request_changed"
    assert told(alices.get("/transfer/", headers={**JSON, "X-Toopher-Step-Up": ticket}))["reason"] == (
        "request_changed"
    )
    assert seen == []
    assert repeat(alices, ticket).status_code == 302


def test_S13_a_ticket_is_of_one_session(alices, account, ticket, make_computer, make_user, seen):
    same, other = verified(make_computer(), account.user), make_computer()
    make_user("bob")
    other.password("bob")
    for computer in (same, other):
        assert told(repeat(computer, ticket))["reason"] == "request_changed"
    assert seen == []


@table("ticket", ["", "x", "a" * 32 + "." + "b" * 43, "0" * 76, "\x00", "ü"], ids=ascii)
def test_S13_garbage_is_no_ticket(ticket, alices, seen):
    assert told(repeat(alices, ticket))["reason"] == "nothing_pending"
    assert seen == []


def test_S13_a_ticket_with_another_token_is_none(alices, phone, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    attempt, _, token = reply["step_up"].partition(".")
    assert told(repeat(alices, f"{attempt}.{token[::-1]}"))["reason"] == "nothing_pending"
    assert alices.get(f"/accounts/step-up/{attempt}.{token[::-1]}/status/").status_code == 403
    assert seen == []


def test_a_no_on_the_phone_is_told(alices, phone, seen):
    reply = ask(alices)
    phone.deny(phone.pending().requests[0])
    assert told(repeat(alices, reply["step_up"]))["reason"] == "denied"
    assert alices.get(path_of(reply["status_url"])).json()["state"] == "denied"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_S13_a_ticket_expires(alices, phone, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    Attempt.objects.filter(kind="step_up").update(expires=timezone.now())
    assert told(repeat(alices, reply["step_up"]))["reason"] == "expired"
    assert alices.get(path_of(reply["status_url"])).json()["state"] == "expired"
    assert seen == []


def test_S07_support_resets_the_user_before_the_client_comes_back(alices, phone, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    ToopherAccount.objects.update(generation=7)
    assert told(repeat(alices, reply["step_up"]))["reason"] == "user_changed"
    assert seen == []


def test_S13_many_at_the_same_moment_carry_it_out_once(threaded_db, make_user, phone, make_computer, seen):
    account = account_with(phone, make_user("alice"))
    computer = verified(make_computer(), account.user)
    reply = ask(computer)
    approve(phone, reply["number"])
    computers = [make_computer() for _ in range(20)]
    for each in computers:
        each.client.cookies = computer.client.cookies
    responses = at_once(*[lambda each=each: repeat(each, reply["step_up"]) for each in computers])
    statuses = [each.status_code for each in responses]
    assert statuses.count(302) == 1
    assert set(statuses) == {302, 403}
    assert len(seen) == 1


def test_what_was_confirmed_lasts_for_a_client_too(alices, phone):
    headers = {**JSON}
    reply = told(alices.get("/look/?what=this", headers=headers))
    approve(phone, reply["number"])
    headers["X-Toopher-Step-Up"] = reply["step_up"]
    assert alices.get("/look/?what=this", headers=headers).content == b"seen"
    assert alices.get("/look/?what=this", headers=JSON).content == b"seen"


def test_the_phone_is_not_asked_for_ever(alices, seen):
    replies = [ask(alices) for _ in range(12)]
    assert len({reply["number"] for reply in replies}) >= 2
    assert [reply["method"] for reply in replies] == ["phone"] * 10 + ["code"] * 2
    assert replies[-1]["number"] == ""
    assert 500 < replies[-1]["wait"] <= 601
    assert seen == []


def test_a_question_that_nobody_answers_expires(alices, phone, seen):
    reply = ask(alices)
    AuthenticationRequest.objects.update(expires=timezone.now())
    assert alices.get(path_of(reply["status_url"])).json()["state"] == "failed"
    assert told(repeat(alices, reply["step_up"]))["reason"] == "expired"
    assert (seen, outcomes("step_up")) == ([], [("failed", "expired")])


def test_a_one_time_code_confirms_too(alices, phone, embedded_api, seen):
    reply = ask(alices)
    asked = embedded_api.get_authentication_request_by_id(Attempt.objects.get(kind="step_up").request_id)
    asked.authenticate_with_otp(phone.code(), embedded_api)
    assert repeat(alices, reply["step_up"]).status_code == 302
    assert Attempt.objects.get(kind="step_up").method == "code"


def test_an_exempt_client_confirms_by_password(bobs, seen):
    reply = ask(bobs)
    assert (reply["method"], reply["number"]) == ("password", "")
    status = path_of(reply["status_url"])
    assert told(bobs.post(status, {"password": "wrong"}))["reason"] == "wrong_password"
    reply = ask(bobs)
    assert told(bobs.post(path_of(reply["status_url"]), {"password": "password"}), 200)["state"] == "granted"
    assert repeat(bobs, reply["step_up"]).status_code == 302
    assert len(seen) == 1


def test_who_has_a_phone_confirms_nothing_by_password(alices, seen):
    reply = ask(alices)
    assert told(alices.post(path_of(reply["status_url"]), {"password": "password"}))["reason"] == "user_changed"
    assert seen == []


def test_S15_nothing_is_carried_out_while_the_service_is_down(alices, request, seen):
    request.getfixturevalue("elsewhere").will_send()  # hangs up
    assert ask(alices, status=503)["reason"] == "service_down"
    assert seen == []


def test_S15_nothing_is_carried_out_when_the_service_goes_down_meanwhile(alices, phone, request, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    request.getfixturevalue("elsewhere").will_send()
    assert told(repeat(alices, reply["step_up"]), 503)["reason"] == "service_down"
    assert seen == []
