"""The lists: found, filtered, sorted, and as quick with many rows as with few."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.utils import timezone

from django_toopher.models import Attempt, SupportRun, ToopherAccount
from tests.tables import table

from ..acts import Statements
from .desk import ACCOUNTS, ATTEMPTS, RUNS


def test_the_lists_show_people_and_find_them(people, support):
    page = support.get(f"{ACCOUNTS}?q=alice").content.decode()
    assert "alice" in page
    assert "bob" not in page
    assert support.get(f"{ATTEMPTS}?q=alice&outcome=granted").status_code == 200


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(people, support, make_user):
    def fill(count):
        users = [get_user_model()(username=f"u{count}-{number}") for number in range(count)]
        get_user_model().objects.bulk_create(users)
        ToopherAccount.objects.bulk_create(
            [ToopherAccount(user=each, name=each.username, name_digest=each.username) for each in users]
        )
        SupportRun.objects.bulk_create([SupportRun(verb="enable", by=each) for each in users])
        common = {"generation": 0, "action": "Log In", "expires": timezone.now(), "outcome": "granted"}
        Attempt.objects.bulk_create(
            [Attempt(user=each, username=each.username, token_digest=each.username, **common) for each in users]
        )

    def queries(page: str) -> int:
        with Statements() as statements:
            assert support.get(page).status_code == 200
        return len(statements.queries)

    fill(10)
    lists = [ACCOUNTS, ATTEMPTS, RUNS]
    support.get(ACCOUNTS)  # the session's first request has more to do
    few = [queries(page) for page in lists]
    fill(490)
    assert [queries(page) for page in lists] == few
    assert max(few) < 12


FILTERS = ["enabled__exact=0", "paired__exact=1", "used=30", "used=90", "used=old", "used=never", "deleted=1"]


@table(("query", "names"), [*zip(FILTERS, ["bob", "alice", "alice", "alice", "bob", "carol", ""], strict=True)])
def test_the_list_is_filtered(query, names, people, support):
    ToopherAccount.objects.exclude(name="alice").update(paired=False)
    ToopherAccount.objects.filter(name="bob").update(enabled=False)
    Attempt.objects.filter(username="bob").update(finished="2020-01-01T00:00:00Z")
    shown = support.get(f"{ACCOUNTS}?{query}").context["cl"].result_list
    assert " ".join(account.name for account in shown) == names


@table("column", range(1, 6))
def test_the_list_is_sorted_by_each_column(column, people, support):
    assert support.get(f"{ACCOUNTS}?o={column}").status_code == 200


@table("query", ["alice", "alice@example.com", "{pairing}", "{user}"])
def test_people_are_found_by_name_address_and_ids(query, people, support):
    alice = people["alice"]
    query = query.format(pairing=alice.pairing_id, user=alice.toopher_user_id)
    assert [*support.get(f"{ACCOUNTS}?q={query}").context["cl"].result_list] == [alice]


@table("page", [ACCOUNTS, ATTEMPTS, RUNS])
def test_a_page_of_nobody_is_not_found(page, support):
    response = support.get(f"{page}00000000-0000-4000-8000-000000000000/change/", follow=True)
    assert response.status_code in {200, 404}  # the admin's own pages go back to its index
