"""Who sits at the support desk, and the people who need it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from django_toopher.models import ToopherAccount
from tests.factories import account_with, verified


@pytest.fixture
def support(staff, computer):
    """The computer of somebody who may do everything."""
    return verified(computer, staff)


@pytest.fixture
def people(make_user, make_phone):
    """Alice and bob, each with a phone, and carol, whom the service does not know yet; their accounts by name."""
    for name in ("alice", "bob"):
        account_with(make_phone(name), make_user(name))
    ToopherAccount.objects.create(user=make_user("carol"), name="carol")
    return {account.name: account for account in ToopherAccount.objects.all()}


@pytest.fixture
def make_helper(make_user, make_computer):
    """Makes support people with some permissions; their computers."""

    def make(*permissions, name="helper"):
        helper = make_user(name, is_staff=True)
        helper.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        computer = make_computer()
        computer.client.force_login(helper)
        computer.user = helper
        return computer

    return make
