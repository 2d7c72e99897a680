"""Clients that have no page: JSON, and Django REST framework."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from django_toopher import session as session_keys
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import AuthenticationRequest
from django_toopher.step_ups import Requirement
from tests.drivers import attribute
from tests.service.callers import at_once

from .acts import outcomes, pair, reason_of
from .rest_urls import DONE
from .step_up_urls import SEEN

pytestmark = pytest.mark.urls("tests.app.step_up_urls")

JSON = {"Accept": "application/json"}
TOKEN = {"Authorization": "Token alice-1"}


@pytest.fixture(autouse=True)
def seen():
    """What the views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return SEEN


@pytest.fixture
def alices(account, computer, phone):
    """Alice's browser, logged in with password and phone."""
    computer.log_in(phone)
    return computer


@pytest.fixture
def bobs(make_user, make_computer):
    """The browser of somebody who has no phone, and needs none."""
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    return computer


def told(response, status=403):
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    return response.json()


def ask(computer, path="/transfer/", fields=None, status=403, **headers):
    """Send a form as a client without a page; what it is told."""
    return told(computer.post(path, fields or {"amount": "1"}, headers={**JSON, **headers}), status)


def repeat(computer, ticket, path="/transfer/", fields=None, **headers):
    """Send the same form again, with the ticket."""
    return computer.post(path, fields or {"amount": "1"}, headers={**JSON, "X-Toopher-Step-Up": ticket, **headers})


def approve(phone, number):
    phone.approve(phone.pending().requests[0], number)


def path_of(url):
    return url.removeprefix("https://testserver")


# JSON


def test_a_client_is_told_what_to_show_where_to_look_and_how_to_come_back(alices, phone, seen):
    reply = ask(alices)
    assert set(reply) == {
        "reason",
        "action",
        "method",
        "number",
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


@pytest.mark.parametrize(("method", "sent"), SIGNS.values(), ids=SIGNS)
def test_a_client_without_a_page_gets_json_and_comes_back(method, sent, alices, phone, seen):
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


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_S13_a_ticket_is_for_the_very_same_request(other, alices, phone, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    assert told(repeat(alices, reply["step_up"], **other))["reason"] == "request_changed"
    assert told(alices.get("/transfer/", headers={**JSON, "X-Toopher-Step-Up": reply["step_up"]}))["reason"] == (
        "request_changed"
    )
    assert seen == []
    assert repeat(alices, reply["step_up"]).status_code == 302


def test_S13_a_ticket_is_of_one_session(alices, phone, make_computer, make_user, seen):
    reply = ask(alices)
    approve(phone, reply["number"])
    same, other = make_computer(), make_computer()
    same.log_in(phone)
    make_user("bob")
    other.password("bob")
    for computer in (same, other):
        assert told(repeat(computer, reply["step_up"]))["reason"] == "request_changed"
    assert seen == []


@pytest.mark.parametrize("ticket", ["", "x", "a" * 32 + "." + "b" * 43, "0" * 76, "\x00", "ü"], ids=ascii)
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
    make_user("alice")
    pair(make_computer(), phone)
    computer = make_computer()
    computer.log_in(phone)
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
    replies = [ask(alices, status=status) for status in [403] * 3]
    assert len({reply["number"] for reply in replies}) >= 2
    for _ in range(30):
        response = alices.post("/transfer/", {"amount": "1"}, headers=JSON)
        if response.status_code == 429:
            break
    assert told(response, 429)["reason"] == "too_many_questions"
    assert outcomes("step_up")[-1] == ("failed", "too_many_questions")
    assert seen == []


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


# The page for who is sent there by such a client


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


# Django REST framework


def test_a_client_with_a_token_confirms_and_comes_back(account, make_computer, phone):
    client = make_computer()
    reply = ask(client, "/rest/pay/", {"amount": "300"}, **TOKEN)
    assert (reply["action"], reply["poll_seconds"], DONE) == ("Pay 300 €", 2, [])
    assert make_computer().get(path_of(reply["status_url"])).json()["state"] == "pending"
    approve(phone, reply["number"])
    response = repeat(client, reply["step_up"], "/rest/pay/", {"amount": "300"}, **TOKEN)
    assert (response.status_code, response.json()) == (200, {"paid": "300"})
    again = repeat(client, reply["step_up"], "/rest/pay/", {"amount": "300"}, **TOKEN)
    assert told(again)["reason"] == "expired"
    assert len(DONE) == 1


def test_json_is_confirmed_as_it_was_sent(account, computer, phone):
    def send(amount, **headers):
        sent = {"amount": amount, "to": ["ines", {"a": 1}]}
        return computer.client.post(
            "/rest/pay/", sent, content_type="application/json", secure=True, headers={**TOKEN, **headers}
        )

    reply = told(send(300))
    approve(phone, reply["number"])
    ticket = {"X-Toopher-Step-Up": reply["step_up"]}
    assert told(send(301, **ticket))["reason"] == "request_changed"
    assert send(300, **ticket).json() == {"paid": 300}
    assert DONE == [{"amount": 300, "to": ["ines", {"a": 1}]}]


@pytest.mark.parametrize("token", ["Token alice-2", "Token bob-1"])
def test_S13_a_ticket_is_of_one_token(token, account, make_user, computer, phone):
    make_user("bob")
    reply = ask(computer, "/rest/pay/", **TOKEN)
    approve(phone, reply["number"])
    response = repeat(computer, reply["step_up"], "/rest/pay/", Authorization=token)
    assert (told(response)["reason"], DONE) == ("request_changed", [])


def test_a_form_with_files_may_have_another_boundary_when_it_comes_again(account, computer, phone):
    def send(content, boundary, **headers):
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5\r\n--{boundary}\r\n'
        body += f'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n{content}\r\n--{boundary}--\r\n'
        kind = f"multipart/form-data; boundary={boundary}"
        return computer.client.post("/rest/pay/", body.encode(), kind, secure=True, headers={**TOKEN, **headers})

    reply = told(send("content", "one"))
    approve(phone, reply["number"])
    ticket = {"X-Toopher-Step-Up": reply["step_up"]}
    assert told(send("another", "two", **ticket))["reason"] == "request_changed"
    assert send("content", "two", **ticket).json() == {"paid": "5"}
    assert DONE[0]["f"][0].size == len("content")


def test_a_session_is_confirmed_in_the_framework_too(alices, phone):
    alices.client.handler.enforce_csrf_checks = False
    assert alices.get("/rest/books/", headers=JSON).json() == {"books": []}  # the login counts
    session = alices.client.session
    session[session_keys.VERIFIED_AT] -= 601
    session.save()
    reply = told(alices.get("/rest/books/", headers=JSON))
    approve(phone, reply["number"])
    ticket = {"X-Toopher-Step-Up": reply["step_up"]}
    assert alices.get("/rest/books/", headers={**JSON, **ticket}).json() == {"books": []}
    assert alices.get("/rest/books/", headers=JSON).json() == {"books": []}


def test_the_session_of_one_does_not_count_for_the_token_of_another(alices, make_user, phone):
    make_user("bob")
    assert told(alices.get("/rest/books/", headers={"Authorization": "Token bob-1"}))["method"] == "password"


def test_nobody_is_asked_before_authenticating(db, computer):
    assert computer.post("/rest/pay/", {"amount": "1"}, headers=JSON).status_code == 401
    assert outcomes("step_up") == []


def test_a_view_must_say_what_is_confirmed(account, computer):
    with pytest.raises(ImproperlyConfigured, match="NamelessView needs second_factor_action"):
        computer.post("/rest/nameless/", headers=TOKEN)


def test_a_file_that_is_too_large_is_refused(account, computer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    fields = {"amount": "1", "f": SimpleUploadedFile("f", b"x" * 2000)}
    assert ask(computer, "/rest/pay/", fields, 413, **TOKEN)["reason"] == "too_large"


def test_S13_a_view_within_djangos_transaction_is_refused(account, computer, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(ImproperlyConfigured, match="non_atomic_requests"):
        computer.post("/rest/pay/", {"amount": "1"}, headers=TOKEN)


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


@pytest.mark.parametrize("max_age", [0, -1, 1.5, "600", True])
def test_max_age_is_whole_seconds(max_age):
    with pytest.raises(ImproperlyConfigured, match="max_age"):
        Requirement("x", max_age)
