"""Classes, methods of classes, coroutines, ASGI: whatever a view is, it is confirmed in the same way."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from tests.app.acts import outcomes

from .pages import Page, asked

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


def test_a_class_must_say_what_is_confirmed(alices):
    with pytest.raises(ImproperlyConfigured, match="NamelessView needs second_factor_action"):
        alices.get("/nameless/")


@pytest.mark.parametrize("path", ["/waiting/", "/async-view/"])
def test_a_coroutine_is_confirmed(path, alices, phone, seen):
    page = asked(alices, path, {"a": "1"})
    assert seen == []
    assert page.confirm(phone).content == b"waited"
    assert seen[0]["fields"] == [("a", ["1"])]


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
