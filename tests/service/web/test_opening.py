"""From the page to its frame: ticket, binder, token (PROTOCOL.md §3, SECURITY.md S31)."""

from __future__ import annotations

import time
from datetime import timedelta

from django.core.signing import TimestampSigner, b62_encode
from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.web.frames import opening
from tests.tables import table

from ..callers import at_once
from .pages import assert_refused, authenticate_url, load, load_url, open_page, poll, ticket_of


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


@table("binder", ["", "short", "b" * 15, "b" * 101])
def test_S31_a_binder_must_be_long_enough(requester, binder):
    assert_refused(open_page(ticket_of(load("authenticate")), binder), 400)
    assert not FrameRow.objects.exists()


@table(
    "forge",
    [lambda t: "", lambda t: "x", lambda t: t[:-1], lambda t: f"{t}A", lambda t: t * 50],
    ids=["none", "another", "too short", "too long", "many times"],
)
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
    content = opening._content(ticket_of(load("authenticate")))
    assert open_page(old(content, opening._TICKET_SALT, opening.TICKET_AGE - 5)).status_code == 200
    assert_refused(open_page(old(content, opening._TICKET_SALT, opening.TICKET_AGE + 5)), 409)


def test_S31_a_frame_token_has_its_own_time(open_frame, paired_phone):
    open_frame()
    frame_id = FrameRow.objects.get().pk
    assert poll(old(frame_id, opening._TOKEN_SALT, opening.FRAME_AGE - 5)).status_code == 200
    assert_refused(poll(old(frame_id, opening._TOKEN_SALT, opening.FRAME_AGE + 5)), 401)


def test_S31_a_frame_ends_with_its_time(open_frame, paired_phone):
    """``Frame.expires`` is when it ends, whenever its token was made."""
    frame = open_frame()
    FrameRow.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert 400 <= poll(frame.token).status_code < 500


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
