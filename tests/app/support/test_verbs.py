"""Support's verbs, for one person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.utils import timezone

from django_toopher import connection
from django_toopher.client import RequestRefusedError, ServiceUnavailableError
from django_toopher.models import ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import verbs
from tests.tables import table

from ..acts import known, pair
from .desk import there


@pytest.mark.parametrize(("verb", "enabled"), [("disable", False), ("enable", True)])
def test_the_switch_is_the_same_here_and_at_the_service(verb, enabled, account, api):
    if enabled:
        verbs.carry_out(verbs.VERBS["disable"], account, api)
    before = account.generation
    verbs.carry_out(verbs.VERBS[verb], account, api)
    assert (account.enabled, there("alice").toopher_authentication_enabled) == (enabled, enabled)
    assert account.generation == before + 1


@pytest.mark.parametrize(("verb", "reason"), [("enable", "already_enabled"), ("disable", "already_disabled")])
def test_who_is_as_wanted_already_is_skipped(verb, reason, account, api):
    if verb == "disable":
        verbs.carry_out(verbs.VERBS["disable"], account, api)
    before = known(account)
    with pytest.raises(verbs.SkippedError) as caught:
        verbs.carry_out(verbs.VERBS[verb], account, api)
    assert caught.value.reason == reason
    assert known(account) == before


def test_who_seems_to_be_as_wanted_is_switched_where_the_service_says_otherwise(account, api):
    User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    verbs.carry_out(verbs.VERBS["enable"], account, api)
    assert there("alice").toopher_authentication_enabled


def test_somebody_whom_the_service_does_not_know_is_made_known(make_account, api):
    carol = make_account("carol")
    verbs.carry_out(verbs.VERBS["disable"], carol, api)
    assert not there("carol").toopher_authentication_enabled
    assert carol.toopher_user_id == str(there("carol").pk)


def test_an_id_that_the_service_does_not_know_any_more_is_found_by_name(account, api):
    ToopherAccount.objects.update(toopher_user_id="00000000-0000-4000-8000-000000000000")
    account.refresh_from_db()
    verbs.carry_out(verbs.VERBS["disable"], account, api)
    assert not there("alice").toopher_authentication_enabled
    assert account.toopher_user_id == str(there("alice").pk)


def test_a_reset_removes_the_phones(account, api):
    verbs.reset(account, api)
    assert (account.paired, account.pairing_id, account.device) == (False, "", "")
    assert not there("alice").pairings.enabled().exists()


def test_S23_a_reset_forgets_the_wrong_codes_and_passwords(account, api):
    account.failures, account.blocked_until = 100, timezone.now() + timedelta(days=3650)
    account.save()
    verbs.reset(account, api)
    account.refresh_from_db()
    assert (account.failures, account.blocked_until) == (0, None)


def test_a_reset_skips_who_has_no_phone(make_account, api):
    with pytest.raises(verbs.SkippedError, match="no_phone"):
        verbs.reset(make_account("carol"), api)


def test_a_reset_finds_the_phone_that_is_not_known_here(account, api):
    ToopherAccount.objects.update(paired=False, pairing_id="")
    account.refresh_from_db()
    verbs.reset(account, api)
    assert not there("alice").pairings.enabled().exists()


def test_a_reset_link_is_mailed_and_nothing_else_changes(account, api):
    before, mails = known(account), len(mail.outbox)
    verbs.carry_out(verbs.VERBS["send_reset_link"], account, api)
    [sent] = mail.outbox[mails:]
    assert sent.to == ["alice@example.com"]
    assert "/reset?reset_authorization=" in sent.body
    assert known(account) == before
    assert there("alice").pairings.enabled().count() == 1


def test_no_reset_link_without_an_address(account, api):
    account.user.email = ""
    with pytest.raises(verbs.SkippedError, match="no_email"):
        verbs.carry_out(verbs.VERBS["send_reset_link"], account, api)


def test_no_reset_link_without_a_phone(make_account, api):
    with pytest.raises(verbs.SkippedError, match="no_phone"):
        verbs.carry_out(verbs.VERBS["send_reset_link"], make_account("carol"), api)


def test_a_refresh_takes_over_what_the_service_says(account, api):
    ToopherAccount.objects.update(enabled=False, paired=False, pairing_id="", device="", toopher_user_id="")
    account.refresh_from_db()
    verbs.refresh(account, api)
    pairing = there("alice").pairings.get()
    assert (account.enabled, account.paired, account.pairing_id) == (True, True, str(pairing.pk))
    assert (account.device, account.toopher_user_id) == ("Pixel", str(there("alice").pk))


def test_a_refresh_notices_that_the_phone_is_gone(account, api):
    api.reset_user("alice")
    verbs.refresh(account, api)
    assert not account.paired


def test_a_refresh_that_finds_nothing_new_voids_nothing(account, api, staff):
    verbs.refresh(account, api)
    before = known(account)
    verbs.refresh(account, api, staff)
    assert known(account) == before
    assert not LogEntry.objects.exists()


def test_an_empty_service_does_not_make_people_forget_their_phones(account, api):
    User.objects.all().delete()
    with pytest.raises(verbs.UnknownPersonError):
        verbs.refresh(account, api)
    assert ToopherAccount.objects.get().paired


def test_the_next_phones_name_takes_the_place_of_the_last_ones(account, api, make_phone, make_computer, computer):
    verbs.refresh(account, api)
    assert account.device == "Pixel"
    api.reset_user("alice")
    ToopherAccount.objects.update(paired=False)
    pair(make_computer(), make_phone("Nokia"))
    account.refresh_from_db()
    assert account.device == "Nokia"


@table("verb", ["enable", "disable", "reset", "send_reset_link", "refresh"])
def test_S16_a_service_that_is_down_changes_nothing_here(verb, account, elsewhere, staff, heard):
    elsewhere.forget()
    before = known(account)
    elsewhere.will_answer(b"", 500)
    with pytest.raises(ServiceUnavailableError):
        verbs.carry_out(verbs.VERBS[verb], account, connection.api(), staff)
    assert known(account) == before
    assert (LogEntry.objects.count(), heard) == (0, [])


@table("verb", ["enable", "disable", "reset", "send_reset_link", "refresh"])
def test_S16_a_service_that_refuses_changes_nothing_here(verb, account, elsewhere):
    elsewhere.forget()
    before = known(account)
    elsewhere.will_answer({"error_code": 401, "error_message": "Not a valid OAuth signed request"}, 401)
    with pytest.raises(RequestRefusedError):
        verbs.carry_out(verbs.VERBS[verb], account, connection.api())
    assert known(account) == before


def test_S45_a_lift_ends_every_wait_here_and_at_the_service(account, api):
    soon = timezone.now() + timedelta(days=1)
    ToopherAccount.objects.update(failures=7, blocked_until=soon)
    User.objects.update(failures=90, blocked_until=soon, reported_until=soon)
    account.refresh_from_db()
    before = account.generation
    verbs.carry_out(verbs.VERBS["lift"], account, api)
    assert (account.failures, account.blocked_until) == (0, None)
    assert (there("alice").failures, there("alice").reported_until) == (0, None)
    assert account.generation == before  # nobody's second factor has changed


@table("where", ["here", "there"])
def test_S45_a_lift_needs_a_wait_in_one_place_only(where, account, api):
    (ToopherAccount if where == "here" else User).objects.update(failures=7)
    account.refresh_from_db()
    verbs.carry_out(verbs.VERBS["lift"], account, api)
    with pytest.raises(verbs.SkippedError, match="no_wait"):
        verbs.carry_out(verbs.VERBS["lift"], account, api)


def test_S45_of_somebody_whom_the_service_does_not_know_a_lift_ends_the_wait_here(make_account, api):
    carol = make_account("carol", failures=7)
    verbs.carry_out(verbs.VERBS["lift"], carol, api)
    assert carol.failures == 0


def test_S45_where_the_service_does_not_know_the_call_a_lift_ends_the_wait_here(make_account, elsewhere):
    carol = make_account("carol", failures=7, toopher_user_id="id")
    elsewhere.will_answer({"id": "id", "name": "carol", "disable_toopher_auth": False})
    elsewhere.will_answer({"error_code": 404, "error_message": "Not found."}, 404)
    verbs.carry_out(verbs.VERBS["lift"], carol, connection.api())
    assert carol.failures == 0


def test_S44_nobody_lifts_a_wait_of_their_own(helper, api):
    own = ToopherAccount.objects.create(user=helper, name="helper", failures=7)
    with pytest.raises(verbs.SkippedError, match="yourself"):
        verbs.carry_out(verbs.VERBS["lift"], own, api, helper)
    own.refresh_from_db()
    assert own.failures == 7
