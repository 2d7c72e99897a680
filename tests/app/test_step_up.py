"""Views that must be confirmed: what the person is asked, and what is carried out."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import AsyncClient
from django.utils import timezone
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_toopher import session as session_keys
from django_toopher import step_ups
from django_toopher.models import Attempt, RecoveryCode, ToopherAccount
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing
from tests.drivers import Frame, attribute
from tests.service.callers import at_once

from .acts import outcomes, pair, reason_of, signed
from .step_up_urls import SEEN
from .ways import confirmed_form

pytestmark = pytest.mark.urls("tests.app.step_up_urls")

STEP_UP = "/accounts/step-up/"
HELD = "toopher_held"


@pytest.fixture(autouse=True)
def seen():
    """What the views were given in this test."""
    SEEN.clear()
    return SEEN


@pytest.fixture
def alices(account, computer, phone):
    """Alice's browser, logged in with password and phone."""
    computer.log_in(phone)
    return computer


class Page:
    """A page that asks for a confirmation: what it holds, and how it is answered."""

    def __init__(self, computer, response):
        assert response.status_code == 200, response.content.decode()
        self.computer, self.text = computer, response.content.decode()
        self.way = attribute(self.text, "data-step-up")

    @property
    def action(self):
        return self.text.partition('class="toopher-action">')[2].partition("<")[0]

    @property
    def arguments(self):
        return json.loads(attribute(self.text, "framework_post_args"))

    @property
    def held(self):
        return attribute(self.text.partition('name="toopher_held"')[2], "value")

    @property
    def ticket(self):
        return self.text.partition("/cancel/")[0].rpartition("/")[2]

    @property
    def target(self):
        name = "toopher_postback" if self.way == "iframe" else "action"
        return attribute(self.text, name)

    def frame(self):
        return Frame.at(self.computer, attribute(self.text, "src"))

    def approved(self, phone):
        """What the iframe posts after a yes on the phone."""
        frame = self.frame()
        frame.approve(phone)
        return {**frame.poll()["postback"], **self.arguments}

    def denied(self, phone):
        frame = self.frame()
        frame.deny(phone)
        return {**frame.poll()["postback"], **self.arguments}

    def confirm(self, phone):
        return self.computer.post(self.target, self.approved(phone))

    def give_password(self, password="password"):
        return self.computer.post(self.target, {HELD: self.held, "toopher_password": password})


def asked(computer, path, fields=None, **extra):
    """Send the request; the page that asks."""
    return Page(computer, computer.get(path, **extra) if fields is None else computer.post(path, fields, **extra))


# A page


def test_a_page_is_shown_once_it_was_confirmed(alices, phone, seen):
    page = asked(alices, "/transfer/?to=bob&to=ines")
    assert (page.way, page.action, page.target) == ("iframe", "Transfer money", STEP_UP)
    assert seen == []
    response = page.confirm(phone)
    assert (response.status_code, response["Location"]) == (302, "/transfer/?to=bob&to=ines")
    assert alices.get("/transfer/?to=bob&to=ines").content == b"transferred"
    assert [(each["method"], each["path"]) for each in seen] == [("GET", "/transfer/?to=bob&to=ines")]


def test_the_page_is_kept_by_no_cache(alices):
    response = alices.get("/transfer/")
    assert "no-store" in response["Cache-Control"]


def test_S13_an_approval_shows_the_page_once(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert alices.get("/transfer/").content == b"transferred"
    assert Page(alices, alices.get("/transfer/")).way == "iframe"
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["/transfer/?to=eve", "/transfer/large/", "/secret/", "/transfer/?to=bob&x"])
def test_S13_the_approval_of_one_page_shows_no_other(path, alices, phone, seen):
    asked(alices, "/transfer/?to=bob").confirm(phone)
    assert Page(alices, alices.get(path)).way == "iframe"
    assert seen == []
    assert alices.get("/transfer/?to=bob").content == b"transferred"  # which is not spoiled by it


def test_S13_the_approval_of_a_page_carries_out_no_form(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert Page(alices, alices.post("/transfer/", {"amount": "1"})).way == "iframe"
    assert seen == []


def test_S13_an_approval_is_spent_in_the_database_and_not_in_the_session(alices, phone, seen, settings):
    """A session that is brought back, as one that lives in a cookie can be, spends it no second time."""
    asked(alices, "/transfer/").confirm(phone)
    granted = alices.client.session[session_keys.STEP_UP_GRANT]
    assert alices.get("/transfer/").content == b"transferred"
    session = alices.client.session
    session[session_keys.STEP_UP_GRANT] = granted
    session.save()
    response = alices.get("/transfer/")
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_a_view_that_takes_no_post_can_be_confirmed(alices, phone, seen):
    assert asked(alices, "/secret/").confirm(phone)["Location"] == "/secret/"
    assert alices.get("/secret/").content == b"secret"


# A form


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


def test_a_form_that_the_view_itself_protects_is_carried_out(account, phone, make_computer, seen):
    computer = make_computer()
    computer.log_in(phone)
    computer.client.handler.enforce_csrf_checks = True
    token = computer.client.cookies["csrftoken"].value if "csrftoken" in computer.client.cookies else ""
    token = token or attribute(computer.get("/accounts/phones/").content.decode(), "framework_post_args")
    token = json.loads(token)["csrfmiddlewaretoken"] if token.startswith("{") else token
    fields = {"csrfmiddlewaretoken": token, "a": "1"}
    headers = {"Referer": "https://testserver/"}
    page = Page(computer, computer.post("/protected-inside/", fields, headers=headers))
    assert computer.post(page.target, page.approved(phone), headers=headers).content == b"done"
    without = Page(computer, computer.post("/protected-inside/", {"a": "1"}, headers=headers))
    assert computer.post(without.target, without.approved(phone), headers=headers).status_code == 403
    assert [each["fields"][-1] for each in seen] == [("a", ["1"])]


# S13: that one request, at most once, unchanged


def test_S13_a_form_is_carried_out_once(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    assert alices.post(page.target, fields)["Location"] == "/members/"
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_S13_a_form_without_its_postback_is_not_carried_out(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    held = page.arguments[HELD]
    assert Page(alices, alices.post(page.target, {HELD: held})).way == "iframe"
    fields = page.approved(phone)
    assert Page(alices, alices.post(page.target, {HELD: held})).way == "iframe"
    assert alices.post(page.target, fields).status_code == 302
    response = alices.post(page.target, {HELD: held})
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


CHANGES = {
    "another form": lambda page, other: {HELD: other.arguments[HELD]},
    "no form": lambda page, other: {HELD: ""},
    "an altered form": lambda page, other: {HELD: page.arguments[HELD].replace(":", "a:", 1)},
    "garbage": lambda page, other: {HELD: "garbage"},
    "a field more": lambda page, other: {"amount": "1000"},
    "another answer": lambda page, other: {"granted": "true", "id": "x"},
    "a password": lambda page, other: {"toopher_password": "password"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_S13_nothing_else_is_carried_out_with_an_approval(change, alices, phone, seen):
    other = asked(alices, "/transfer/", {"amount": "1000"})
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    response = alices.post(page.target, {**fields, **change(page, other)})
    assert response.status_code == 403
    assert "Nothing was carried out." in response.content.decode()
    assert seen == []


@pytest.mark.parametrize("path", ["/transfer/?amount=2", "/transfer/large/", "/pay/bob/", "/protected-inside/"])
def test_S13_a_form_is_carried_out_at_its_own_address_only(path, alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(path, page.approved(phone))
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


def test_S13_fields_beside_the_form_never_reach_the_view(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = {**page.approved(phone), "csrfmiddlewaretoken": "x"}
    alices.post(page.target, fields)
    assert seen[0]["fields"] == [("amount", ["1"])]


def test_S13_files_beside_the_form_never_reach_the_view(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(page.target, {**page.approved(phone), "file": SimpleUploadedFile("x", b"x")})
    assert response.status_code == 302
    assert seen[0]["files"] == {}


def test_S13_the_words_must_be_the_same_when_it_is_carried_out(alices, phone, seen, monkeypatch):
    page = asked(alices, "/pay/Bob/", {"amount": "1"})
    fields = page.approved(phone)
    words = step_ups.Requirement.words
    monkeypatch.setattr(step_ups.Requirement, "words", lambda *args, **kwargs: words(*args, **kwargs) + "by")
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S13_the_approval_of_another_action_is_refused(fields, alices, phone, seen):
    page = asked(alices, "/transfer/", fields)
    response = alices.post(
        page.target, {**signed(_only_signed(page.approved(phone)), action_name="Log In"), **page.arguments}
    )
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert seen == []


def _only_signed(fields):
    return {name: value for name, value in fields.items() if name not in {HELD, "csrfmiddlewaretoken"}}


def test_S13_a_login_is_no_step_up(alices, phone, make_computer, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    other = make_computer()
    other.password()
    frame = other.open_iframe()
    frame.approve(phone)
    response = alices.post(page.target, {**frame.poll()["postback"], **page.arguments})
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert seen == []


def test_S13_a_step_up_is_no_login(alices, phone, make_computer):
    page = asked(alices, "/transfer/", {"amount": "1"})
    other = make_computer()
    other.password()
    response = other.post("/accounts/postback/", _only_signed(page.approved(phone)))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not other.is_logged_in()


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S13_another_session_of_the_same_person_can_use_no_approval(fields, alices, phone, make_computer, seen):
    page = asked(alices, "/transfer/", fields)
    other = make_computer()
    other.log_in(phone)
    response = other.post(page.target, page.approved(phone))
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert Page(other, other.get("/transfer/")).way == "iframe"
    assert seen == []


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S13_somebody_else_in_the_same_browser_can_use_no_approval(fields, alices, phone, make_user, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    alices.client.force_login(make_user("bob"))
    response = alices.post(page.target, posted)
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S13_after_logging_out_nothing_is_carried_out(fields, alices, phone, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    alices.client.logout()
    response = alices.post(page.target, posted)
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/transfer/")
    alices.log_in(phone)
    assert reason_of(alices.post(page.target, posted)) == "request_changed"
    assert seen == []


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S07_a_user_whom_support_has_reset_meanwhile_carries_nothing_out(fields, alices, phone, account, seen):
    page = asked(alices, "/transfer/", fields)
    posted = page.approved(phone)
    ToopherAccount.objects.update(generation=7)
    response = alices.post(page.target, posted)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert seen == []


def test_S07_a_page_is_not_shown_when_support_has_reset_the_user_after_the_approval(alices, phone, account, seen):
    asked(alices, "/transfer/").confirm(phone)
    ToopherAccount.objects.update(generation=7)
    assert reason_of(alices.get("/transfer/")) == "user_changed"
    assert seen == []


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S07_an_approval_from_before_a_change_verifies_no_session_after_it(fields, alices, phone, account, settings):
    settings.TOOPHER_EMBED = "native"
    page = asked(alices, "/transfer/", fields)
    phone.approve(phone.pending().requests[0], alices.get(f"{STEP_UP}{page.ticket}/status/").json()["number"])
    assert alices.get(f"{STEP_UP}{page.ticket}/status/").json()["granted"]
    before = account.generation
    account.change()
    response = alices.post(page.target, {HELD: page.held})
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert alices.client.session[session_keys.STAMP][0] == before


def test_S13_an_approval_that_comes_too_late_is_refused(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    Attempt.objects.filter(kind="step_up").update(expires=timezone.now())
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert seen == []


def test_S13_an_approved_page_is_not_shown_too_late(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    Attempt.objects.filter(kind="step_up").update(expires=timezone.now())
    assert reason_of(alices.get("/transfer/")) == "expired"
    assert seen == []


def test_S13_a_view_that_fails_is_not_carried_out_again(alices, phone, seen):
    alices.client.raise_request_exception = False
    page = asked(alices, "/fail/", {"a": "1"})
    fields = page.approved(phone)
    assert alices.post(page.target, fields).status_code == 500
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_S13_no_standing_answer_confirms_anything(alices, phone, seen):
    frame = asked(alices, "/transfer/", {"amount": "1"}).frame()
    assert frame.question(phone).automate == 0  # the phone offers none
    row = AuthenticationRequest.objects.get(action__name="Transfer money")
    Automation.objects.create(
        user=row.user,
        terminal=row.terminal,
        action=row.action,
        pairing=Pairing.objects.get(),
        answer=Automation.Answer.ALLOW,
        expires=timezone.now() + timedelta(days=1),
    )
    assert asked(alices, "/transfer/", {"amount": "2"}).frame().state["state"] == "waiting"
    assert seen == []


def test_a_no_on_the_phone_carries_nothing_out(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    response = alices.post(page.target, page.denied(phone))
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert "Nothing was carried out." in response.content.decode()
    assert attribute(response.content.decode().partition("toopher-primary")[2], "href") == "https://testserver/members/"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_turning_back_leads_to_where_the_request_came_from_and_voids_the_attempt(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    fields = page.approved(phone)
    cancel = attribute(page.text.partition("</iframe>")[2], "action")
    response = alices.post(cancel, {"back": "https://testserver/members/"})
    assert response["Location"] == "https://testserver/members/"
    assert reason_of(alices.post(page.target, fields)) == "expired"
    assert (seen, outcomes("step_up")) == ([], [("failed", "abandoned")])


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
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


def test_S10_a_path_that_names_another_site_stays_on_this_one(alices, phone, seen):
    path = "//evil.example/transfer/"  # a view for any path
    page = Page(alices, alices.client.get("/x", secure=True, PATH_INFO=path))
    assert page.confirm(phone)["Location"] == "/%2Fevil.example/transfer/"
    assert alices.client.get("/x", secure=True, PATH_INFO=path).content == b"transferred"
    form = Page(alices, alices.client.post("/x", {"a": "1"}, secure=True, PATH_INFO=path))
    assert attribute(form.text, "toopher_postback") == "/%2Fevil.example/transfer/"


def test_S13_an_approval_serves_the_host_that_asked(alices, phone, seen, settings):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    response = alices.post(page.target, fields, headers={"Host": "localhost", "Referer": "https://localhost/"})
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


def test_two_tabs_do_not_disturb_each_other(alices, phone, seen):
    first, second = (asked(alices, "/transfer/", {"amount": amount}) for amount in "12")
    assert second.confirm(phone).status_code == 302
    assert first.confirm(phone).status_code == 302
    assert [each["fields"] for each in seen] == [[("amount", ["2"])], [("amount", ["1"])]]


def test_S13_many_at_the_same_moment_carry_it_out_once(threaded_db, make_user, phone, make_computer, seen):
    make_user("alice")
    pair(make_computer(), phone)
    computer = make_computer()
    computer.log_in(phone)
    page = asked(computer, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    computers = [make_computer() for _ in range(20)]
    for each in computers:
        each.client.cookies = computer.client.cookies
    statuses = [
        each.status_code for each in at_once(*[lambda each=each: each.post(page.target, fields) for each in computers])
    ]
    assert sorted(statuses) == [302] + [403] * 19
    assert len(seen) == 1


names = st.sampled_from([HELD, "toopher_password", "toopher_sig", "session_token", "granted", "error_code", "x"])
values = st.one_of(st.text(max_size=30), st.sampled_from(["704", "true", "password", "a:b:c"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(names, st.one_of(values, st.lists(values, max_size=3)), max_size=5),
    path=st.sampled_from(["/transfer/", STEP_UP]),
    with_held=st.booleans(),
)
def test_S13_whatever_is_posted_carries_nothing_out_and_breaks_nothing(fields, path, with_held, alices, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    sent = {**fields, **({HELD: page.arguments[HELD]} if with_held else {})}
    response = alices.post(path, sent)
    assert response.status_code in {200, 403}
    if response.status_code == 200:
        assert Page(alices, response).way == "iframe"
    assert seen == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ticket=st.text(st.characters(exclude_characters="/?#\\", exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_S17_no_ticket_can_be_guessed(ticket, db, computer):
    for page in ("", "status/"):
        response = computer.get(f"/accounts/step-up/{quote(ticket, safe='')}/{page}")
        assert response.status_code in {403, 404}


# Who is asked, and when


def test_nobody_is_asked_before_logging_in(db, computer, seen):
    assert computer.get("/transfer/?a=1")["Location"] == "/accounts/login/?next=/transfer/%3Fa%3D1"
    assert computer.post("/transfer/").status_code == 302
    assert (seen, outcomes("step_up")) == ([], [])


def test_a_login_counts_for_as_long_as_the_view_says(alices, phone, seen):
    assert alices.get("/books/").content == b"books"
    age(alices, 601)
    assert asked(alices, "/books/").confirm(phone).status_code == 302
    assert alices.get("/books/").content == b"books"
    assert alices.get("/books/").content == b"books"
    assert alices.post("/books/").content == b"books"
    age(alices, 601)
    assert Page(alices, alices.get("/books/")).way == "iframe"


def age(computer, seconds):
    """Let time pass in the session."""
    session = computer.client.session
    for key in (session_keys.VERIFIED_AT,):
        session[key] -= seconds
    confirmed = session.get(session_keys.CONFIRMED, {})
    session[session_keys.CONFIRMED] = {action: when - seconds for action, when in confirmed.items()}
    session.save()


def test_the_yes_to_another_fixed_action_counts_too(alices, phone):
    age(alices, 601)
    asked(alices, "/secret/").confirm(phone)
    alices.get("/secret/")
    age(alices, 500)
    assert alices.get("/books/").content == b"books"


def test_S13_words_made_from_a_request_are_confirmed_for_themselves(alices, phone):
    asked(alices, "/look/?what=this").confirm(phone)
    assert alices.get("/look/?what=this").content == b"seen"
    assert alices.get("/look/?what=this&more=1").content == b"seen"  # the same words
    assert Page(alices, alices.get("/look/?what=that")).action == "Look at that"


def test_a_session_that_is_only_let_in_was_not_verified(make_user, make_computer, phone):
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    assert Page(computer, computer.get("/books/")).way == "password"


def test_who_says_yes_is_verified_from_then_on(account, phone, make_computer, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    computer = make_computer()
    computer.client.force_login(account.user)
    key = computer.client.cookies["sessionid"].value
    asked(computer, "/transfer/", {"a": "1"}).confirm(phone)
    assert session_keys.VERIFIED in computer.client.session
    assert computer.client.cookies["sessionid"].value != key


@pytest.mark.parametrize("words", ["x" * 256, "a\x00b", "a\x1bb", "a\u202eb", "a\u200bb", "\ue000"], ids=ascii)
def test_words_that_a_phone_would_not_show_as_they_are_are_refused(words, alices, seen):
    response = alices.post("/pay/Bob/", {"amount": words})
    assert (response.status_code, reason_of(response)) == (400, "unusable_action")
    assert (seen, outcomes("step_up")) == ([], [])


def test_a_reset_by_support_ends_what_was_confirmed(alices, phone, settings):
    settings.TOOPHER_SESSION_CHECK = 1
    asked(alices, "/look/?what=this").confirm(phone)
    assert alices.get("/look/?what=this").content == b"seen"
    ToopherAccount.objects.update(generation=7)
    stamp = alices.client.session[session_keys.STAMP]
    session = alices.client.session
    session[session_keys.STAMP] = [stamp[0], 0]
    session.save()
    assert alices.get("/look/?what=this").content != b"seen"


def test_a_phone_that_is_paired_on_the_way_confirms(make_user, make_computer, phone, settings, seen):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    settings.TOOPHER_POLICY = "required"
    computer = make_computer()
    computer.client.force_login(make_user("bob"))
    page = asked(computer, "/transfer/", {"a": "1"})
    frame = page.frame()
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    response = computer.post(page.target, {**frame.poll()["postback"], **page.arguments})
    assert (response.status_code, len(seen)) == (302, 1)


def test_words_that_are_translated_later_are_words():
    assert step_ups.Requirement(gettext_lazy("Sign in")).words() == "Sign in"


@pytest.mark.parametrize("action", [7, None, lambda: None, lambda: b"Pay"])
def test_what_is_no_text_is_no_action(action):
    with pytest.raises(ImproperlyConfigured, match="must be a text"):
        step_ups.Requirement(action).words()


@pytest.mark.parametrize("words", ["", " \n"])
def test_no_words_are_refused(words):
    with pytest.raises(step_ups.UnusableActionError):
        step_ups.Requirement(lambda: words).words()


def test_blanks_in_the_words_are_no_lines(alices):
    assert asked(alices, "/pay/Bob/", {"amount": "1\n\n  2"}).action == "Pay 1 2 € to Bob"


# Without a phone


@pytest.fixture
def bobs(make_user, make_computer):
    """The browser of somebody who has no phone, and needs none."""
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    return computer


def test_an_exempt_user_confirms_by_password(bobs, seen):
    page = asked(bobs, "/pay/Ines/", {"amount": "1"})
    assert (page.way, page.action) == ("password", "Pay 1 € to Ines")
    assert page.give_password().content == b"paid Ines"
    assert outcomes("step_up") == [("granted", "")]
    assert session_keys.VERIFIED not in bobs.client.session


def test_an_exempt_user_confirms_a_page_by_password(bobs, seen):
    page = asked(bobs, "/secret/")
    assert page.give_password()["Location"] == "/secret/"
    assert bobs.get("/secret/").content == b"secret"


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S08_a_password_given_elsewhere_verifies_no_session(fields, bobs, seen):
    page = asked(bobs, "/transfer/", fields)
    assert bobs.post(f"{STEP_UP}{page.ticket}/status/", {"password": "password"}).json()["granted"]
    assert bobs.post(page.target, {HELD: page.held}).status_code == 302
    assert session_keys.VERIFIED not in bobs.client.session
    bobs.post("/accounts/phones/codes/")
    assert not RecoveryCode.objects.exists()


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_a_wrong_password_is_asked_again_and_carries_nothing_out(fields, bobs, seen):
    page = asked(bobs, "/transfer/", fields)
    again = Page(bobs, page.give_password("wrong"))
    assert (again.way, "That password is wrong" in again.text, seen) == ("password", True, [])
    assert again.give_password().status_code == 302
    assert outcomes("step_up") == [("failed", "wrong_password"), ("granted", "")]


def test_passwords_can_not_be_guessed_for_long(bobs, seen):
    page = asked(bobs, "/transfer/", {"amount": "1"})
    for _ in range(step_ups.PASSWORDS):
        page = Page(bobs, page.give_password("wrong"))
    response = page.give_password()
    assert (response.status_code, reason_of(response)) == (429, "too_many_passwords")
    assert seen == []
    Attempt.objects.update(finished=timezone.now() - step_ups.PASSWORD_WINDOW)
    assert asked(bobs, "/transfer/", {"amount": "1"}).give_password().status_code == 302


def test_passwords_that_are_guessed_at_the_same_moment_are_counted_one_by_one(
    threaded_db, make_user, make_computer, seen
):
    make_user("bob")
    computer = make_computer()
    computer.password("bob")
    pages = [asked(computer, "/transfer/", {"amount": "1"}) for _ in range(20)]
    computers = [make_computer() for _ in pages]
    for each in computers:
        each.client.cookies = computer.client.cookies
    guesses = [
        lambda each=each, page=page: each.post(page.target, {HELD: page.held, "toopher_password": "wrong"})
        for each, page in zip(computers, pages, strict=True)
    ]
    statuses = [response.status_code for response in at_once(*guesses)]
    assert sorted(statuses) == [200] * step_ups.PASSWORDS + [429] * (20 - step_ups.PASSWORDS)
    assert outcomes("step_up").count(("failed", "wrong_password")) == step_ups.PASSWORDS


def test_S13_who_has_a_phone_can_not_confirm_by_password(alices, seen):
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(page.target, {HELD: page.arguments[HELD], "toopher_password": "password"})
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert seen == []


def test_who_was_switched_off_by_support_confirms_by_password(alices, account, seen):
    ToopherAccount.objects.update(enabled=False)
    assert asked(alices, "/transfer/", {"amount": "1"}).give_password().status_code == 302


def test_who_was_switched_off_is_refused_where_nobody_may_opt_out(alices, phone, embedded_api, settings, seen):
    settings.TOOPHER_ALLOW_OPT_OUT = False
    embedded_api.disable_user("alice")
    ToopherAccount.objects.update(enabled=False)
    page = asked(alices, "/transfer/", {"amount": "1"})
    response = alices.post(page.target, {**page.frame().state["postback"], **page.arguments})
    assert (response.status_code, reason_of(response), seen) == (403, "disabled", [])


def test_who_has_no_password_is_told_to_pair_a_phone(make_user, make_computer, seen):
    bob = make_user("bob")
    bob.set_unusable_password()
    bob.save()
    computer = make_computer()
    computer.client.force_login(bob)
    page = asked(computer, "/transfer/", {"amount": "1"})
    assert "/accounts/phones/" in page.text
    assert Page(computer, page.give_password("")).way == "password"
    assert seen == []


def test_a_password_that_is_hashed_anew_ends_no_session(bobs, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    assert asked(bobs, "/transfer/", {"amount": "1"}).give_password().status_code == 302
    assert bobs.get("/members/").status_code == 200


# The service is down


@pytest.mark.parametrize("fields", [None, {"amount": "1"}], ids=["page", "form"])
def test_S15_nothing_is_carried_out_while_the_service_is_down(fields, alices, request, settings, seen):
    settings.TOOPHER_FAIL_OPEN = True  # which is for logins
    request.getfixturevalue("elsewhere").will_send()  # hangs up
    response = alices.get("/transfer/") if fields is None else alices.post("/transfer/", fields)
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert seen == []


# Classes, coroutines, transactions


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


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_S13_only_safe_methods_pass_where_forms_are_shown(method, alices, seen):
    response = getattr(alices.client, method)("/form/", secure=True)
    assert (response.status_code, response.json()["action"]) == (403, "Send the form")
    assert seen == []


def test_S13_a_transaction_that_would_take_the_approval_back_is_refused(alices, seen, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(ImproperlyConfigured, match="non_atomic_requests"):
        alices.post("/post-decorated/", {"a": "1"})
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


def test_S13_with_atomic_requests_a_view_that_fails_is_undone_but_its_approval_is_spent(
    threaded_db, make_user, phone, make_computer, seen, monkeypatch
):
    make_user("alice")
    pair(make_computer(), phone)
    computer = make_computer()
    computer.log_in(phone)
    computer.client.raise_request_exception = False
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    page = asked(computer, "/fail/", {"a": "1"})
    fields = page.approved(phone)
    assert computer.post(page.target, fields).status_code == 500
    assert not Group.objects.exists()
    assert Attempt.objects.get(kind="step_up").spent
    assert reason_of(computer.post(page.target, fields)) == "expired"
    assert len(seen) == 1


# On our own page


@pytest.fixture
def native(settings):
    settings.TOOPHER_EMBED = "native"


@pytest.mark.parametrize("embed", ["native", "redirect"])
def test_without_an_iframe_our_own_page_shows_the_number(embed, alices, phone, seen, settings):
    settings.TOOPHER_EMBED = embed
    page = asked(alices, "/pay/Bob/", {"amount": "1"})
    assert (page.way, seen) == ("native", [])
    number = page.text.partition('id="toopher_number">')[2].partition("<")[0]
    again = Page(alices, alices.post(page.target, {HELD: page.held}))  # too early
    assert number in again.text
    phone.approve(phone.pending().requests[0], number.replace(" ", ""))
    assert alices.get(attribute(again.text, "data-poll")).json()["state"] == "granted"
    assert alices.post(again.target, {HELD: again.held}).content == b"paid Bob"
    assert reason_of(alices.post(page.target, {HELD: page.held})) == "expired"
    assert len(seen) == 1
    assert Attempt.objects.get(kind="step_up").method == "phone"


def test_a_no_carries_nothing_out_without_an_iframe_either(alices, native, phone, seen):
    page = asked(alices, "/pay/Bob/", {"amount": "1"})
    phone.deny(phone.pending().requests[0])
    assert reason_of(alices.post(page.target, {HELD: page.held})) == "denied"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_a_page_is_confirmed_without_an_iframe_too(alices, native, phone, seen):
    page = asked(alices, "/secret/")
    number = page.text.partition('id="toopher_number">')[2].partition("<")[0]
    phone.approve(phone.pending().requests[0], number.replace(" ", ""))
    assert alices.post(page.target, {HELD: page.held})["Location"] == "/secret/"
    assert alices.get("/secret/").content == b"secret"


# The records


def test_the_admin_shows_what_was_confirmed(alices, phone, staff, make_computer):
    asked(alices, "/pay/Bob/", {"amount": "300"}).confirm(phone)
    admin = make_computer()
    admin.client.force_login(staff)
    text = admin.get("/admin/django_toopher/attempt/?kind__exact=step_up").content.decode()
    assert "Pay 300 € to Bob" in text
    detail = admin.get(f"/admin/django_toopher/attempt/{Attempt.objects.get(kind='step_up').pk}/change/")
    assert "step-up" in detail.content.decode()
    assert Attempt.objects.get(kind="step_up").request_digest not in detail.content.decode()


def test_S18_no_secret_of_a_form_is_kept(alices, phone, caplog):
    page = asked(alices, "/transfer/", {"password": "a-very-secret-password"})
    page.confirm(phone)
    kept = str([*Attempt.objects.values()]) + str(dict(alices.client.session)) + caplog.text
    assert "a-very-secret-password" not in kept
    assert page.held if page.way != "iframe" else page.arguments[HELD] not in kept


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


def test_S13_a_spent_approval_proves_nothing_a_second_time(alices, phone):
    path, fields = confirmed_form(alices, phone)
    assert alices.post(path, fields).status_code == 302
    kept = alices.client.session
    kept[session_keys.VERIFIED_AT] -= 500
    kept.save()
    assert reason_of(alices.post(path, {HELD: fields[HELD]})) == "expired"
    assert alices.client.session[session_keys.VERIFIED_AT] == kept[session_keys.VERIFIED_AT]
