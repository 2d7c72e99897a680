"""Classes, methods of classes, coroutines, transactions, ASGI: whatever a view is, it is confirmed in the same way."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import AsyncClient

from django_toopher.models import Attempt
from tests.app.acts import outcomes, reason_of
from tests.factories import account_with, verified
from tests.tables import table

from .pages import HELD, Page, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


@pytest.fixture
def permitted(account):
    account.user.user_permissions.add(Permission.objects.get(codename="add_group"))


def test_a_class_is_confirmed(permitted, alices, phone, seen):
    page = asked(alices, "/view/5/", {"a": "1"})
    assert page.action == "Transfer 5 €"
    assert page.confirm(phone).content == b"transferred 5"
    asked(alices, "/view/6/").confirm(phone)
    assert alices.get("/view/6/").content == b"got 6"


def test_a_class_asks_only_for_what_is_permitted(alices, seen):
    assert alices.post("/view/5/").status_code == 403
    assert outcomes("step_up") == []


@pytest.mark.parametrize("path", ["/form/", "/post-decorated/"])
def test_a_view_can_show_the_form_that_is_to_be_confirmed(path, alices, phone, seen):
    assert alices.get(path).content == b"the form"
    page = asked(alices, path, {"a": "1"})
    assert page.action == "Send the form"
    assert seen == []
    assert page.confirm(phone).content == b"sent"


def test_a_form_with_mistakes_can_be_shown_again_without_asking(alices, phone, seen):
    assert alices.post("/form/", {"mistake": "1"}).content == b"sent"
    assert outcomes("step_up") == []


def test_S13_what_lets_a_request_pass_does_not_look_at_its_confirmation(alices, phone, seen):
    page = asked(alices, "/form/", {"a": "1"})
    response = alices.post(page.target, {HELD: page.arguments[HELD], "mistake": "1"})
    assert (response.status_code, reason_of(response), seen) == (403, "invalid_postback", [])


@table("method", ["put", "patch", "delete"])
def test_S13_only_safe_methods_pass_where_forms_are_shown(method, alices, seen):
    response = getattr(alices.client, method)("/form/", secure=True)
    assert (response.status_code, response.json()["action"]) == (403, "Send the form")
    assert seen == []


def test_a_class_must_say_what_is_confirmed(alices):
    with pytest.raises(ImproperlyConfigured, match="NamelessView needs second_factor_action"):
        alices.get("/nameless/")


@pytest.mark.parametrize("path", ["/waiting/", "/async-view/"])
def test_a_coroutine_is_confirmed(path, alices, phone, seen):
    page = asked(alices, path, {"a": "1"})
    assert seen == []
    assert page.confirm(phone).content == b"waited"
    assert seen[0]["fields"] == [("a", ["1"])]


# Transactions


def test_S13_a_transaction_that_would_take_the_approval_back_is_refused(alices, seen, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(ImproperlyConfigured, match="non_atomic_requests"):
        alices.post("/post-decorated/", {"a": "1"})
    assert seen == []


def test_S13_with_atomic_requests_a_view_that_fails_is_undone_but_its_approval_is_spent(
    threaded_db, make_user, phone, make_computer, seen, monkeypatch
):
    account = account_with(phone, make_user("alice"))
    computer = verified(make_computer(), account.user)
    computer.client.raise_request_exception = False
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    page = asked(computer, "/fail/", {"a": "1"})
    fields = page.approved(phone)
    assert computer.post(page.target, fields).status_code == 500
    assert not Group.objects.exists()
    assert Attempt.objects.get(kind="step_up").spent
    assert reason_of(computer.post(page.target, fields)) == "expired"
    assert len(seen) == 1


# ASGI


@pytest.fixture
def asgi(alices):
    """Sends a request of Alice's browser over ASGI."""

    def send(method, path, *args, **kwargs):
        client = AsyncClient()
        client.cookies = alices.client.cookies
        return async_to_sync(getattr(client, method))(path, *args, secure=True, **kwargs)

    return send


@pytest.mark.parametrize("path", ["/transfer/", "/waiting/", "/async-view/"])
def test_over_asgi_a_form_with_files_is_confirmed(path, asgi, alices, phone, seen):
    file = SimpleUploadedFile("a.bin", bytes(range(256)), "application/octet-stream")
    page = Page(alices, asgi("post", path, {"a": ["1", "2"], "file": file}))
    assert asgi("post", page.target, page.approved(phone)).status_code in {200, 302}
    (given,) = seen
    assert given["fields"] == [("a", ["1", "2"])]
    assert given["files"]["file"][0][3] == bytes(range(256))


def test_over_asgi_a_body_is_carried_out_byte_for_byte(asgi, alices, phone, seen):
    body = b"a=1&b=%00&&c=%ff"
    page = Page(alices, asgi("post", "/waiting/", body, content_type="application/x-www-form-urlencoded"))
    asgi("post", page.target, page.approved(phone))
    assert seen[0]["body"] == body


def test_over_asgi_a_client_comes_back(asgi, phone, seen):
    body = {"data": b'{"a": 1}', "content_type": "application/json"}
    reply = asgi("post", "/waiting/", **body).json()
    phone.approve(phone.pending().requests[0], reply["number"])
    headers = {"X-Toopher-Step-Up": reply["step_up"]}
    assert asgi("post", "/waiting/", **body, headers=headers).content == b"waited"
    assert seen[0]["body"] == b'{"a": 1}'
