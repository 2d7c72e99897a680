"""The page that a reset link leads to (SECURITY.md S29)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Pairing, ResetLink
from django_toopher.service.phones import reset_links
from tests.tables import table

from ...callers import ROOT, at_once
from .acts import assert_page_says, confirm, is_enabled, open_page, path_of, token_of

pytestmark = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer")


NOBODY = "00000000-0000-4000-8000-000000000000"


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


def test_S29_a_mail_says_how_long_its_link_holds(monkeypatch, api, pairing):
    monkeypatch.setattr(reset_links, "LINK_AGE", 7200)
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
