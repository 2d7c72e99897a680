"""The iframe pages and their calls (PROTOCOL.md §3, SECURITY.md S31 and S32)."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.signing import TimestampSigner, b62_encode
from django.test import Client
from django.utils import timezone

from django_toopher.client import (
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    SignatureError,
    TerminalUnknownError,
    TokenError,
    ToopherIframe,
    UserDisabledError,
    UserUnknownError,
    sign_postback,
)
from django_toopher.connection import credentials
from django_toopher.embedded import CONSUMER_KEY
from django_toopher.service import otp_lists
from django_toopher.service.device.terminal import RefusedError
from django_toopher.service.models import AuthenticationRequest, Pairing, Requester, User
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.web import frames, urls
from tests.drivers import Computer, Frame, attribute

from .callers import ROOT, Caller, at_once, rows

CALLS = "/toopher/v1/web/frame/"
BINDER = "0123456789abcdef0123456789abcdef"
TOKEN = "the-sites-own-token"
TERMINAL = {"terminal_name": "Office laptop", "requester_specified_terminal_id": "terminal-secret-1"}


def authenticate_url(iframe, user="alice", token=TOKEN, **more):
    return iframe.get_auth_iframe_url(user, "", token, **{**TERMINAL, **more})


def manage_url(iframe, user="alice", **more):
    return iframe.get_user_management_iframe_url(user, "", **{"session_token": TOKEN, **more})


def page_url(page, caller=None, **changes):
    """A signed URL of any page with any parameters; a change to None leaves one out."""
    caller = caller or Caller()
    usual = {"v": "2", "username": "alice", "expires": str(int(time.time()) + 100), "session_token": TOKEN}
    fields = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    path = f"/toopher/v1/web/{page}"
    signed = caller.signed("GET", path, fields, caller.oauth())
    return path, {**fields, **signed}


def load(page, caller=None, **changes):
    path, query = page_url(page, caller, **changes)
    return Client().get(path, query, secure=True)


def load_url(url, **headers):
    parts = urlsplit(url)
    return Client(headers=headers).get(f"{parts.path}?{parts.query}", secure=True)


def ticket_of(response):
    return attribute(response.content.decode(), "data-ticket")


def open_page(ticket, binder=BINDER):
    return Client().post(f"{CALLS}open", {"ticket": ticket, "binder": binder}, secure=True)


def call(name, token, /, **fields):
    return Client().post(f"{CALLS}{name}", fields, secure=True, headers={"Authorization": f"Frame {token}"})


def poll(token):
    return Client().get(f"{CALLS}state", secure=True, headers={"Authorization": f"Frame {token}"})


def assert_is_error_page(response, *statuses):
    assert response.status_code in (statuses or range(400, 500))
    page = response.content.decode()
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "data-ticket" not in page
    assert re.search(r'id="error"[^>]*>[^<]{10,}<', page)


def assert_refused(response, status, code=None):
    told = response.json()
    assert (response.status_code, told["error_code"]) == (status, code or status), told
    assert told["error_message"]


def assert_requester_hears(state, code):
    """An error as the requester gets it: signed, and with nothing else in it (PROTOCOL.md §3.4)."""
    assert (state["state"], state["granted"]) == ("finished", False), state
    postback = state["postback"]
    assert postback.keys() - {"requester_metadata"} == ALWAYS | {"error_code", "error_message"}
    assert (postback["error_code"], postback["session_token"]) == (str(code), TOKEN)
    assert postback["toopher_sig"] == sign_postback(postback, "secret", "python-php")
    assert state["problem"]  # for the person


@pytest.fixture
def open_frame(iframe):
    """Opens a page of ``requester`` in a browser of its own."""

    def make(url=None, binder=BINDER, **more):
        return Frame.at(Computer(), url or authenticate_url(iframe, **more), binder)

    return make


# Loading a page


@pytest.mark.parametrize("page", ["authenticate", "auth", "manage_user", "pair"])
def test_a_signed_url_shows_the_page(requester, page):
    response = load(page)
    assert response.status_code == 200
    assert ticket_of(response)


@pytest.mark.parametrize("page", ["authenticate", "auth", "manage_user", "pair"])
def test_loading_a_page_asks_nobody_and_stores_nothing(requester, page):
    before = rows()
    load(page)
    assert rows() == before


def test_S20_a_page_may_be_reloaded(iframe):
    url = authenticate_url(iframe)
    assert [load_url(url).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("page", ["authenticate", "auth", "manage_user", "pair"])
def test_S31_an_unsigned_url_is_refused(requester, page):
    fields = {"v": "2", "username": "alice", "expires": str(int(time.time()) + 100)}
    response = Client().get(f"/toopher/v1/web/{page}", fields, secure=True)
    assert_is_error_page(response, 401)


@pytest.mark.parametrize(
    "alter",
    [
        lambda url: url.replace("username=alice", "username=bob"),
        lambda url: url.replace("automation_allowed=True", "automation_allowed=False"),
        lambda url: url + "&username=bob",
        lambda url: url + "&allow_inline_pairing=True",
        lambda url: re.sub(r"expires=\d+", "expires=9999999999", url),
        lambda url: url.replace("/authenticate?", "/manage_user?"),
        lambda url: url.replace("oauth_signature=", "oauth_signature=A"),
        lambda url: re.sub(r"&oauth_nonce=\d+", "", url),
    ],
)
def test_S31_an_altered_url_is_refused(iframe, alter):
    url = authenticate_url(iframe)
    assert alter(url) != url
    assert_is_error_page(load_url(alter(url)), 401)


@pytest.mark.parametrize("changes", [{"v": "1"}, {"v": "3"}, {"v": ""}, {"v": None}])
def test_another_version_is_refused(requester, changes):
    assert_is_error_page(load("authenticate", **changes), 400)


@pytest.mark.parametrize("name", [None, "", "  ", "n" * 256, "a\0b"])
def test_a_page_without_a_usable_username_is_refused(requester, name):
    assert_is_error_page(load("authenticate", username=name), 400)


@pytest.mark.parametrize("expires", [None, "", "soon", "-1", "1.5", "1000", "\u0661\u0662\u0663"])
def test_S31_an_expired_url_is_refused(requester, expires):
    assert_is_error_page(load("authenticate", expires=expires))


def test_S31_a_url_that_expired_a_moment_ago_is_refused(requester):
    assert_is_error_page(load("authenticate", expires=str(int(time.time()) - 5)))


def test_a_very_late_expiry_is_no_fault(requester):
    assert load("authenticate", expires="9" * 300).status_code == 200


def test_a_requester_that_was_switched_off_has_no_pages(iframe, requester):
    Requester.objects.update(is_active=False)
    assert_is_error_page(load_url(authenticate_url(iframe)), 403)


def test_S31_an_address_opened_outside_an_iframe_shows_nothing(iframe):
    url = authenticate_url(iframe)
    assert_is_error_page(load_url(url, **{"Sec-Fetch-Dest": "document"}), 403)
    assert load_url(url, **{"Sec-Fetch-Dest": "iframe"}).status_code == 200


@pytest.mark.parametrize("name", ["requester_metadata", "session_token", "action_name", "terminal_name", "foo"])
def test_S35_a_NUL_in_any_parameter_is_refused(requester, name):
    response = load("authenticate", **{name: "a\0b"})
    if response.status_code == 200:
        response = open_page(ticket_of(response))
    assert 400 <= response.status_code < 500
    assert not AuthenticationRequest.objects.exists()


@pytest.mark.parametrize("name", ["action_name", "terminal_name", "requester_specified_terminal_id"])
def test_S35_an_overlong_parameter_is_refused(paired_phone, name):
    state = open_page(ticket_of(load("authenticate", **{"terminal_name": "PC", name: "n" * 5000}))).json()
    assert_requester_hears(state, 400)
    assert not AuthenticationRequest.objects.exists()


def frame_ancestors(response):
    [found] = re.findall(r"frame-ancestors ([^;]*)", response["Content-Security-Policy"])
    return found.split()


def test_S31_only_the_requesters_origins_may_frame_its_pages(requester, make_requester):
    Requester.objects.update(origins="https://a.example\nhttps://b.example:8443")
    make_requester("other", "other secret", origins="https://mallory.example")
    response = load("authenticate")
    assert frame_ancestors(response) == ["https://a.example", "https://b.example:8443"]
    assert not response.has_header("X-Frame-Options")
    assert frame_ancestors(load("authenticate", Caller("other", "other secret"))) == ["https://mallory.example"]


def test_S31_a_requester_without_origins_is_framed_by_nobody(requester):
    Requester.objects.update(origins="")
    assert frame_ancestors(load("authenticate")) == ["'none'"]


def test_S31_the_embedded_requesters_pages_are_framed_by_its_own_origin(db):
    embedded = ToopherIframe(*credentials(), ROOT)
    response = load_url(authenticate_url(embedded))
    assert frame_ancestors(response) == ["'self'"]
    assert not response.has_header("X-Frame-Options")


def test_S31_pages_run_no_inline_script_and_send_no_referrer(requester):
    response = load("authenticate")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
    page = response.content.decode()
    assert "<style" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_S31_pages_and_calls_set_no_cookie(iframe, paired_phone):
    response = load_url(authenticate_url(iframe))
    opened = open_page(ticket_of(response))
    token = opened.json()["token"]
    for each in (response, opened, poll(token), call("ask", token), call("code", token, code="1")):
        assert not each.cookies
        assert "no-store" in each["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/toopher/phone/", "/toopher/v1/", "/toopher/v1/users", "/toopher/v1/web/frame/state"]
)
def test_S31_other_pages_of_the_service_can_be_framed_by_nobody(db, path):
    response = Client().get(path, secure=True)
    policy = response.get("Content-Security-Policy", "")
    assert response.get("X-Frame-Options") == "DENY" or "frame-ancestors 'none'" in policy


def test_texts_from_outside_are_escaped_in_the_page(requester):
    Requester.objects.update(name='<b>"Site"</b>')
    page = load("authenticate", username="<script>alert(1)</script>").content.decode()
    assert "<b>" not in page
    assert "alert(1)" not in page


# Opening: ticket, binder, token


@pytest.fixture
def paired_phone(pair, phone):
    """A phone that is paired with alice at ``requester``."""
    pair(phone)
    return phone


def test_the_page_asks_the_phone_as_soon_as_it_is_opened(open_frame, paired_phone, requester):
    frame = open_frame()
    assert frame.state["state"] == "waiting"
    question = frame.question(paired_phone)
    assert (question.requester, question.user, question.action) == (requester.name, "alice", "Log In")
    assert (question.terminal, question.address, question.number_length) == ("Office laptop", "127.0.0.1", 6)


def test_the_page_mentions_a_list_of_codes_to_who_has_one(open_frame, paired_phone, api):
    assert open_frame().state["listed"] is False
    api.post("users/activate_next_otp_list", user_name="alice")
    assert open_frame().state["listed"] is True


def test_S22_the_number_is_told_to_the_page_alone(open_frame, paired_phone):
    frame = open_frame()
    assert re.fullmatch(r"[0-9]{6}", frame.state["number"])
    assert frame.state["number"] == AuthenticationRequest.objects.get().number


def test_S31_the_same_url_opened_elsewhere_gets_nothing(open_frame, paired_phone, iframe):
    url = authenticate_url(iframe)
    frame = open_frame(url)
    for ticket in (ticket_of(load_url(url)), ticket_of(load_url(url))):
        response = open_page(ticket, "another-browsers-binder")
        assert_refused(response, 409)
        assert frame.state["number"] not in response.content.decode()
        assert "token" not in response.json()
    assert FrameRow.objects.count() == AuthenticationRequest.objects.count() == 1


def test_a_reload_of_the_page_reopens_its_frame(open_frame, paired_phone, iframe):
    url = authenticate_url(iframe)
    first, second = open_frame(url), open_frame(url)
    assert first.state["number"] == second.state["number"]
    assert FrameRow.objects.count() == AuthenticationRequest.objects.count() == 1


def test_S31_of_two_browsers_that_open_one_url_at_once_one_gets_it(threaded_db, iframe, paired_phone):
    ticket = ticket_of(load_url(authenticate_url(iframe)))
    statuses = at_once(*[lambda n=n: open_page(ticket, f"the-binder-of-browser-{n}").status_code for n in (1, 2)])
    assert sorted(statuses) == [200, 409]
    assert FrameRow.objects.count() == 1


@pytest.mark.parametrize("binder", ["", "short", "b" * 15, "b" * 101])
def test_S31_a_binder_must_be_long_enough(requester, binder):
    assert_refused(open_page(ticket_of(load("authenticate")), binder), 400)
    assert not FrameRow.objects.exists()


@pytest.mark.parametrize("forge", [lambda t: "", lambda t: "x", lambda t: t[:-1], lambda t: f"{t}A", lambda t: t * 50])
def test_S31_a_forged_ticket_is_refused(requester, forge):
    assert_refused(open_page(forge(ticket_of(load("authenticate")))), 401)
    assert not FrameRow.objects.exists()


class _OldSigner(TimestampSigner):
    """Signs as if it were long ago."""

    seconds = 0

    def timestamp(self):
        return b62_encode(int(time.time()) - self.seconds)


def old(content, salt, seconds):
    signer = _OldSigner(salt=salt)
    signer.seconds = seconds
    return signer.sign_object(content)


def test_S31_an_old_ticket_is_refused(requester):
    content = frames._content(ticket_of(load("authenticate")))
    assert open_page(old(content, frames._TICKET_SALT, frames.TICKET_AGE - 5)).status_code == 200
    assert_refused(open_page(old(content, frames._TICKET_SALT, frames.TICKET_AGE + 5)), 409)


def test_S31_a_frame_token_has_its_own_time(settings, open_frame, paired_phone):
    settings.TOOPHER_SERVICE_FRAME_AGE = 100
    open_frame()
    frame_id = FrameRow.objects.get().pk
    assert poll(old(frame_id, frames._TOKEN_SALT, 95)).status_code == 200
    assert_refused(poll(old(frame_id, frames._TOKEN_SALT, 105)), 401)


def test_S31_a_frame_ends_with_its_time(open_frame, paired_phone):
    """``Frame.expires`` is when it ends, whenever its token was made."""
    frame = open_frame()
    FrameRow.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert 400 <= poll(frame.token).status_code < 500


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "header", [None, "", "Frame", "Frame ", "Frame x", "Bearer {token}", "frame{token}", "Frame {token}x"]
)
def test_S32_a_call_without_a_frame_token_is_refused(open_frame, paired_phone, name, header):
    frame = open_frame()
    headers = {} if header is None else {"Authorization": header.format(token=frame.token)}
    assert_refused(Client().post(f"{CALLS}{name}", secure=True, headers=headers), 401)
    assert_refused(Client().get(f"{CALLS}state", secure=True, headers=headers), 401)


def test_S31_a_ticket_is_no_token_and_a_token_no_ticket(open_frame, requester):
    ticket = ticket_of(load("authenticate"))
    assert_refused(poll(ticket), 401)
    assert_refused(open_page(open_frame().token), 401)


def test_S31_a_frame_token_serves_one_frame(open_frame, pair, make_phone, iframe):
    for name in ("alice", "bob"):
        pair(make_phone(), name)
    alices, bobs = open_frame(), open_frame(authenticate_url(iframe, "bob", "another token"))
    assert alices.poll()["number"] == AuthenticationRequest.objects.get(user__name="alice").number
    assert bobs.poll()["number"] == AuthenticationRequest.objects.get(user__name="bob").number


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


@pytest.mark.parametrize("name", ["open", *NAMES])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_S35_calls_answer_to_POST_only(db, name, method):
    response = getattr(Client(), method)(f"{CALLS}{name}", secure=True)
    assert_refused(response, 405)


def test_S35_the_poll_answers_to_GET_only(db):
    assert_refused(Client().post(f"{CALLS}state", secure=True), 405)


@pytest.mark.parametrize(
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


# Asking and answering


ROW = {
    "resource_type", "id", "pending", "granted", "automated", "reason", "reason_code", "terminal_id", "terminal_name",
    "terminal_requester_specified_id", "pairing_user_id", "user_name", "user_toopher_authentication_enabled",
    "action_id", "action_name",
}  # fmt: skip
ALWAYS = {"session_token", "timestamp", "toopher_sig"}


def test_a_yes_gives_a_signed_postback_with_every_key(open_frame, paired_phone, iframe):
    frame = open_frame(requester_metadata="wp: base64==", action_name="Transfer \u20ac5")
    frame.approve(paired_phone)
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(
        state["postback"], TOKEN, resource_type="authentication_request", username="alice"
    )
    asked = AuthenticationRequest.objects.get()
    assert postback.keys() >= ROW | ALWAYS | {"requester_metadata"}
    assert all(isinstance(value, str) for value in postback.values())
    assert {name: postback[name] for name in ROW - {"resource_type"}} == {
        "id": str(asked.pk),
        "pending": "false",
        "granted": "true",
        "automated": "false",
        "reason": "",
        "reason_code": "0",
        "terminal_id": str(asked.terminal_id),
        "terminal_name": "Office laptop",
        "terminal_requester_specified_id": "terminal-secret-1",
        "pairing_user_id": str(asked.user_id),
        "user_name": "alice",
        "user_toopher_authentication_enabled": "true",
        "action_id": str(asked.action_id),
        "action_name": "Transfer \u20ac5",
    }
    assert postback["requester_metadata"] == "wp: base64=="
    assert abs(int(postback["timestamp"]) - time.time()) < 10


def test_a_no_gives_a_signed_postback_that_is_not_granted(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.deny(paired_phone)
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", False)
    postback = iframe.validate_postback(state["postback"], TOKEN)
    assert (postback["granted"], postback["pending"], postback["reason_code"]) == ("false", "false", "100")


@pytest.mark.parametrize("metadata", ["None", "", "text", "a&b=c", "line"])
def test_the_requesters_metadata_comes_back_unchanged(open_frame, paired_phone, iframe, metadata):
    frame = open_frame(requester_metadata=metadata)
    frame.approve(paired_phone)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["requester_metadata"] == metadata


def test_metadata_and_token_that_were_not_given_are_absent_and_blank(requester, paired_phone):
    opened = open_page(ticket_of(load("authenticate", session_token=None, terminal_name="PC"))).json()
    paired_phone.deny(paired_phone.pending().requests[0])
    postback = poll(opened["token"]).json()["postback"]
    assert postback["session_token"] == ""
    assert "requester_metadata" not in postback


def test_S01_an_altered_postback_is_not_believed(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.deny(paired_phone)
    postback = frame.poll()["postback"] | {"granted": "true"}
    with pytest.raises(SignatureError):
        iframe.validate_postback(postback, TOKEN)


def test_S03_a_postback_answers_its_own_login_only(open_frame, paired_phone, iframe):
    frame = open_frame()
    frame.approve(paired_phone)
    with pytest.raises(TokenError):
        iframe.validate_postback(frame.poll()["postback"], "another token")


def test_the_postback_is_as_old_as_its_last_poll(open_frame, paired_phone):
    """Signed when it is told (PROTOCOL.md §3.5), so a slow browser does not make it too old."""
    frame = open_frame()
    frame.approve(paired_phone)
    AuthenticationRequest.objects.update(answered=timezone.now() - timedelta(seconds=300))
    assert abs(int(frame.poll()["postback"]["timestamp"]) - time.time()) < 10


@pytest.mark.parametrize("encoding", ["python-php", "java-ruby", "dotnet-py3"])
def test_S21_a_postback_is_signed_with_the_requesters_own_secret_and_encoding(make_requester, pair, phone, encoding):
    make_requester("other", "other secret", postback_encoding=encoding)
    pair(phone, "a~b*c d", at="other")
    other = ToopherIframe("other", "other secret", ROOT)
    frame = Frame.at(Computer(), authenticate_url(other, "a~b*c d"))
    frame.approve(phone)
    postback = frame.poll()["postback"]
    assert postback["toopher_sig"] == sign_postback(postback, "other secret", encoding)
    wrong = {
        sign_postback(postback, "other secret", each) for each in {"python-php", "java-ruby", "dotnet-py3"} - {encoding}
    }
    assert postback["toopher_sig"] not in wrong


def test_S21_a_foreign_requesters_postback_is_not_believed(open_frame, paired_phone):
    frame = open_frame()
    frame.approve(paired_phone)
    with pytest.raises(SignatureError):
        ToopherIframe("key", "other secret", ROOT).validate_postback(frame.poll()["postback"], TOKEN)


def test_the_postback_of_the_embedded_requester_is_signed_with_the_newest_secret(settings, phone, pair):
    pair(phone, at=CONSUMER_KEY)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    embedded = ToopherIframe(*credentials(), ROOT)
    frame = Frame.at(Computer(), authenticate_url(embedded))
    frame.approve(phone)
    assert embedded.validate_postback(frame.poll()["postback"], TOKEN)["granted"] == "true"


def test_a_question_that_nobody_answered_can_be_asked_again(open_frame, paired_phone):
    frame = open_frame()
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll() == {"state": "unanswered"}
    assert frame.call("ask")["state"] == "waiting"
    assert AuthenticationRequest.objects.count() == 2
    frame.approve(paired_phone)
    assert frame.poll()["granted"] is True


def test_asking_while_the_phone_is_being_asked_changes_nothing(open_frame, paired_phone):
    frame = open_frame()
    number = frame.state["number"]
    assert frame.call("ask")["number"] == number
    assert AuthenticationRequest.objects.count() == 1


def test_S04_asking_after_the_end_does_not_ask_again(open_frame, paired_phone):
    frame = open_frame()
    frame.deny(paired_phone)
    assert frame.call("ask")["granted"] is False
    assert AuthenticationRequest.objects.count() == 1


@pytest.mark.parametrize("first", [True, False])
def test_S24_two_simultaneous_asks_make_one_waiting_request(threaded_db, open_frame, paired_phone, first):
    frame = open_frame()
    if first:
        FrameRow.objects.update(request=None)
        AuthenticationRequest.objects.all().delete()
    else:
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    states = at_once(*[lambda: call("ask", frame.token).json()] * 2)
    assert {**states[0], "now": 0} == {**states[1], "now": 0}
    assert len(paired_phone.pending().requests) == 1
    assert AuthenticationRequest.objects.waiting(timezone.now()).count() == 1


def test_S24_a_reload_of_the_page_around_takes_the_earlier_question_back(open_frame, paired_phone, iframe):
    first = open_frame()
    second = open_frame(authenticate_url(iframe))
    [question] = paired_phone.pending().requests
    assert question.id == str(FrameRow.objects.get(request__state="pending").request_id)
    assert first.poll()["state"] == "unanswered"
    second.approve(paired_phone)
    assert second.poll()["granted"] is True
    assert AuthenticationRequest.objects.filter(state="cancelled").count() == 1


@pytest.mark.parametrize("token", ["another login", ""])
def test_another_logins_question_is_left_alone(open_frame, paired_phone, iframe, token):
    open_frame()
    open_frame(authenticate_url(iframe, token=token))
    assert len(paired_phone.pending().requests) == 2


def test_pages_that_name_no_login_leave_each_others_questions_alone(open_frame, paired_phone, iframe):
    for _ in range(2):
        open_frame(authenticate_url(iframe, token=""))
    assert len(paired_phone.pending().requests) == 2


def test_S21_another_requesters_question_is_left_alone(open_frame, paired_phone, make_requester, pair):
    make_requester("other", "other secret")
    pair(paired_phone, at="other")
    open_frame()
    Frame.at(Computer(), authenticate_url(ToopherIframe("other", "other secret", ROOT)))
    assert len(paired_phone.pending().requests) == 2


def test_the_site_takes_back_what_a_page_of_its_login_has_asked(open_frame, api, paired_phone, iframe):
    frame = open_frame()
    other = open_frame(authenticate_url(iframe, token="another login"))
    assert api.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 1}
    assert len(paired_phone.pending().requests) == 1
    assert (frame.poll()["state"], other.poll()["state"]) == ("unanswered", "waiting")
    assert api.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 0}


def test_S21_another_site_takes_nothing_back(open_frame, paired_phone, make_requester, make_api):
    make_requester("other", "other secret")
    open_frame()
    rival = make_api("other", "other secret")
    assert rival.post("authentication_requests/cancel", session_token=TOKEN) == {"cancelled": 0}
    assert len(paired_phone.pending().requests) == 1


# A code instead of a yes


def test_a_code_is_as_good_as_a_yes(open_frame, paired_phone, iframe):
    frame = open_frame()
    state = frame.call("code", code=paired_phone.code())
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], TOKEN)
    assert (postback["granted"], postback["reason_code"]) == ("true", "110")
    assert paired_phone.pending().requests == ()


def wrong_code(phone):
    """Six digits that are the code of no step around now."""
    account = phone.account()
    near = {account.code_at(time.time() + 30 * step) for step in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(10)) if code not in near)


def test_S23_a_wrong_code_leaves_the_question_waiting_and_counts(open_frame, paired_phone):
    frame = open_frame()
    response = call("code", frame.token, code=wrong_code(paired_phone))
    assert_refused(response, 403)
    assert (response.json()["reason"], response.json()["attempts_left"]) == ("wrong_number", 2)
    assert frame.poll()["state"] == "waiting"
    assert User.objects.get().failures == 1


def test_S23_the_third_wrong_code_denies(open_frame, paired_phone, iframe):
    frame = open_frame()
    wrong = wrong_code(paired_phone)
    for _ in range(3):
        frame.call("code", code=wrong)
    assert (frame.state["state"], frame.state["granted"]) == ("finished", False)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["reason_code"] == "103"
    assert_refused(call("code", frame.token, code=paired_phone.code()), 409)
    assert frame.poll()["granted"] is False


def test_S28_a_code_is_used_once_in_two_logins(open_frame, paired_phone, iframe):
    first = open_frame()
    code = paired_phone.code()
    assert first.call("code", code=code)["granted"] is True
    second = open_frame(authenticate_url(iframe, token="another login"))
    assert_refused(call("code", second.token, code=code), 403)


@pytest.mark.parametrize("code", ["", " ", "abcdef", "0" * 5, "0" * 100, "\u0661" * 6, "\0"])
def test_S35_what_is_no_code_grants_nothing(open_frame, paired_phone, code):
    frame = open_frame()
    assert 400 <= call("code", frame.token, code=code).status_code < 500
    assert frame.poll()["state"] == "waiting"


def test_S23_a_blocked_user_is_told_to_wait(open_frame, paired_phone):
    frame = open_frame()
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    response = call("code", frame.token, code=paired_phone.code())
    assert_refused(response, 429)
    assert 1 <= int(response["Retry-After"]) <= 61
    assert frame.poll()["state"] == "waiting"


def test_a_code_without_a_phone_grants_nothing(open_frame):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    assert_refused(call("code", frame.token, code="000000"), 409)


# Pairing inside the page


def test_who_has_no_phone_is_shown_a_link_and_its_picture(open_frame):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    assert frame.state["link"].startswith("https://testserver/toopher/phone/#pair=")
    assert frame.state["qr"].startswith("data:image/svg+xml")
    assert frame.poll()["state"] == "pairing"


def test_a_phone_is_paired_by_the_link_and_then_asked(open_frame, phone, iframe):
    frame = open_frame()
    phone.pair_link(frame.state["link"])
    assert frame.poll() == {"state": "paired"}
    assert frame.call("ask")["state"] == "waiting"
    frame.approve(phone)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["granted"] == "true"


def test_a_phone_is_paired_by_its_phrase_and_then_asked(open_frame, phone):
    frame = open_frame()
    first_link = frame.state["link"]
    assert frame.call("phrase", phrase=phone.phrase().phrase)["state"] == "pairing"
    assert "link" not in frame.state
    assert str(Pairing.objects.exclude(authenticator=None).get().authenticator_id) == phone.id
    phone.pair(phone.pending().pairings[0])
    assert frame.poll()["state"] == "paired"
    assert frame.call("ask")["state"] == "waiting"
    frame.approve(phone)
    assert frame.poll()["granted"] is True
    assert Pairing.objects.filter(state="deactivated").count() == 1, first_link


def test_S29_the_link_that_was_shown_before_a_phrase_is_void(open_frame, phone, make_phone):
    frame = open_frame()
    link = frame.state["link"]
    frame.call("phrase", phrase=phone.phrase().phrase)
    with pytest.raises(Exception, match="used already") as refused:
        make_phone("Thief's").pair_link(link)
    assert refused.value.reason == "gone"


@pytest.mark.parametrize("phrase", ["", "  ", "awkward turtle", "\0", "\u00e9" * 500])
def test_an_unknown_phrase_is_told_and_changes_nothing(open_frame, phrase):
    frame = open_frame()
    before = rows()
    response = call("phrase", frame.token, phrase=phrase)
    assert_refused(response, 404)
    assert rows() == {**before, "Tally": before["Tally"] + 1}  # the guess is counted
    assert frame.poll()["state"] == "pairing"


def test_a_pairing_that_the_phone_declined_can_be_tried_again(open_frame, phone):
    frame = open_frame()
    phone.decline(phone.offer(frame.state["link"]))
    assert frame.poll() == {"state": "unpaired"}
    assert frame.call("pair")["state"] == "pairing"
    phone.pair_link(frame.state["link"])
    assert frame.poll()["state"] == "paired"


def test_S29_a_link_that_ran_out_can_be_made_anew(open_frame, phone):
    frame = open_frame()
    link = frame.state["link"]
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll() == {"state": "unpaired"}
    assert frame.call("pair")["link"] != link


def test_S06_a_login_page_of_somebody_with_a_phone_pairs_no_other_by_phrase(open_frame, paired_phone, make_phone):
    """Who knows the password only must not add a phone of their own."""
    thief = make_phone("Thief's")
    frame = open_frame()
    response = call("phrase", frame.token, phrase=thief.phrase().phrase)
    assert 400 <= response.status_code < 500, response.content
    assert thief.pending().pairings == ()
    assert Pairing.objects.count() == 1


def test_S06_a_login_page_of_somebody_with_a_phone_pairs_no_other_by_link(open_frame, paired_phone):
    frame = open_frame()
    assert "link" not in frame.call("pair")
    assert Pairing.objects.count() == 1


@pytest.mark.parametrize("how", ["url", "page"])
def test_S06_a_page_without_inline_pairing_pairs_nothing_by_phrase(open_frame, paired_phone, make_phone, iframe, how):
    thief = make_phone("Thief's")
    url = authenticate_url(iframe, allow_inline_pairing=False)
    token = (
        open_frame(url).token
        if how == "url"
        else open_page(ticket_of(load("auth", terminal_name="PC"))).json()["token"]
    )
    assert 400 <= call("phrase", token, phrase=thief.phrase().phrase).status_code < 500
    assert thief.pending().pairings == ()


def test_S06_a_frame_that_waited_for_a_phone_pairs_none_once_the_user_has_one(open_frame, pair, phone, make_phone):
    frame = open_frame()
    pair(phone)
    thief = make_phone("Thief's")
    response = call("phrase", frame.token, phrase=thief.phrase().phrase)
    assert 400 <= response.status_code < 500, response.content
    assert thief.pending().pairings == ()


def offered(frame, phone, by):
    """What ``phone`` is offered by a login page that waits for one."""
    if by == "link":
        return phone.offer(frame.state["link"])
    frame.call("phrase", phrase=phone.phrase().phrase)
    return phone.pending().pairings[0]


def refusal(call, *arguments):
    """The reason for which a phone's call is refused, or what it returns."""
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_a_frame_that_waited_enables_no_phone_once_the_user_has_one(open_frame, pair, phone, make_phone, by):
    frame, thief = open_frame(), make_phone("Thief's")
    offer = offered(frame, thief, by)
    pair(phone)
    assert refusal(thief.pair, offer) in {"gone", "not_found"}
    assert [str(each.authenticator_id) for each in Pairing.objects.enabled()] == [phone.id]
    assert thief.pairings() == ()


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_of_two_first_phones_at_the_same_moment_one_is_paired(threaded_db, open_frame, iframe, make_phone, by):
    phones = [make_phone(), make_phone()]
    frames_ = [open_frame(), open_frame(authenticate_url(iframe, token="another login"))]
    offers = [offered(frame, phone, by) for frame, phone in zip(frames_, phones, strict=True)]
    outcomes = at_once(*[lambda n=n: refusal(phones[n].pair, offers[n]) == "gone" for n in (0, 1)])
    assert sorted(outcomes) == [False, True]
    assert Pairing.objects.enabled().count() == 1


def test_S06_after_a_reset_a_login_page_pairs_again(open_frame, paired_phone, make_phone, api):
    api.reset_user("alice")
    frame, second = open_frame(), make_phone("Second")
    assert frame.state["state"] == "pairing"
    second.pair_link(frame.state["link"])
    assert frame.call("ask")["state"] == "waiting"


# Errors that the requester must hear of


def deactivate(pair, phone, api):
    api.post(f"pairings/{pair(phone)}", deactivated=True)


def deny_pairing(phone, api):
    api.pair("alice", phone.phrase().phrase)
    phone.decline(phone.pending().pairings[0])


@pytest.mark.parametrize("page", ["auth", "authenticate"])
@pytest.mark.parametrize(
    ("before", "error"),
    [("nothing", UserUnknownError), ("removed", PairingDeactivatedError), ("denied", PairingNotAuthorizedError)],
)
def test_without_inline_pairing_the_requester_hears_what_is_wrong(pair, phone, api, iframe, page, before, error):
    if before == "removed":
        deactivate(pair, phone, api)
    elif before == "denied":
        deny_pairing(phone, api)
    inline = {"allow_inline_pairing": "False"} if page == "authenticate" else {}
    state = open_page(ticket_of(load(page, terminal_name="PC", **inline))).json()
    assert (state["state"], state["granted"]) == ("finished", False)
    assert state["postback"].keys() == ALWAYS | {"error_code", "error_message"}
    with pytest.raises(error) as told:
        iframe.validate_postback(state["postback"], TOKEN)
    assert told.value.code == error.code
    assert not AuthenticationRequest.objects.exists()


def test_the_page_auth_pairs_nobody_whatever_its_url_says(requester):
    state = open_page(ticket_of(load("auth", allow_inline_pairing="True", terminal_name="PC"))).json()
    assert state["postback"]["error_code"] == "705"
    assert not Pairing.objects.exists()


@pytest.mark.parametrize("page", ["auth", "authenticate"])
def test_of_a_disabled_user_the_requester_hears_704(paired_phone, api, iframe, page):
    api.disable_user("alice")
    state = open_page(ticket_of(load(page, terminal_name="PC"))).json()
    with pytest.raises(UserDisabledError):
        iframe.validate_postback(state["postback"], TOKEN)
    assert state["granted"] is False


def test_a_disabled_user_pairs_no_phone(api, open_frame, phone):
    frame = open_frame()
    api.disable_user("alice")
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    for reply in (frame.call("pair"), frame.call("phrase", phrase=phone.phrase().phrase)):
        assert (reply["state"], reply["postback"]["error_code"]) == ("finished", "704")
    assert Pairing.objects.count() == 1


@pytest.mark.parametrize("how", ["disabled", "reset"])
def test_S25_a_user_disabled_or_reset_while_the_page_waits_gets_no_yes(open_frame, paired_phone, api, how):
    frame = open_frame()
    question = frame.question(paired_phone)
    api.disable_user("alice") if how == "disabled" else api.reset_user("alice")
    with pytest.raises(Exception, match=r".") as refused:
        paired_phone.approve(question, frame.state["number"])
    assert refused.value.reason == "gone"
    assert frame.poll().get("granted") is not True
    reply = call("code", frame.token, code=paired_phone.code())
    if how == "disabled":
        assert reply.json()["postback"]["error_code"] == "704"
    else:
        assert 400 <= reply.status_code < 500
    assert frame.poll().get("granted") is not True


def test_of_a_computer_without_a_name_the_requester_hears_706(paired_phone, iframe):
    state = open_page(ticket_of(load("authenticate", requester_specified_terminal_id="unknown"))).json()
    assert_requester_hears(state, 706)
    with pytest.raises(TerminalUnknownError):
        iframe.validate_postback(state["postback"], TOKEN)
    assert not AuthenticationRequest.objects.exists()


def test_an_error_tells_the_metadata_too(paired_phone):
    opened = load("authenticate", requester_specified_terminal_id="unknown", requester_metadata="a=b")
    postback = open_page(ticket_of(opened)).json()["postback"]
    assert postback["requester_metadata"] == "a=b"
    assert postback["toopher_sig"] == sign_postback(postback, "secret", "python-php")


def test_of_what_the_site_may_not_do_the_requester_hears_403(requester, paired_phone):
    requester.permitted_challenge_required = False
    requester.save()
    state = open_page(ticket_of(load("authenticate", terminal_name="PC", challenge_required="True"))).json()
    assert_requester_hears(state, 403)
    assert not AuthenticationRequest.objects.exists()


@pytest.mark.parametrize("page", ["authenticate", "manage_user"])
def test_an_error_met_later_is_told_in_the_same_way(api, open_frame, iframe, page):
    frame = open_frame(manage_url(iframe) if page == "manage_user" else None)
    api.disable_user("alice")
    Pairing.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert_requester_hears(frame.call("pair"), 704)


@pytest.mark.parametrize("url", ["web/error.html", "web/authenticateweb/error.html", "web/web/error.html"])
def test_a_client_that_could_not_sign_its_url_is_shown_a_page(db, url):
    response = Client().get(f"/toopher/v1/{url}", {"message": "<b>anything</b> from anybody"}, secure=True)
    assert_is_error_page(response, 400)
    assert "anybody" not in response.content.decode()
    assert not response.cookies


# People with a list of codes and no phone


@pytest.fixture
def listed(api):
    """Alice has no phone, but a list of codes."""
    return api.post("users/activate_next_otp_list", user_name="alice", create_user_if_needed="True")["otp_list"]


def test_who_has_a_list_is_asked_for_a_code_and_not_for_a_phone(open_frame, listed):
    frame = open_frame()
    assert frame.state["state"] == "code"
    assert frame.poll()["state"] == "code"
    assert not Pairing.objects.exists()


def test_a_code_from_the_list_grants(open_frame, listed, iframe):
    frame = open_frame()
    state = frame.call("code", code=f"{listed[0][:4]} {listed[0][4:]}")
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="authentication_request")
    assert (postback["granted"], postback["reason_code"], postback["pairing_id"]) == ("true", "110", "")
    assert postback.keys() >= ROW | ALWAYS


def test_S23_a_wrong_code_from_a_list_counts_and_the_third_denies(open_frame, listed, iframe):
    frame = open_frame()
    wrong = next(code for code in ("00000000", "11111111") if code not in listed)
    for left in (2, 1):
        assert frame.call("code", code=wrong)["attempts_left"] == left
        assert frame.poll()["state"] == "code"
    frame.call("code", code=wrong)
    postback = iframe.validate_postback(frame.poll()["postback"], TOKEN)
    assert (postback["granted"], postback["reason_code"]) == ("false", "103")
    assert User.objects.get().failures == 3


def test_after_the_time_a_code_can_be_asked_for_again(open_frame, listed):
    frame = open_frame()
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll()["state"] == "late"
    assert frame.call("ask")["state"] == "code"
    assert frame.call("code", code=listed[0])["granted"] is True


@pytest.fixture
def used_up(listed):
    """Of alice's codes none is left."""
    for code in listed:
        assert otp_lists.spend(User.objects.get(), code)


@pytest.mark.parametrize("call_name", ["ask", "pair", "phrase"])
def test_S06_who_used_the_list_up_pairs_no_phone_with_the_password_alone(open_frame, used_up, phone, call_name):
    frame = open_frame()
    assert frame.state["state"] != "pairing"
    frame.call(call_name, phrase=phone.phrase().phrase)
    assert not Pairing.objects.exists()


def test_S06_a_pairing_that_a_password_began_is_void_once_there_was_a_list(api, phone, listed):
    api.post("pairings/create", user_name="alice", pairing_phrase=phone.phrase().phrase, only_first="True")
    for code in listed:
        otp_lists.spend(User.objects.get(), code)
    with pytest.raises(RefusedError):
        phone.pair(phone.pending().pairings[0])
    assert not Pairing.objects.enabled().exists()


def test_after_a_reset_by_support_who_used_the_list_up_pairs_again(open_frame, used_up, api):
    api.reset_user("alice")
    assert open_frame().state["state"] == "pairing"


@pytest.mark.parametrize("call_name", ["pair", "phrase"])
def test_S06_who_has_a_list_pairs_no_phone_with_the_password_alone(open_frame, listed, phone, call_name):
    frame = open_frame()
    frame.call(call_name, phrase=phone.phrase().phrase)
    assert not Pairing.objects.exists()
    assert phone.pending().pairings == ()


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_a_frame_that_waited_for_a_phone_pairs_none_once_the_user_has_a_list(open_frame, api, phone, by):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    link = frame.state["link"]
    if by == "phrase":
        frame.call("phrase", phrase=phone.phrase().phrase)
    api.post("users/activate_next_otp_list", user_name="alice")
    with pytest.raises(RefusedError):
        phone.pair_link(link) if by == "link" else phone.pair(phone.pending().pairings[0])
    assert not Pairing.objects.enabled().exists()


def test_S06_of_the_users_two_frames_neither_pairs_by_phrase_once_there_is_a_list(open_frame, api, phone):
    frame = open_frame()
    api.post("users/activate_next_otp_list", user_name="alice")
    assert_refused(call("phrase", frame.token, phrase=phone.phrase().phrase), 409)


# The management page


def test_the_management_page_tells_the_phones(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.state["state"] == "new"
    [told] = frame.state["phones"]
    assert (told["id"], told["name"], told["used"]) == (paired_phone.account().id, "Pixel", None)
    assert not AuthenticationRequest.objects.exists()


def test_S07_a_reset_by_the_site_closes_the_pages_on_which_phones_are_managed(open_frame, paired_phone, iframe, api):
    frame = open_frame(manage_url(iframe))
    here = frame.state["phones"][0]["id"]
    link = frame.call("pair")["link"]
    api.reset_user("alice")
    with pytest.raises(Exception, match=r".") as refused:
        paired_phone.pair_link(link)
    assert refused.value.reason == "gone"
    for name, fields in {"pair": {}, "remove": {"pairing": here}, "reset": {}}.items():
        assert frame.call(name, **fields)["reason"] == "gone"


def test_a_phone_paired_on_the_management_page_gives_a_pairing_postback(open_frame, phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.call("pair")["state"] == "pairing"
    phone.pair_link(frame.state["link"])
    state = frame.poll()
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="pairing", username="alice")
    assert postback.keys() == ALWAYS | {
        "resource_type", "id", "enabled", "pending", "pairing_user_id", "user_name",
        "user_toopher_authentication_enabled",
    }  # fmt: skip
    assert (postback["id"], postback["enabled"], postback["pending"]) == (phone.account().id, "true", "false")
    assert postback["pairing_user_id"] == str(User.objects.get().pk)


def test_a_first_phone_may_manage_what_it_was_paired_on(open_frame, phone, iframe):
    frame = open_frame(manage_url(iframe, only_first=True))
    phone.pair_link(frame.call("pair")["link"])
    assert frame.poll()["granted"]
    assert frame.call("rename", pairing=phone.account().id, name="Mine")["phones"][0]["name"] == "Mine"


def test_a_phone_removed_on_the_management_page_gives_a_pairing_postback(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    state = frame.call("remove", pairing=paired_phone.account().id)
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="pairing")
    assert (postback["enabled"], postback["pending"]) == ("false", "false")
    assert state["granted"] is True  # done, as it was wished
    assert paired_phone.pairings() == ()


def test_a_second_phone_is_paired_by_phrase_on_the_management_page(open_frame, paired_phone, make_phone, iframe):
    frame = open_frame(manage_url(iframe))
    second = make_phone("Second")
    assert frame.call("phrase", phrase=second.phrase().phrase)["state"] == "pairing"
    second.pair(second.pending().pairings[0])
    assert frame.poll()["postback"]["enabled"] == "true"
    assert Pairing.objects.filter(state="enabled").count() == 2


USER_ROW = {"resource_type", "id", "name", "toopher_authentication_enabled"}


def opted_out(requester):
    requester.permitted_opt_out = True
    requester.save()


def test_a_phone_can_be_renamed_for_this_site(open_frame, paired_phone, iframe, mailoutbox):
    frame = open_frame(manage_url(iframe))
    pairing = paired_phone.account().id
    state = frame.call("rename", pairing=pairing, name="  My\nwork phone ")
    assert (state["state"], state["phones"][0]["name"]) == ("managing", "My work phone")
    assert open_frame(manage_url(iframe)).state["phones"][0]["name"] == "My work phone"
    assert frame.call("rename", pairing=pairing, name="")["phones"][0]["name"] == "Pixel"


def test_S21_the_new_name_is_not_told_to_another_site(open_frame, pair, paired_phone, iframe, make_requester):
    make_requester("other", "other secret")
    elsewhere = pair(paired_phone, at="other")
    here = next(each.id for each in paired_phone.pairings() if each.id != elsewhere)
    open_frame(manage_url(iframe)).call("rename", pairing=here, name="Secret lover's phone")
    assert Pairing.objects.get(pk=elsewhere).phone_name == "Pixel"


@pytest.mark.parametrize("name", ["n" * 101, "a\0b", "a\u202eb"])
def test_S35_what_is_no_name_is_refused(open_frame, paired_phone, iframe, name):
    frame = open_frame(manage_url(iframe))
    assert_refused(call("rename", frame.token, pairing=paired_phone.account().id, name=name), 400)
    assert Pairing.objects.get().phone_name == "Pixel"


def test_S17_another_users_phone_is_not_renamed(open_frame, pair, phone, iframe):
    pairing = pair(phone, "bob")
    frame = open_frame(manage_url(iframe))
    assert_refused(call("rename", frame.token, pairing=pairing, name="Mine"), 404)
    assert Pairing.objects.get().phone_name == "Pixel"


def test_a_reset_gives_a_postback_of_the_user(open_frame, paired_phone, iframe, listed):
    frame = open_frame(manage_url(iframe))
    state = frame.call("reset")
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="requester_user", username="alice")
    assert postback.keys() == USER_ROW | ALWAYS
    assert (postback["id"], postback["toopher_authentication_enabled"]) == (str(User.objects.get().pk), "true")
    assert paired_phone.pairings() == ()
    assert not User.objects.get().pregenerated_codes.exists()


def test_where_the_site_allows_it_a_user_switches_off_and_on(open_frame, paired_phone, iframe, requester):
    opted_out(requester)
    frame = open_frame(manage_url(iframe))
    assert (frame.state["enabled"], frame.state["may_opt_out"]) == (True, True)
    for enabled in ("false", "true"):
        state = frame.call("switch", enabled=enabled)
        postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="requester_user")
        assert postback["toopher_authentication_enabled"] == enabled
        assert User.objects.get().toopher_authentication_enabled == (enabled == "true")


def test_where_the_site_does_not_allow_it_nobody_switches_off(open_frame, paired_phone, iframe):
    frame = open_frame(manage_url(iframe))
    assert frame.state["may_opt_out"] is False
    assert_refused(call("switch", frame.token, enabled="false"), 403)
    assert User.objects.get().toopher_authentication_enabled


def test_S08_a_password_alone_switches_nothing_off(open_frame, iframe, requester):
    opted_out(requester)
    frame = open_frame(manage_url(iframe, only_first=True))
    assert frame.state["may_opt_out"] is False
    assert_refused(call("switch", frame.token, enabled="false"), 403)
    assert User.objects.get().toopher_authentication_enabled


def test_a_user_whom_support_switched_off_can_switch_on_again(open_frame, paired_phone, iframe, api):
    api.disable_user("alice")
    frame = open_frame(manage_url(iframe))
    assert frame.state["enabled"] is False
    assert frame.call("switch", enabled="true")["postback"]["toopher_authentication_enabled"] == "true"


@pytest.mark.parametrize("enabled", ["", "yes", "False", "\0"])
def test_S35_what_is_neither_on_nor_off_is_refused(open_frame, paired_phone, iframe, requester, enabled):
    opted_out(requester)
    frame = open_frame(manage_url(iframe))
    assert_refused(call("switch", frame.token, enabled=enabled), 400)
    assert User.objects.get().toopher_authentication_enabled


@pytest.mark.parametrize("name", ["rename", "reset", "switch", "forget", "remove"])
def test_S05_a_login_page_manages_nothing(open_frame, paired_phone, requester, name):
    opted_out(requester)
    pairing = paired_phone.account().id
    fields = {"pairing": pairing, "automation": pairing, "name": "Mine", "enabled": "false"}
    assert_refused(call(name, open_frame().token, **fields), 404)
    assert Pairing.objects.get().phone_name == "Pixel"
    assert Pairing.objects.get().is_enabled
    assert User.objects.get().toopher_authentication_enabled


@pytest.mark.parametrize("of", ["another user", "another requester"])
def test_S17_the_management_page_removes_its_users_phones_only(open_frame, pair, phone, iframe, make_requester, of):
    if of == "another user":
        pairing = pair(phone, "bob")
    else:
        make_requester("other", "other secret")
        pairing = pair(phone, at="other")
    frame = open_frame(manage_url(iframe))
    assert_refused(call("remove", frame.token, pairing=pairing), 404)
    assert Pairing.objects.get(pk=pairing).is_enabled


@pytest.mark.parametrize("pairing", ["", "x", "\0", "00000000-0000-4000-8000-000000000000"])
def test_S35_what_is_no_phone_is_not_removed(open_frame, paired_phone, iframe, pairing):
    frame = open_frame(manage_url(iframe))
    assert call("remove", frame.token, pairing=pairing).status_code in {400, 404}
    assert Pairing.objects.get().is_enabled


def test_S05_a_login_page_removes_no_phone(open_frame, paired_phone):
    frame = open_frame()
    assert 400 <= call("remove", frame.token, pairing=paired_phone.account().id).status_code < 500
    assert Pairing.objects.get().is_enabled


@pytest.mark.parametrize("name", ["ask", "code"])
def test_S05_a_management_page_asks_nobody(open_frame, paired_phone, iframe, name):
    frame = open_frame(manage_url(iframe))
    assert_refused(call(name, frame.token, code=paired_phone.code()), 404)
    assert not AuthenticationRequest.objects.exists()
