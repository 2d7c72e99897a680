"""Links that remove a lost phone: REST, mail and the page (PROTOCOL.md §2.1, rows 6 to 8, and §5)."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from django_toopher.client import PairingDeactivatedError, PairingNotAuthorizedError
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Pairing, ResetLink, User, digest
from django_toopher.service.phones import reset_links
from tests.tables import table

from ..callers import ROOT, at_once, rows
from ..shapes import assert_error
from ..test_models import dump

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")

NOBODY = "00000000-0000-4000-8000-000000000000"
QUESTION = {"security_question": "Name of your first pet?", "security_answer": "Rex the Dog"}


@pytest.fixture
def pairing(pair, phone):
    """The id of alice's pairing with ``phone``."""
    return pair(phone)


@pytest.fixture
def url(api, pairing):
    """A link without a question."""
    return api.get_pairing_reset_link(pairing)


@pytest.fixture
def asking_url(api, pairing):
    """A link with a question."""
    return api.get_pairing_reset_link(pairing, **QUESTION)


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def token_of(url):
    return parse_qs(urlsplit(url).query)["reset_authorization"][0]


def open_page(url):
    return Client().get(path_of(url), secure=True)


def confirm(url, **fields):
    return Client(enforce_csrf_checks=True).post(path_of(url), fields, secure=True)


def is_enabled():
    return Pairing.objects.get().is_enabled


def assert_page_says(response, status, words):
    page = response.content.decode()
    assert response.status_code == status, page
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert re.search(rf'id="error"[^>]*>[^<]*{words}', page), page


# Making a link


def test_a_link_has_the_address_that_clients_know(url, pairing):
    assert re.fullmatch(rf"{ROOT}/pairings/{pairing}/reset\?reset_authorization=[\w-]{{43}}", url)


def test_S29_a_token_has_256_bits_and_no_two_are_alike(api, pairing):
    tokens = {token_of(api.get_pairing_reset_link(pairing)) for _ in range(5)}
    assert len(tokens) == 5
    assert reset_links.TOKEN_BYTES * 8 >= 128


def test_S29_only_the_digest_of_a_token_is_stored(url):
    assert ResetLink.objects.get().token_digest == digest(token_of(url))
    assert token_of(url) not in dump()


def test_S34_the_answer_is_not_readable_in_the_database(asking_url):
    assert "rexthedog" not in re.sub(r"\s", "", dump().lower())


def test_making_a_link_changes_nothing_else(url):
    assert is_enabled()


@table(
    "fields",
    [
        {"security_question": "Pet?"},
        {"security_answer": "Rex"},
        {"security_question": "Pet?", "security_answer": " \t"},
        {"security_question": " ", "security_answer": "Rex"},
        {"security_question": "q" * 256, "security_answer": "Rex"},
        {"security_question": "Pet?", "security_answer": "a" * 256},
        {"security_question": "Pet\0?", "security_answer": "Rex"},
    ],
)
def test_S35_a_question_that_can_not_be_asked_makes_no_link(caller, pairing, fields):
    before = rows()
    assert_error(caller.post(f"pairings/{pairing}/generate_reset_link", **fields), 400, 400)
    assert rows() == before


@table("fields", [{}, {"security_question": "", "security_answer": ""}, {"security_question": " "}])
def test_blank_questions_are_none(caller, pairing, fields):
    assert caller.post(f"pairings/{pairing}/generate_reset_link", **fields).status_code == 200
    assert (ResetLink.objects.get().question, ResetLink.objects.get().answer) == ("", "")


@table("call", ["generate_reset_link", "send_reset_link"])
@table(
    ("state", "error"),
    [
        ("pending", PairingNotAuthorizedError),
        ("denied", PairingNotAuthorizedError),
        ("deactivated", PairingDeactivatedError),
    ],
)
def test_a_pairing_that_is_not_enabled_gets_no_link(api, pairing, state, error, call):
    Pairing.objects.update(state=state)
    with pytest.raises(error):
        api.post(f"pairings/{pairing}/{call}", reset_email="alice@example.com")
    assert not ResetLink.objects.exists()
    assert mail.outbox == []


@table("call", ["generate_reset_link", "send_reset_link"])
def test_S21_another_requesters_pairing_gets_no_link(make_requester, make_api, pairing, call):
    make_requester("other", "other secret")
    with pytest.raises(Exception, match="No such pairing") as refused:
        make_api("other", "other secret").post(f"pairings/{pairing}/{call}", reset_email="mallory@example.com")
    assert refused.value.status == 404
    assert mail.outbox == []


# Sending it


def link_in(message):
    return re.search(r"https://\S+", message.body).group()


def test_a_link_is_mailed_as_text_and_HTML(api, pairing, requester):
    api.email_pairing_reset_link_to_user(pairing, "alice@example.com")
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert requester.name in message.subject
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    for text in (message.body, html):
        assert link_in(message) in text
        assert "24 hours" in text
        assert "Pixel" in text


def test_the_mailed_link_works(api, pairing):
    api.email_pairing_reset_link_to_user(pairing, "alice@example.com")
    assert confirm(link_in(mail.outbox[0])).status_code == 200
    assert not is_enabled()


def test_sending_answers_an_empty_object(caller, pairing):
    response = caller.post(f"pairings/{pairing}/send_reset_link", reset_email="alice@example.com")
    assert (response.status_code, response.json()) == (200, {})


@table(
    "address",
    ["", " ", "alice", "alice@", "@example.com", "a b@example.com", "alice@example.com\nBcc: m@example.com", "\0",
     "alice@example.com, mallory@example.com", f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.com"],
)  # fmt: skip
def test_S35_an_address_that_is_none_gets_no_mail(caller, pairing, address):
    before = rows()
    assert_error(caller.post(f"pairings/{pairing}/send_reset_link", reset_email=address), 400, 400)
    assert rows() == before
    assert mail.outbox == []
    assert User.objects.get().email == ""


def test_a_mail_server_that_fails_is_told_clearly_and_leaves_no_link(monkeypatch, caller, pairing):
    def fail(message):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    response = caller.post(f"pairings/{pairing}/send_reset_link", reset_email="alice@example.com")
    assert_error(response, 502, 502, "The mail could not be sent.")
    assert not ResetLink.objects.exists()
    assert User.objects.get().email == ""


# The page


def test_S29_opening_a_link_changes_nothing(url):
    for _ in range(3):
        response = open_page(url)
        assert response.status_code == 200
    assert is_enabled()
    assert ResetLink.objects.get().used is None


def test_the_page_says_which_phone_of_whom_and_where(url, requester):
    page = open_page(url).content.decode()
    for text in ("Pixel", "alice", requester.name):
        assert text in page


def test_the_page_escapes_what_others_chose(make_phone, pair, api):
    pairing = pair(make_phone("<script>alert(1)</script>"), "<b>alice</b>")
    url = api.get_pairing_reset_link(pairing, security_question="<i>Pet?", security_answer="Rex")
    page = open_page(url).content.decode()
    assert not re.search("<script>|<b>alice|<i>Pet", page)


def test_confirming_removes_the_phone(url, phone):
    response = confirm(url)
    assert response.status_code == 200
    assert "The phone was removed" in response.content.decode()
    assert phone.pairings() == ()
    assert Pairing.objects.get().state == Pairing.State.DEACTIVATED


def test_confirming_removes_no_other_phone(url, pair, make_phone):
    other = pair(make_phone())
    confirm(url)
    assert Pairing.objects.get(pk=other).is_enabled


def test_after_a_reset_the_old_phone_is_asked_no_more(url, api, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    question = phone.pending().requests[0]
    confirm(url)
    assert phone.pending().requests == ()
    with pytest.raises(RefusedError):
        phone.approve(question, asked.number)


def test_S29_a_link_works_once(url):
    confirm(url)
    for response in (confirm(url), open_page(url)):
        assert_page_says(response, 409, "used already")


def test_S29_a_link_is_over_with_its_pairing(api, url, pairing):
    api.post(f"pairings/{pairing}", deactivated=True)
    for response in (confirm(url), open_page(url)):
        assert_page_says(response, 409, "removed in another way")


def test_S29_another_link_of_the_same_pairing_is_over_too(api, url, pairing):
    other = api.get_pairing_reset_link(pairing)
    confirm(url)
    assert_page_says(confirm(other), 409, "used already")


def test_S29_a_link_lasts_24_hours(url):
    lasts = ResetLink.objects.get().expires - timezone.now()
    assert timedelta(hours=23, minutes=59) < lasts <= timedelta(hours=24)


def test_S29_a_link_is_over_with_its_time(url):
    ResetLink.objects.update(expires=timezone.now())
    for response in (confirm(url), open_page(url)):
        assert_page_says(response, 409, "too old")
    assert is_enabled()


def test_the_time_of_a_link_is_a_setting(settings, api, pairing):
    settings.TOOPHER_SERVICE_RESET_LINK_AGE = 7200
    api.email_pairing_reset_link_to_user(pairing, "alice@example.com")
    assert ResetLink.objects.get().expires <= timezone.now() + timedelta(hours=2)
    assert "2 hours" in mail.outbox[0].body


@table("token", ["", "x", "abcde", "\0", "%00", "\ufffd", "a" * 5000])
@table("method", ["get", "post"])
def test_S35_a_forged_token_removes_nothing(url, pairing, token, method):
    response = getattr(Client(), method)(
        f"/toopher/v1/pairings/{pairing}/reset", query_params={"reset_authorization": token}, secure=True
    )
    assert_page_says(response, 404, "not valid")
    assert is_enabled()


def test_S29_a_token_is_good_for_its_own_pairing_only(url, pair, make_phone):
    other = pair(make_phone())
    response = confirm(f"{ROOT}/pairings/{other}/reset?reset_authorization={token_of(url)}")
    assert_page_says(response, 404, "not valid")
    assert Pairing.objects.filter(state="enabled").count() == 2


def test_a_page_without_a_token_or_of_nobody_is_not_valid(pairing, url):
    assert_page_says(Client().get(f"/toopher/v1/pairings/{pairing}/reset", secure=True), 404, "not valid")
    assert_page_says(open_page(f"{ROOT}/pairings/{NOBODY}/reset?reset_authorization={token_of(url)}"), 404, "not valid")


@table("method", ["put", "patch", "delete", "options"])
def test_S35_other_methods_do_nothing(url, method):
    assert getattr(Client(), method)(path_of(url), secure=True).status_code == 405
    assert is_enabled()


@table("state", ["asked", "done", "refused"])
def test_S31_nobody_frames_the_page_and_it_runs_no_script(url, state):
    response = {"asked": open_page, "done": confirm, "refused": lambda url: open_page(f"{url}x")}[state](url)
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", response.content.decode())


# The question


def test_the_page_asks_the_question(asking_url):
    page = open_page(asking_url).content.decode()
    assert QUESTION["security_question"] in page
    assert 'name="answer"' in page
    assert "Rex" not in page


def test_the_page_asks_for_no_answer_without_a_question(url):
    assert 'name="answer"' not in open_page(url).content.decode()


@table("answer", ["Rex the Dog", "rex the dog", " REX\tTHE  DOG ", "RexTheDog", "\uff32ex the dog"])
def test_case_and_white_space_of_the_answer_do_not_matter(asking_url, answer):
    assert confirm(asking_url, answer=answer).status_code == 200
    assert not is_enabled()


@table("fields", [{}, *[{"answer": wrong} for wrong in ("", "Rex", "Rex the Cat", "\0", "r" * 5000)]])
def test_S29_a_wrong_or_missing_answer_removes_nothing_and_can_be_corrected(asking_url, fields):
    assert_page_says(confirm(asking_url, **fields), 403, "not the answer")
    assert is_enabled()
    assert confirm(asking_url, answer="Rex the Dog").status_code == 200
    assert not is_enabled()


def test_S29_wrong_answers_are_limited(asking_url):
    for _ in range(ResetLink.MOST_FAILURES):
        confirm(asking_url, answer="wrong")
    for response in (confirm(asking_url, answer="Rex the Dog"), open_page(asking_url)):
        assert_page_says(response, 409, "too many wrong answers")
    assert is_enabled()


def test_S29_the_last_try_still_counts(asking_url):
    for _ in range(ResetLink.MOST_FAILURES - 1):
        confirm(asking_url, answer="wrong")
    assert confirm(asking_url, answer="Rex the Dog").status_code == 200


def test_S29_answers_tried_at_once_are_limited_too(threaded_db, asking_url):
    more = ResetLink.MOST_FAILURES + 4
    statuses = [each.status_code for each in at_once(*[lambda: confirm(asking_url, answer="wrong")] * more)]
    assert sorted(statuses) == [403] * ResetLink.MOST_FAILURES + [409] * 4
    assert ResetLink.objects.get().failures == ResetLink.MOST_FAILURES


# At once


def test_S29_of_two_confirmations_at_once_one_removes_the_phone(threaded_db, url):
    responses = at_once(*[lambda: confirm(url)] * 5)
    assert sorted(each.status_code for each in responses) == [200] + [409] * 4
    assert not is_enabled()


def test_S29_of_two_links_used_at_once_one_removes_the_phone(threaded_db, api, url, pairing):
    other = api.get_pairing_reset_link(pairing)
    responses = at_once(lambda: confirm(url), lambda: confirm(other))
    assert sorted(each.status_code for each in responses) == [200, 409]
    assert ResetLink.objects.filter(used__isnull=False).count() == 1
