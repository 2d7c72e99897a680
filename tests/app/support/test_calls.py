"""What a run asks the service: for all at once where it can, else for several at a time."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.admin.models import LogEntry
from django.db.backends.base.base import BaseDatabaseWrapper

from django_toopher import connection
from django_toopher.client import ToopherApi
from django_toopher.models import SupportRun, ToopherAccount
from django_toopher.service.models import User
from django_toopher.support import runs
from tests.tables import table

from .desk import begun, outcomes, there


@pytest.fixture
def familiar(many, api):
    """The same five, known to the service by their ids."""
    for account in many:
        account.toopher_user_id = api.create_user(account.name).id
        account.save()
    return many


@pytest.fixture
def calls(familiar, monkeypatch):
    """What the service is asked: method and endpoint of each call."""
    made, request = [], ToopherApi._request

    def noted(self, method, endpoint, **kwargs):
        made.append(f"{method} {endpoint}")
        return request(self, method, endpoint, **kwargs)

    monkeypatch.setattr(ToopherApi, "_request", noted)
    return made


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_one_call_switches_all_whom_it_can(
    verb, familiar, api, staff, calls, heard, django_capture_on_commit_callbacks
):
    wanted = verb == "enable"
    User.objects.update(toopher_authentication_enabled=not wanted)
    ToopherAccount.objects.update(enabled=not wanted)
    with django_capture_on_commit_callbacks(execute=True):
        run = begun(verb, familiar, staff)
        runs.step(run, api, staff, seconds=60)
    assert calls == ["POST users/switch"]
    assert outcomes(run) == [("done", "")] * 5
    assert {*User.objects.values_list("toopher_authentication_enabled", flat=True)} == {wanted}
    assert [*ToopherAccount.objects.values_list("enabled", "generation")] == [(wanted, 1)] * 5
    assert [(name, account.name) for name, account, _user, _by in heard] == [
        (f"{verb}d", account.name) for account in familiar
    ]
    assert LogEntry.objects.filter(user=staff).count() == 5


def test_whom_one_call_cannot_switch_is_asked_for_alone(familiar, api, helper, calls):
    familiar[0].user.is_superuser = True
    familiar[0].user.save()
    ToopherAccount.objects.filter(pk=familiar[1].pk).update(enabled=False)  # so it seems
    ToopherAccount.objects.filter(pk=familiar[2].pk).update(toopher_user_id="")
    User.objects.filter(name="person3").delete()
    more = [familiar[4], ToopherAccount.objects.create(name="more")]
    User.objects.create(requester=User.objects.first().requester, name="more")
    ToopherAccount.objects.filter(name="more").update(toopher_user_id=there("more").pk)
    run = begun("disable", [*familiar[:4], *more], helper)
    runs.step(run, api, helper, seconds=60)
    assert outcomes(run) == [("skipped", "superuser"), *[("done", "")] * 5]
    assert calls[0] == "POST users/switch"
    assert "POST users/switch" not in calls[1:]
    assert {*User.objects.exclude(name="person0").values_list("toopher_authentication_enabled", flat=True)} == {False}
    assert there("person0").toopher_authentication_enabled


@table(
    ("body", "status"),
    [
        ({"error_code": 404, "error_message": "Not found."}, 404),
        (b"", 500),
        ({"id": "x", "name": "n", "disable_toopher_auth": True}, 200),
        ([{"id": "x"}], 200),
    ],
    ids=["unknown there", "out of order", "no list", "no users"],
)
def test_a_service_without_that_call_is_asked_for_each(body, status, many, elsewhere):
    elsewhere.forget()
    elsewhere.will_answer(body, status)
    for number, account in enumerate(many):
        ToopherAccount.objects.filter(pk=account.pk).update(toopher_user_id=f"id{number}")
        elsewhere.will_answer({"id": "x", "name": "n", "disable_toopher_auth": True})
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60)
    assert outcomes(run) == [("done", "")] * 5
    assert len(elsewhere.received) == 6


def test_several_are_asked_at_a_time_over_connections_that_are_kept(many, elsewhere):
    at_work, most = [], []

    def answer(handler):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.2)
        at_work.pop()
        body = b'{"id": "x", "name": "n", "disable_toopher_auth": true}'
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    ToopherAccount.objects.update(toopher_user_id="x")
    elsewhere.replies.extend([answer] * 5)
    run = begun("disable", many)
    runs.step(run, connection.api(), seconds=60, workers=2)
    assert outcomes(run) == [("done", "")] * 5
    assert max(most) == 2
    assert (len(elsewhere.received), elsewhere.connections) == (5, 2)


@pytest.mark.parametrize("verb", ["disable", "reset"])
def test_S16_the_network_is_asked_without_the_database(verb, many, staff, elsewhere, monkeypatch):
    """A thread would open a connection of its own, and leave it open; where it can't, nobody else's turn would come."""
    threads = []
    cursor = BaseDatabaseWrapper.cursor
    monkeypatch.setattr(
        BaseDatabaseWrapper, "cursor", lambda self: (threads.append(threading.current_thread()), cursor(self))[1]
    )
    ToopherAccount.objects.update(toopher_user_id="x", paired=True)
    for _ in many:
        elsewhere.will_answer({"id": "x", "name": "n", "disable_toopher_auth": True})
    run = SupportRun.objects.get(pk=begun(verb, many, staff).pk)  # as the next request reads it
    runs.step(run, connection.api(), staff, seconds=60)
    assert {*threads} == {threading.main_thread()}
    assert outcomes(run) == [("done", "")] * len(many)
