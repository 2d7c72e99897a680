"""Who must pass a second factor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.utils import timezone

from django_toopher import policy
from django_toopher.models import ToopherAccount
from tests.tables import table


@pytest.fixture
def request_(rf: RequestFactory):
    return rf.get("/")


@pytest.fixture
def account(alice):
    return ToopherAccount.objects.create(user=alice, name="alice")


@pytest.fixture
def person(alice):
    """Alice as a request has her: read from the database."""
    return type(alice).objects.get()


def save(account, **changes):
    ToopherAccount.objects.filter(pk=account.pk).update(**changes)


@pytest.mark.parametrize("paired", [False, True])
def test_optional_asks_who_has_a_phone(paired, person, account, request_):
    save(account, paired=paired)
    assert policy.is_due(person, request_) is paired
    assert policy.demands(person, request_) is False


def test_optional_asks_nobody_without_an_account(person, request_):
    assert policy.is_due(person, request_) is False


@pytest.mark.parametrize("paired", [False, True])
def test_required_asks_everybody(paired, person, account, request_, settings):
    settings.TOOPHER_POLICY = "required"
    save(account, paired=paired)
    assert policy.is_due(person, request_) is True
    assert policy.demands(person, request_) is True


@table("is_staff", [False, True])
@table("paired", [False, True])
def test_a_callable_decides_about_those_without_a_phone(paired, is_staff, person, account, request_, settings):
    person.refresh_from_db()
    settings.TOOPHER_POLICY = "tests.app.policies.staff_only"
    save(account, paired=paired)
    person.is_staff = is_staff
    assert policy.is_due(person, request_) is (is_staff or paired)
    assert policy.demands(person, request_) is is_staff


def test_a_callable_gets_the_request(person, rf, settings):
    settings.TOOPHER_POLICY = "tests.app.policies.by_path"
    assert policy.is_due(person, rf.get("/?strict")) is True
    assert policy.is_due(person, rf.get("/")) is False


@table("setting", ["optional", "required", "tests.app.policies.staff_only"])
@table("opt_out", [False, True])
def test_a_disabled_user_is_exempt_where_opting_out_is_allowed(setting, opt_out, person, account, request_, settings):
    person.refresh_from_db()
    settings.TOOPHER_POLICY = setting
    settings.TOOPHER_ALLOW_OPT_OUT = opt_out
    person.is_staff = True
    save(account, paired=True, enabled=False)
    assert policy.is_due(person, request_) is not opt_out


@pytest.mark.parametrize("setting", ["staff", "superusers", "group:Treasurers"])
def test_a_rule_asks_those_whom_it_names(setting, person, account, request_, settings):
    settings.TOOPHER_POLICY = setting
    assert policy.is_due(person, request_) is False
    person.is_staff = setting == "staff"
    person.is_superuser = setting == "superusers"
    if setting.startswith("group:"):
        person.groups.add(Group.objects.create(name="Treasurers"))
    assert policy.is_due(person, request_) is True
    settings.TOOPHER_POLICY = ["optional", "tests.app.policies.staff_only", setting]
    assert policy.is_due(person, request_) is True


def test_a_superuser_is_in_a_group_only_when_put_there(person, account, request_, settings):
    settings.TOOPHER_POLICY = "group:Treasurers"
    person.is_superuser = True
    assert policy.is_due(person, request_) is False


@pytest.mark.parametrize("name", ["silent", "eventual", "broken"])
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_callable_that_does_not_answer_lets_nobody_in(name, person, account, request_, settings):
    settings.TOOPHER_POLICY = f"tests.app.policies.{name}"
    with pytest.raises(policy.PolicyError, match=name):
        policy.is_due(person, request_)


def test_the_days_of_grace_begin_when_the_user_is_first_seen(person, request_, settings):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    person.date_joined = timezone.now() - timedelta(days=1000)
    assert policy.is_due(person, request_) is False
    ends = ToopherAccount.objects.get().created + timedelta(days=14)
    assert policy.grace(person, request_) == ends


def test_grace_is_for_those_whom_the_policy_wants(person, account, request_, settings):
    settings.TOOPHER_GRACE_DAYS = 14
    assert policy.grace(person, request_) is None
    settings.TOOPHER_POLICY = "required"
    assert policy.grace(person, request_) is not None
    save(account, paired=True)
    person.refresh_from_db()
    assert policy.grace(person, request_) is None
    assert policy.is_due(person, request_) is True


@pytest.mark.parametrize("setting", ["optional", "required", "tests.app.policies.staff_only"])
def test_it_costs_one_query_at_most(setting, person, account, request_, settings, django_assert_max_num_queries):
    settings.TOOPHER_POLICY = setting
    with django_assert_max_num_queries(1):
        policy.is_due(person, request_)
