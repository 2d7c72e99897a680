"""What an operator sees of the service in the admin: everything, quickly, and no secret."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from django_toopher.service.api import representations
from django_toopher.service.models import (
    Action,
    Alarm,
    AuthenticationRequest,
    Authenticator,
    Automation,
    Pairing,
    Requester,
    Terminal,
    User,
    digest,
)
from tests.tables import table

LISTS = ["requester", "user", "authenticator", "pairing", "authenticationrequest", "automation", "alarm"]


def populate(requester, count, prefix="user"):
    """As many users, each with a phone, a terminal and a question."""
    now = timezone.now()
    names = [f"{prefix}{number}" for number in range(count)]
    users = [User(requester=requester, name=name, name_digest=digest(name)) for name in names]
    User.objects.bulk_create(users)
    phones = [Authenticator(name=f"Phone of {name}", public_key={}, thumbprint=digest(name)) for name in names]
    Authenticator.objects.bulk_create(phones)
    pairings = [
        Pairing(user=user, authenticator=phone, state="enabled", expires=now, otp_seed="S3CRETSEED")
        for user, phone in zip(users, phones, strict=True)
    ]
    Pairing.objects.bulk_create(pairings)
    terminals = [
        Terminal(user=user, name="PC", extra="terminal-secret", extra_digest=digest(user.name)) for user in users
    ]
    Terminal.objects.bulk_create(terminals)
    action, _made = Action.objects.get_or_create(
        requester=requester, name_digest=digest("Log In"), defaults={"name": "Log In"}
    )
    AuthenticationRequest.objects.bulk_create(
        AuthenticationRequest(
            user=user, terminal=terminal, action=action, number="987654", address="192.0.2.7", expires=now
        )
        for user, terminal in zip(users, terminals, strict=True)
    )
    Automation.objects.bulk_create(
        Automation(
            user=user,
            terminal=terminal,
            terminal_digest=digest(user.name),
            action=action,
            pairing=pairing,
            answer="allow",
            expires=now + timedelta(days=1),
        )
        for user, terminal, pairing in zip(users, terminals, pairings, strict=True)
    )


def get(admin_client, name, query=""):
    response = admin_client.get(f"/admin/toopher_service/{name}/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def sixty(requester):
    """Sixty users, each with a phone, a terminal and a question."""
    populate(requester, 60)


@table("name", LISTS)
def test_a_list_does_not_grow_in_queries_with_its_rows(admin_client, sixty, name, django_assert_max_num_queries):
    with django_assert_max_num_queries(9) as queries:
        get(admin_client, name)
    counts = [each["sql"] for each in queries.captured_queries if "COUNT(" in each["sql"]]
    assert len(counts) <= (2 if name in {"requester", "alarm"} else 1), counts


@table("name", ["user", "pairing", "authenticationrequest", "automation"])
def test_a_list_is_searched_by_the_users_name(admin_client, requester, name):
    populate(requester, 3)
    page = get(admin_client, name, "?q=user1")
    assert "user1" in page
    assert "user2" not in page


@table("name", ["user", "pairing", "authenticationrequest"])
def test_two_sites_users_of_one_name_are_told_apart(admin_client, requester, make_requester, name):
    populate(requester, 1)
    populate(make_requester("other", "other secret"), 1, prefix="another user")
    page = get(admin_client, name)
    assert "Site key" in page
    assert "Site other" in page


@table("model", [User, Authenticator, Pairing, AuthenticationRequest])
def test_what_happened_is_not_deleted_or_made_by_hand(admin_client, requester, model):
    populate(requester, 1)
    row, name = model.objects.get(), model._meta.model_name
    for path in (f"{row.pk}/delete/", "add/"):
        assert admin_client.get(f"/admin/toopher_service/{name}/{path}").status_code == 403


@table("model", [User, Authenticator, Pairing, AuthenticationRequest])
def test_what_happened_is_not_changed_by_hand(admin_client, requester, model):
    populate(requester, 1)
    row, name = model.objects.get(), model._meta.model_name
    assert admin_client.post(f"/admin/toopher_service/{name}/{row.pk}/change/", {"state": "denied"}).status_code == 403


@table("model", [Requester, User, Authenticator, Pairing, AuthenticationRequest, Automation])
def test_S34_no_page_shows_a_secret(admin_client, requester, model):
    requester.previous_secret = "previous-secret"
    requester.consumer_secret = "consumer-secret"
    requester.save()
    populate(requester, 1)
    name = model._meta.model_name
    pages = get(admin_client, name) + get(admin_client, name, f"{model.objects.get().pk}/change/")
    for secret in ("S3CRETSEED", "987654", "terminal-secret", "consumer-secret", "previous-secret"):
        assert secret not in pages


def test_a_standing_answer_can_be_removed(admin_client, requester):
    populate(requester, 1)
    row = Automation.objects.get()
    admin_client.post(f"/admin/toopher_service/automation/{row.pk}/delete/", {"post": "yes"})
    assert not Automation.objects.exists()


@table("name", ["authenticator", "pairing", "authenticationrequest", "automation"])
def test_the_newest_comes_first(admin_client, requester, name):
    populate(requester, 3)
    model = {each._meta.model_name: each for each in (Authenticator, Pairing, AuthenticationRequest, Automation)}[name]
    now, rows = timezone.now(), [*model.objects.order_by("pk")]
    for row, days in zip(rows, (1, 0, 2), strict=True):
        model.objects.filter(pk=row.pk).update(created=now - timedelta(days=days))
    shown = admin_client.get(f"/admin/toopher_service/{name}/").context["cl"].result_list
    assert [*shown] == [rows[1], rows[0], rows[2]]


def test_a_question_says_why_it_ended_in_the_readers_language(admin_client, requester):
    populate(requester, 1)
    AuthenticationRequest.objects.update(state="denied", reason_code=100)
    row = AuthenticationRequest.objects.get()
    for query in ("", f"{row.pk}/change/"):
        assert "The user denied the request" in get(admin_client, "authenticationrequest", query)
    with translation.override("de"):
        assert str(row.reason_at(timezone.now()).label) != "The user denied the request"
        assert representations.authentication_request(row, timezone.now())["reason"] == "The user denied the request"


def test_a_question_that_was_granted_needs_no_reason(admin_client, requester):
    populate(requester, 1)
    AuthenticationRequest.objects.update(state="granted")
    page = get(admin_client, "authenticationrequest", f"{AuthenticationRequest.objects.get().pk}/change/")
    assert re.search(r"Reason:.*?readonly\">-<", page, re.DOTALL)


def test_a_question_that_ran_out_says_so(admin_client, requester):
    populate(requester, 1)
    assert "The request was not answered in time" in get(admin_client, "authenticationrequest")


@table(("query", "names"), [("0", {"user0"}), ("1", {"user1"}), ("nonsense", {"user0", "user1"})])
def test_alarms_are_filtered_by_whether_they_are_settled(query, names, admin_client, requester):
    populate(requester, 2)
    now = timezone.now()
    for user in User.objects.all():
        Alarm.objects.create(user=user, action="Log In", settled=now if user.name == "user1" else None)
    shown = admin_client.get(f"/admin/toopher_service/alarm/?settled={query}").context["cl"].result_list
    assert {alarm.user.name for alarm in shown} == names


def test_S45_support_sees_the_limits_of_known_computers_and_of_questions(admin_client, requester):
    user = User.objects.create(requester=requester, name="alice")
    user.terminals.create(name="<b>Laptop", extra="s", approved=timezone.now(), failures=12)
    user.terminals.create(name="Fine", extra="t", approved=timezone.now())
    page = admin_client.get(f"/admin/toopher_service/user/{user.pk}/change/").content.decode()
    assert "&lt;b&gt;Laptop: 12" in page
    assert "Fine" not in page
