"""A form that is to be confirmed reaches the view as it was sent, with its files; what is too large is refused."""

from __future__ import annotations

import json
import secrets
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from django_toopher.models import Attempt
from tests.app.acts import reason_of
from tests.drivers import attribute

from .pages import HELD, Page, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_a_form_is_carried_out_when_it_was_confirmed(alices, phone, seen):
    fields = {"amount": "300", "to": ["bob", "ines"], "empty": ""}
    page = asked(alices, "/transfer/abroad/?a=1", fields)
    assert (page.way, page.target, page.action) == ("iframe", "/transfer/abroad/?a=1", "Transfer money")
    assert seen == []
    response = page.confirm(phone)
    assert (response.status_code, response["Location"]) == (302, "/members/")
    (given,) = seen
    assert given["fields"] == [("amount", ["300"]), ("to", ["bob", "ines"]), ("empty", [""])]
    assert (given["method"], given["path"], given["kwargs"]) == ("POST", "/transfer/abroad/?a=1", {"kind": "abroad"})
    assert (given["route"], given["user"], given["files"]) == ("transfer/<str:kind>/", "alice", {})


def test_a_body_is_carried_out_byte_for_byte(alices, phone, seen):
    body = "a=1&b=%00&a=2&=&ü=%ff&&toopher=x".encode()
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    page = Page(alices, alices.client.post("/transfer/", body, content_type, secure=True))
    page.confirm(phone)
    (given,) = seen
    assert (given["body"], given["header"]) == (body, content_type)


def test_any_other_body_is_carried_out_byte_for_byte(alices, phone, seen):
    body = bytes(range(256))
    page = Page(alices, alices.client.post("/transfer/", body, "application/octet-stream", secure=True))
    page.confirm(phone)
    (given,) = seen
    assert (given["body"], given["content_type"], given["fields"]) == (body, "application/octet-stream", [])


def test_the_action_is_made_from_the_request_and_shown_on_the_phone(alices, phone, seen):
    page = asked(alices, "/pay/Bob/", {"amount": "300"})
    assert page.action == "Pay 300 € to Bob"
    frame = page.frame()
    assert frame.question(phone).action == "Pay 300 € to Bob"
    frame.approve(phone)
    assert alices.post(page.target, {**frame.poll()["postback"], **page.arguments}).content == b"paid Bob"
    assert Attempt.objects.get(kind="step_up").action == "Pay 300 € to Bob"


def test_files_are_carried_out_as_they_were_sent(alices, phone, seen):
    files = [
        SimpleUploadedFile("a&amp;b \u202f.txt", b"first\r\n--x", "text/plain; charset=latin-1"),
        SimpleUploadedFile("b.bin", bytes(range(256)), "application/octet-stream"),
    ]
    page = asked(alices, "/transfer/", {"note": "with files", "file": files, "other": BytesIO(b"x")})
    assert seen == []
    page.confirm(phone)
    (given,) = seen
    first, second = given["files"]["file"]
    assert first[1:4] == ("text/plain", b"latin-1", b"first\r\n--x")
    assert second == ("b.bin", "application/octet-stream", None, bytes(range(256)), "InMemoryUploadedFile")
    assert [*given["files"]] == ["file", "other"]
    assert given["fields"] == [("note", ["with files"])]


def test_a_file_that_lay_on_the_disk_lies_there_again(alices, phone, seen, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    asked(alices, "/transfer/", {"file": SimpleUploadedFile("a.txt", b"x" * 1000)}).confirm(phone)
    ((file,),) = seen[0]["files"].values()
    assert file == ("a.txt", "text/plain", None, b"x" * 1000, "TemporaryUploadedFile")


@pytest.mark.parametrize("exempt", [False, True], ids=["checked", "exempt from CSRF checks"])
def test_files_that_are_too_large_are_refused_with_a_clear_message(exempt, alices, seen, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    path = "/protected-inside/" if exempt else "/transfer/"
    file = SimpleUploadedFile("a.bin", secrets.token_bytes(99_000))  # which can't be compressed
    response = alices.post(path, {"file": file})
    assert (response.status_code, reason_of(response)) == (413, "too_large")
    assert "Nothing was carried out." in response.content.decode()
    assert seen == []


def test_a_body_that_is_too_large_is_refused_with_a_clear_message(alices, seen, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = alices.client.post("/transfer/", b"x" * 1001, "application/octet-stream", secure=True)
    assert (response.status_code, reason_of(response)) == (413, "too_large")


def test_a_form_that_the_view_itself_protects_is_carried_out(alices, phone, seen):
    alices.client.handler.enforce_csrf_checks = True
    arguments = json.loads(attribute(alices.get("/accounts/phones/").content.decode(), "framework_post_args"))
    fields = {"csrfmiddlewaretoken": arguments["csrfmiddlewaretoken"], "a": "1"}
    headers = {"Referer": "https://testserver/"}
    page = Page(alices, alices.post("/protected-inside/", fields, headers=headers))
    assert alices.post(page.target, page.approved(phone), headers=headers).content == b"done"
    without = Page(alices, alices.post("/protected-inside/", {"a": "1"}, headers=headers))
    assert alices.post(without.target, without.approved(phone), headers=headers).status_code == 403
    assert [each["fields"][-1] for each in seen] == [("a", ["1"])]


def test_two_tabs_do_not_disturb_each_other(alices, phone, seen):
    first, second = (asked(alices, "/transfer/", {"amount": amount}) for amount in "12")
    assert second.confirm(phone).status_code == 302
    assert first.confirm(phone).status_code == 302
    assert [each["fields"] for each in seen] == [[("amount", ["2"])], [("amount", ["1"])]]


def test_S18_no_secret_of_a_form_is_kept(alices, phone, caplog):
    page = asked(alices, "/transfer/", {"password": "a-very-secret-password"})
    page.confirm(phone)
    kept = str([*Attempt.objects.values()]) + str(dict(alices.client.session)) + caplog.text
    assert "a-very-secret-password" not in kept
    assert page.held if page.way != "iframe" else page.arguments[HELD] not in kept
