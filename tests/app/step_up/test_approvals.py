"""An approval is for one request: carried out at most once, unchanged, at its own address (SECURITY.md S13)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_toopher.service.models import AuthenticationRequest, Automation, Pairing
from django_toopher.session import state as session_keys
from django_toopher.step_up.requirement import Requirement
from tests.app.acts import reason_of, signed
from tests.app.ways import confirmed_form
from tests.factories import account_with, verified
from tests.service.callers import at_once
from tests.tables import table, undone

from .pages import HELD, STEP_UP, Page, asked, both, only_signed

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


@pytest.fixture
def page(alices):
    """Asks whether one euro is to be transferred."""
    return asked(alices, "/transfer/", {"amount": "1"})


@pytest.fixture
def approved(page, phone):
    """What the iframe posts there after the yes."""
    return page.approved(phone)


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


@pytest.fixture
def other(alices):
    """Asks whether a thousand are."""
    return asked(alices, "/transfer/", {"amount": "1000"})


@table("change", CHANGES.values(), ids=CHANGES)
def test_S13_nothing_else_is_carried_out_with_an_approval(change, alices, other, page, approved, seen):
    response = alices.post(page.target, {**approved, **change(page, other)})
    assert response.status_code == 403
    assert "Nothing was carried out." in response.content.decode()
    assert seen == []


@table("path", ["/transfer/?amount=2", "/transfer/large/", "/pay/bob/", "/protected-inside/"])
def test_S13_a_form_is_carried_out_at_its_own_address_only(path, alices, approved, seen):
    response = alices.post(path, approved)
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
    words = Requirement.words
    monkeypatch.setattr(Requirement, "words", lambda *args, **kwargs: words(*args, **kwargs) + "by")
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


@both
def test_S13_the_approval_of_another_action_is_refused(fields, alices, phone, seen):
    page = asked(alices, "/transfer/", fields)
    response = alices.post(
        page.target, {**signed(only_signed(page.approved(phone)), action_name="Log In"), **page.arguments}
    )
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert seen == []


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
    response = other.post("/accounts/postback/", only_signed(page.approved(phone)))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not other.is_logged_in()


def test_S13_an_approval_serves_the_host_that_asked(alices, phone, seen, settings):
    page = asked(alices, "/transfer/", {"amount": "1"})
    fields = page.approved(phone)
    response = alices.post(page.target, fields, headers={"Host": "localhost", "Referer": "https://localhost/"})
    assert (response.status_code, reason_of(response)) == (403, "request_changed")
    assert seen == []


def test_S13_a_view_that_fails_is_not_carried_out_again(alices, phone, seen):
    alices.client.raise_request_exception = False
    page = asked(alices, "/fail/", {"a": "1"})
    fields = page.approved(phone)
    assert alices.post(page.target, fields).status_code == 500
    response = alices.post(page.target, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_S13_a_spent_approval_proves_nothing_a_second_time(alices, phone):
    path, fields = confirmed_form(alices, phone)
    assert alices.post(path, fields).status_code == 302
    kept = alices.client.session
    kept[session_keys.VERIFIED_AT] -= 500
    kept.save()
    assert reason_of(alices.post(path, {HELD: fields[HELD]})) == "expired"
    assert alices.client.session[session_keys.VERIFIED_AT] == kept[session_keys.VERIFIED_AT]


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


def test_S13_many_at_the_same_moment_carry_it_out_once(threaded_db, make_user, phone, make_computer, seen):
    account = account_with(phone, make_user("alice"))
    computer = verified(make_computer(), account.user)
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


# Whatever is made up


names = st.sampled_from([HELD, "toopher_password", "toopher_sig", "session_token", "granted", "error_code", "x"])
values = st.one_of(st.text(max_size=30), st.sampled_from(["704", "true", "password", "a:b:c"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(names, st.one_of(values, st.lists(values, max_size=3)), max_size=5),
    path=st.sampled_from(["/transfer/", STEP_UP]),
    with_held=st.booleans(),
)
def test_S13_whatever_is_posted_carries_nothing_out_and_breaks_nothing(fields, path, with_held, alices, page, seen):
    sent = {**fields, **({HELD: page.arguments[HELD]} if with_held else {})}
    with undone():
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
