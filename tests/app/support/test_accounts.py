"""Accounts of many users, as support's lists need them."""

from __future__ import annotations

from django_toopher.models import ToopherAccount


def test_users_get_their_accounts_in_few_statements(make_user, django_assert_max_num_queries):
    users = [make_user(f"u{number}") for number in range(20)]
    ToopherAccount.objects.for_user(users[0])
    model = type(users[0])
    with django_assert_max_num_queries(6):
        assert ToopherAccount.objects.for_users(model.objects.all()).count() == 20
    assert {account.name for account in ToopherAccount.objects.all()} == {user.username for user in users}


def test_S12_of_many_users_who_takes_over_a_name_gets_another(alice, make_user):
    ToopherAccount.objects.for_user(alice)
    alice.username = "alicia"
    alice.save()
    second = make_user("alice")
    accounts = ToopherAccount.objects.for_users(type(alice).objects.all())
    assert {(account.user, account.name) for account in accounts} == {
        (alice, "alice"),
        (second, f"alice ({second.pk})"),
    }


def test_last_use_comes_with_the_accounts(account, computer, phone):
    before = ToopherAccount.objects.with_last_use().get().used
    computer.log_in(phone)
    used = ToopherAccount.objects.with_last_use().get().used
    assert used == account.last_used
    assert used > before
