"""A person's page: how things stand here and at the service; nothing is edited by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from datetime import timezone as zones

from django.utils import timezone

from django_toopher import connection
from django_toopher.models import ToopherAccount
from django_toopher.service.models import AuthenticationRequest, Automation, User

from .desk import ACCOUNTS, act, told


def test_accounts_are_neither_made_nor_edited_by_hand(people, support):
    assert support.get(f"{ACCOUNTS}add/").status_code == 403
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert support.get(page).status_code == 200
    support.post(page, {"name": "bob", "enabled": "", "paired": "", "toopher_user_id": "x"})
    alice = ToopherAccount.objects.get(pk=people["alice"].pk)
    assert (alice.name, alice.enabled, alice.paired) == ("alice", True, True)


def test_a_persons_page_shows_what_the_service_says_now(people, support, settings):
    alice = people["alice"]
    connection.api().authenticate("alice", "the secret id", "Log In", terminal_name="Laptop")
    asked = AuthenticationRequest.objects.select_related("user", "terminal").get()
    Automation.objects.create(
        user=asked.user, terminal=asked.terminal, terminal_digest=asked.terminal.extra_digest, action=asked.action,
        pairing=asked.user.pairings.get(), answer="allow", expires=timezone.now() + timedelta(days=1),
        network="192.0.2.0/24", last_used=datetime(2026, 1, 31, 23, 30, tzinfo=zones.utc),
    )  # fmt: skip
    settings.TIME_ZONE = "Asia/Tokyo"
    page = support.get(f"{ACCOUNTS}{alice.pk}/change/").content.decode()
    for shown in ("Laptop", "192.0.2.0/24", "Manage phones", "The second factor is on.", "Feb. 1, 2026, 8:30 a.m."):
        assert shown in page
    assert "<td>yes</td>" in page
    assert "UTC" not in page
    assert "the secret id" not in page


def test_S45_a_persons_page_shows_what_makes_them_wait_and_support_lifts_it(people, support):
    alice, soon = people["alice"], timezone.now() + timedelta(days=1)
    assert "What makes them wait" not in support.get(f"{ACCOUNTS}{alice.pk}/change/").content.decode()
    User.objects.filter(name="alice").update(failures=42, reported_until=soon)
    page = support.get(f"{ACCOUNTS}{alice.pk}/change/").content.decode()
    for shown in ("What makes them wait", "<td>42</td>", "Reported as not theirs", "Lift the wait"):
        assert shown in page
    assert told(act(support, "lift", alice)) == {"alice": ("done", "")}
    assert User.objects.get(name="alice").failures == 0


def test_a_person_who_never_used_it_has_a_page_without_raw_values(people, support):
    page = support.get(f"{ACCOUNTS}{people['carol'].pk}/change/").content.decode()
    assert ">None<" not in page


def test_a_persons_page_says_where_the_service_disagrees(people, support):
    User.objects.filter(name="alice").update(toopher_authentication_enabled=False)
    page = support.get(f"{ACCOUNTS}{people['alice'].pk}/change/").content.decode()
    assert "That is not what is known here" in page


def test_a_persons_page_survives_a_service_that_is_down(people, support, elsewhere):
    elsewhere.will_answer(b"<html>", 500)
    response = support.get(f"{ACCOUNTS}{people['alice'].pk}/change/")
    assert response.status_code == 200
    page = response.content.decode()
    assert "The service did not answer as it should" in page
    assert "Manage phones" in page
    assert len(elsewhere.received) == 1  # who does not answer once is not asked more


def test_the_account_of_a_deleted_user_has_a_page(people, support):
    page = f"{ACCOUNTS}{people['alice'].pk}/change/"
    assert "The account stays" not in support.get(page).content.decode()
    people["alice"].user.delete()
    assert "The account stays" in support.get(page).content.decode()
    assert "alice (deleted)" in support.get(ACCOUNTS).content.decode()
    for deleted, names in {"0": ["bob", "carol"], "1": ["alice"], "2": ["alice", "bob", "carol"]}.items():
        found = support.get(f"{ACCOUNTS}?deleted={deleted}").context["cl"].result_list
        assert [account.name for account in found] == names
    assert told(act(support, "reset", people["alice"]))["alice"] == ("done", "")
