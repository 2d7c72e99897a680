"""Who is woken up, and when."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_toopher.service.models import PushSubscription
from tests.push_server import HOST, Subscription

from .acts import subscribe


def test_all_phones_of_the_user_are_woken_up(subscribed, push_server, pair, ask, make_raw_phone):
    other, elsewhere = make_raw_phone(), Subscription(endpoint=f"https://{HOST}/push/other")
    pair(other)
    subscribe(other, elsewhere)
    ask()
    assert {message.path for message in push_server.received} == {"/push/0123456789", "/push/other"}


def test_another_users_phone_is_left_asleep(
    subscribed, push_server, pair, api, django_capture_on_commit_callbacks, make_raw_phone
):
    pair(make_raw_phone(), "bob")
    with django_capture_on_commit_callbacks(execute=True):
        api.authenticate("bob", "secret-1", "Log In", terminal_name="PC")
    assert push_server.received == []


def test_a_phone_that_was_removed_is_left_asleep(subscribed, push_server, pair, ask, make_raw_phone):
    pair(make_raw_phone())
    pairing = subscribed.call("pairings").json()["pairings"][0]["id"]
    subscribed.call("remove", pairing=pairing)
    ask()
    assert push_server.received == []


def test_what_is_answered_silently_wakes_nobody_up(subscribed, push_server, ask):
    request = ask()
    wish = {"seconds": 3600, "network": False}
    assert subscribed.answer(subscribed.question(), request.number, automate=wish).status_code == 200
    push_server.received.clear()
    assert ask().automated
    assert push_server.received == []


def test_a_question_that_only_a_code_answers_wakes_nobody_up(api, push_server, subscribed, ask):
    subscribed.call("remove", pairing=subscribed.call("pairings").json()["pairings"][0]["id"])
    api.post("users/activate_next_otp_list", user_name="alice")
    assert ask().reason_code == 708
    assert push_server.received == []


def test_a_question_that_is_refused_wakes_nobody_up(
    subscribed, push_server, caller, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = caller.post(
            "authentication_requests/initiate", user_name="alice", terminal_name="PC", action_name="a" * 999
        )
    assert response.status_code == 400
    assert push_server.received == []


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_up_for_what_was_rolled_back(subscribed, push_server, api):
    with transaction.atomic():
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        transaction.set_rollback(True)
    assert push_server.received == []


@pytest.mark.django_db(transaction=True)
def test_the_phone_is_woken_up_when_the_question_can_be_seen(subscribed, push_server, api):
    with transaction.atomic():
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        assert push_server.received == []
    assert len(push_server.received) == 1


def test_without_push_services_nothing_is_sent(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = []
    ask()
    assert push_server.received == []
    assert not PushSubscription.objects.exists()
