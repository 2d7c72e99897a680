"""Views of Django REST framework, for clients with a session or a token of their own."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from django_toopher.session import state as session_keys
from tests.app.acts import outcomes
from tests.app.rest_urls import DONE

from .clients import JSON, TOKEN, approve, ask, path_of, repeat, told

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


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
