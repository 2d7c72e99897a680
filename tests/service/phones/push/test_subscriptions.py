"""Where a phone can be woken up, kept and forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from django_toopher.service.models import PushSubscription
from django_toopher.service.phones import push
from django_toopher.service.phones.push import keys
from tests.push_server import HOST, Subscription
from tests.tables import table

from ...callers import base64url
from .acts import subscribe


def test_a_new_subscription_replaces_the_old_one(subscribed, push_server, ask):
    newer = Subscription(endpoint=f"https://{HOST}/push/newer")
    subscribe(subscribed, newer)
    ask()
    [message] = push_server.received
    assert message.path == "/push/newer"
    newer.decrypt(message.body)


def test_a_phone_can_be_left_asleep(subscribed, push_server, ask):
    assert subscribed.call("push-remove").status_code == 200
    ask()
    assert push_server.received == []


def test_a_phone_that_is_not_woken_up_can_be_left_asleep(raw_phone):
    assert raw_phone.call("push-remove").status_code == 200


def test_S26_another_phone_can_not_change_it(subscribed, push_server, ask, make_raw_phone):
    other = make_raw_phone()
    other.call("push-remove")
    subscribe(other, Subscription(endpoint=f"https://{HOST}/push/other"))
    ask()
    assert [message.path for message in push_server.received] == ["/push/0123456789"]


def test_S34_a_subscription_is_not_readable_in_the_database(subscribed, browser):
    with connection.cursor() as cursor:
        cursor.execute("SELECT contents FROM toopher_service_pushsubscription")
        [[stored]] = cursor.fetchall()
    for secret in (HOST, "0123456789", base64url(browser.auth)):
        assert secret not in stored


def test_S34_a_subscription_outlives_a_rotated_secret_key(settings, subscribed, push_server, browser, ask):
    before = keys.public_key()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    ask()
    assert keys.public_key() != before
    assert f"k={before}" in push_server.received[0].headers["authorization"]


def test_S34_a_phone_can_subscribe_anew_when_its_old_subscription_can_not_be_read(settings, subscribed, push_server):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    newer = Subscription(endpoint=f"https://{HOST}/push/newer")
    assert subscribe(subscribed, newer).status_code == 200
    assert PushSubscription.objects.get().contents["endpoint"] == newer.endpoint


def test_a_key_is_the_same_in_every_process_and_another_for_every_secret(settings):
    first = keys.public_key()
    settings.SECRET_KEY = "another"
    second = keys.public_key()
    settings.SECRET_KEY = "tests-only-not-a-secret"
    assert keys.public_key() == first != second
    assert keys.private_key(second) is None


@table("status", [404, 410])
def test_a_subscription_that_is_over_is_forgotten(subscribed, push_server, ask, status):
    push_server.status = status
    ask()
    assert not PushSubscription.objects.exists()


@table("status", [400, 403, 413, 429, 500, 503])
def test_a_push_service_that_fails_is_tried_again_next_time(subscribed, push_server, ask, status, caplog):
    caplog.clear()
    push_server.status = status
    assert ask().pending
    assert PushSubscription.objects.exists()
    assert f"{HOST} refused a push message" in caplog.text


def test_one_that_was_made_anew_meanwhile_is_kept(subscribed):
    row = PushSubscription.objects.get()
    PushSubscription.objects.update(created=timezone.now() + timedelta(seconds=1))
    push._forget([row])
    assert PushSubscription.objects.exists()
