"""Support: nothing without its permission."""

from __future__ import annotations

import logging

from django.contrib.auth.models import Permission

from django_toopher.models import SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import Pairing
from django_toopher.support import runs, verbs
from django_toopher.testing import verified_login
from tests.tables import table

from .means import ACCOUNTS, ATTEMPTS, PAGES, RUNS

pytestmark = PAGES


def _helper(make_user, browser, *permissions):
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    verified_login(browser.client, helper)
    return browser


def _rows():
    """What support's verbs change."""
    alice = ToopherAccount.objects.values().get(name="alice")
    return alice, SupportItem.objects.values().get(), Pairing.objects.values().get()


@table("verb", verbs.VERBS)
def test_S16_without_its_permission_nothing_is_done(verb, account, make_user, browser):
    others = [each.permission for name, each in verbs.VERBS.items() if name != verb]
    helper = _helper(make_user, browser, "view_toopheraccount", "view_supportrun", "change_supportrun", *others)
    run = runs.create(verbs.VERBS[verb], [account])
    before = _rows()
    helper.post(ACCOUNTS, {"action": f"toopher_{verb}", "_selected_action": [account.pk]})
    assert helper.post(f"{ACCOUNTS}{account.pk}/support/", {"verb": verb}).status_code == 403
    for press in ("confirm", "step", "retry", "discard"):
        assert helper.post(f"{RUNS}{run.pk}/change/", {"press": press}).status_code in {403, 404}
    assert helper.get(f"{ATTEMPTS}export/").status_code == 403
    assert _rows() == before
    assert SupportRun.objects.count() == 1


def test_S16_with_it_the_action_is_done_and_logged(account, make_user, browser, caplog):
    caplog.set_level(logging.INFO)
    helper = _helper(make_user, browser, "view_toopheraccount", "disable_account")
    page = helper.post(ACCOUNTS, {"action": "toopher_disable", "_selected_action": [account.pk]})["Location"]
    for press in ("confirm", "step"):
        helper.post(page.partition("#")[0], {"press": press})
    assert not ToopherAccount.objects.get(name="alice").enabled
    assert SupportRun.objects.get().by_name == "helper"
    assert [item.outcome for item in SupportItem.objects.all()] == ["done"]
