"""Who is out of whose reach, and who hears of what was done to whom."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.utils import timezone

from django_toopher import signals
from django_toopher.models import ToopherAccount
from django_toopher.support import verbs
from tests.tables import table

from ..acts import known
from .desk import there


@table("verb", ["enable", "disable", "reset", "send_reset_link"])
def test_S16_only_a_superuser_acts_on_a_superuser(verb, account, api, helper):
    account.user.is_superuser = True
    account.user.save()
    before = known(account)
    with pytest.raises(verbs.SkippedError, match="superuser"):
        verbs.carry_out(verbs.VERBS[verb], account, api, helper)
    assert known(account) == before
    assert there("alice").pairings.enabled().count() == 1


def test_S16_a_superuser_acts_on_another(account, api, staff):
    account.user.is_superuser = True
    account.user.save()
    verbs.carry_out(verbs.VERBS["disable"], account, api, staff)
    assert not account.enabled


@table("verb", ["disable", "reset", "send_reset_link"])
@table("is_superuser", [False, True])
def test_S16_nobody_brings_down_their_own_second_factor(verb, is_superuser, account, api, helper):
    account.user.is_superuser = is_superuser
    account.user.save()
    account.user.user_permissions.set(helper.user_permissions.all())
    before, mails = known(account), len(mail.outbox)
    with pytest.raises(verbs.SkippedError, match="yourself"):
        verbs.carry_out(verbs.VERBS[verb], account, api, account.user)
    assert there("alice").toopher_authentication_enabled
    assert (known(account), len(mail.outbox)) == (before, mails)


@table("verb", ["enable", "disable", "reset", "send_reset_link"])
def test_S44_who_became_a_superuser_meanwhile_is_one(verb, account, api, helper):
    type(helper).objects.filter(pk=account.user.pk).update(is_superuser=True)
    before = known(account)
    with pytest.raises(verbs.SkippedError, match="superuser"):
        verbs.carry_out(verbs.VERBS[verb], account, api, helper)
    assert known(account) == before


@table("news", [{"is_superuser": False}, {"is_active": False}, None])
@table("verb", verbs.VERBS)
def test_S44_who_may_not_any_more_does_nothing(verb, news, account, api, staff, helper):
    by = staff if news else helper
    assert by.has_perm(f"django_toopher.{verbs.VERBS[verb].permission}")  # this object keeps that in mind
    if news:
        type(by).objects.filter(pk=by.pk).update(**news)
    else:
        type(by).objects.get(pk=by.pk).user_permissions.clear()
    before = known(account)
    with pytest.raises(verbs.SkippedError, match="not_allowed"):
        verbs.carry_out(verbs.VERBS[verb], account, api, by)
    assert known(account) == before


def test_S44_a_superuser_who_is_none_any_more_acts_on_none(account, api, helper):
    account.user.is_superuser = True
    account.user.save()
    helper.is_superuser = True  # as it was when this object was read
    with pytest.raises(verbs.SkippedError, match="superuser"):
        verbs.carry_out(verbs.VERBS["disable"], account, api, helper)


@pytest.mark.parametrize("verb", ["disable", "reset"])
def test_a_command_acts_on_anybody(verb, account, api):
    account.user.is_superuser = True
    account.user.save()
    verbs.carry_out(verbs.VERBS[verb], account, api)
    assert (account.enabled and account.paired) is False


def test_the_signals_say_who_did_it_to_whom(account, api, staff, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        verbs.carry_out(verbs.VERBS["disable"], account, api, staff)
        verbs.carry_out(verbs.VERBS["enable"], account, api)
        verbs.reset(account, api, staff)
    assert heard == [
        ("disabled", account, account.user, staff),
        ("enabled", account, account.user, None),
        ("reset", account, account.user, staff),
    ]


def test_a_receiver_that_fails_undoes_nothing(account, api, django_capture_on_commit_callbacks):
    def fail(**kwargs):
        raise RuntimeError

    signals.disabled.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            verbs.carry_out(verbs.VERBS["disable"], account, api)
    finally:
        signals.disabled.disconnect(fail)
    assert not ToopherAccount.objects.get().enabled


def test_S16_the_admin_log_names_who_whom_and_when(account, api, staff):
    before = timezone.now()
    verbs.carry_out(verbs.VERBS["disable"], account, api, staff)
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (
        staff,
        str(account.pk),
        "second factor disabled",
    )
    assert before <= entry.action_time <= timezone.now()
    assert entry.get_edited_object() == account
