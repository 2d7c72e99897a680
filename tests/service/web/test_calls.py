"""The calls of the iframe pages: who may make them, what they cost, what can't be read (SECURITY.md S31, S32)."""

from __future__ import annotations

import pytest
from django.test import Client

from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.web import urls
from tests.tables import table

from .pages import CALLS, assert_refused

NAMES = ["ask", "code", "extend", "pair", "phrase", "remove", "forget", "rename", "switch", "reset"]


def test_S32_every_call_is_tried_here():
    """So that a new one can't be forgotten."""
    known = {str(each.pattern).removeprefix("frame/") for each in urls.urlpatterns if "frame/" in str(each.pattern)}
    assert known == {"open", "state", *NAMES}


def test_S32_a_frame_tells_of_its_own_request_only(open_frame, paired_phone, pair, make_phone, iframe):
    alices = open_frame()
    other = make_phone()
    pair(other, "bob")
    bobs = open_frame(user="bob", token="another")
    alices.approve(paired_phone)
    assert alices.poll()["state"] == "finished"
    assert (bobs.poll()["state"], "postback" in bobs.state) == ("waiting", False)


@pytest.fixture
def token(open_frame, paired_phone):
    """The token of a page that is open."""
    return open_frame().token


@table("name", [*NAMES, "state"])
@table("header", [None, "", "Frame", "Frame ", "Frame x", "Bearer {token}", "frame{token}", "Frame {token}x"])
def test_S32_a_call_without_a_frame_token_is_refused(token, name, header):
    headers = {} if header is None else {"Authorization": header.format(token=token)}
    send = Client().get if name == "state" else Client().post
    assert_refused(send(f"{CALLS}{name}", secure=True, headers=headers), 401)


def test_S31_a_poll_is_one_query_and_writes_nothing(open_frame, paired_phone, django_assert_num_queries):
    frame = open_frame()
    for _ in range(2):
        before = [*AuthenticationRequest.objects.values()], [*FrameRow.objects.values()]
        with django_assert_num_queries(1) as queries:
            frame.poll()
        assert queries.captured_queries[0]["sql"].startswith("SELECT")
        assert ([*AuthenticationRequest.objects.values()], [*FrameRow.objects.values()]) == before
        if frame.state["state"] == "waiting":
            frame.approve(paired_phone)
    assert frame.state["state"] == "finished"


def test_a_poll_while_pairing_is_one_query(open_frame, django_assert_num_queries):
    frame = open_frame()
    with django_assert_num_queries(1):
        assert frame.poll()["state"] == "pairing"


@table("name", ["open", *NAMES])
@table("method", ["get", "put", "delete"])
def test_S35_calls_answer_to_POST_only(db, name, method):
    response = getattr(Client(), method)(f"{CALLS}{name}", secure=True)
    assert_refused(response, 405)


def test_S35_the_poll_answers_to_GET_only(db):
    assert_refused(Client().post(f"{CALLS}state", secure=True), 405)


@table(
    ("body", "content_type"),
    [
        (b"\xff\xfe\0", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"ticket=%00&binder=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=b" for _ in range(1001)), "application/x-www-form-urlencoded"),
    ],
)
def test_S35_a_body_that_can_not_be_read_is_refused(db, body, content_type):
    response = Client().post(f"{CALLS}open", body, content_type=content_type, secure=True)
    assert 400 <= response.status_code < 500
    assert response.json().keys() >= {"error_code", "error_message"}
    assert not FrameRow.objects.exists()
