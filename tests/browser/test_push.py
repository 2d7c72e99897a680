"""Being woken up: what the phone's page and its worker do with Web Push, in front of a real push service.

Chromium without Google's services has no push service of its own, so its ``PushManager`` is replaced by the test's.
The messages that the service sends are decrypted as the browser would, and the browser hands them to the worker.
"""

from __future__ import annotations

import json

import pytest
import requests
from playwright.sync_api import expect

from django_toopher.connection import api
from django_toopher.service.models import PushSubscription
from django_toopher.service.phones.push import delivery
from tests.push_server import HOST, PushServer, Subscription

from .chromium import WINDOWED
from .conftest import PHONE
from .people import Phone
from .traffic import traffic

PUSH_MANAGER = """
    const binary = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = (text) => Uint8Array.from(binary(text), (one) => one.charCodeAt(0));
    const claims = %s;
    const make = (key) => ({
      options: { applicationServerKey: bytes(key).buffer },
      toJSON: () => ({ endpoint: claims.endpoint, keys: { p256dh: claims.p256dh, auth: claims.auth } }),
      unsubscribe: async () => sessionStorage.removeItem("subscribed"),
    });
    PushManager.prototype.getSubscription = async () => {
      const key = sessionStorage.getItem("subscribed");
      return key && make(key);
    };
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      if (userVisibleOnly !== true || Notification.permission !== "granted") throw new TypeError("not allowed");
      sessionStorage.setItem("subscribed", applicationServerKey);
      return make(applicationServerKey);
    };
"""


@pytest.fixture
def chromium_names():
    """Without a window there are no notifications."""
    return WINDOWED


@pytest.fixture
def push_server(tmp_path, monkeypatch, settings):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = [HOST]
    with PushServer(tmp_path) as server:
        monkeypatch.setattr(delivery, "public_addresses", lambda host: [("127.0.0.1", server.port)])
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(server.authority))
        yield server


@pytest.fixture
def browser_side():
    return Subscription()


@pytest.fixture
def sleepy(alice, push_server, browser_side, make_paired_phone):
    """Alice's phone, which may show notifications."""
    script = PUSH_MANAGER % json.dumps(browser_side.claims(""))
    return make_paired_phone("alice", script=script, permissions=["notifications"], fresh=True)


@pytest.fixture
def notified(sleepy):
    """The same, and its person wants them."""
    sleepy.page.get_by_role("button", name="Notify me of sign-ins").click()
    expect(sleepy.page.locator("#waiting")).to_have_text("Ready. This phone notifies you when you sign in.")
    return sleepy


def ask():
    with traffic.stopped():
        return api().authenticate("alice", "secret-1", "Log In", terminal_name="PC")


def deliver(phone, text):
    """Have the browser hand a decrypted message to the worker, as it does with what its push service sends."""
    devtools = phone.context.new_cdp_session(phone.page)
    registrations = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    phone.page.wait_for_timeout(100)
    origin = phone.page.evaluate("location.origin")
    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registrations[0]["registrationId"], "data": text},
    )


def count_announcements(phone):
    """Have the worker leave a trace of what it announces, where the page can see it."""
    phone.context.service_workers[0].evaluate(
        """() => {
          const show = self.registration.showNotification.bind(self.registration);
          self.registration.showNotification = async (...announced) => {
            await show(...announced);
            await (await caches.open("announced")).put("/announced", new Response(""));
          };
        }"""
    )


def wait_for_notifications(phone, count):
    phone.page.wait_for_function(
        f"async () => (await (await navigator.serviceWorker.ready).getNotifications()).length === {count}"
    )


def test_a_sign_in_is_announced_and_the_page_shows_it(computer, notified, push_server, browser_side, required):
    notified.page.goto("about:blank")  # closed, but for the test's hold on it
    computer.give_password()
    number = computer.number()
    [message] = push_server.received
    told = json.dumps(browser_side.decrypt(message.body))
    notified.page.goto("/toopher/phone/")
    notified.is_asked()
    count_announcements(notified)
    deliver(notified, told)
    notified.page.wait_for_function(
        "async () => (await caches.open('announced')).keys().then((all) => all.length === 1)"
    )
    wait_for_notifications(notified, 0)  # taken back: it is on the page
    notified.approve(number)
    computer.is_welcomed_as("alice")


def test_the_worker_says_whether_there_is_still_time_and_a_tap_on_that_opens_the_page(notified):
    worker = notified.context.service_workers[0]
    assert worker.evaluate(ANNOUNCED) == [
        ["Is this you?", "A sign-in waits for your answer.", "question"],
        ["Is this you?", "A sign-in was not answered in time.", "question"],
    ]
    notified.page.goto("about:blank")
    assert worker.evaluate(TAPPED) == [[notified.context.service_workers[0].url.removesuffix("sw.js")], 0]


ANNOUNCED = """async () => {
  const pushed = (data) => {
    const event = new PushEvent("push", { data: JSON.stringify(data) });
    let done;
    event.waitUntil = (promise) => (done = promise);
    self.dispatchEvent(event);
    return done;
  };
  const found = [];
  for (const expires of [Date.now() / 1000 + 60, Date.now() / 1000 - 60]) {
    const before = self.registration.showNotification;
    self.registration.showNotification = async (title, { body, tag }) => found.push([title, body, tag]);
    await pushed({ expires });
    self.registration.showNotification = before;
  }
  return found;
}"""

TAPPED = """async () => {
  await self.registration.showNotification("Is this you?", { tag: "question" });
  const [notification] = await self.registration.getNotifications();
  const event = new NotificationEvent("notificationclick", { notification });
  const opened = [];
  self.clients.openWindow = async (url) => opened.push(url);
  let done;
  event.waitUntil = (promise) => (done = promise);
  self.dispatchEvent(event);
  await done;
  return [opened, (await self.registration.getNotifications()).length];
}"""


def test_it_lasts_over_a_reload_and_follows_a_new_key_of_the_service_until_the_person_stops_it(
    notified, settings, push_server
):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    with traffic.stopped():
        before = PushSubscription.objects.get().contents["key"]
    notified.page.reload()
    expect(notified.page.locator("#waiting")).to_have_text("Ready. This phone notifies you when you sign in.")
    with traffic.stopped():
        assert PushSubscription.objects.get().contents["key"] != before
    question = ask()
    assert len(push_server.received) == 1
    with traffic.stopped():
        api().post(f"authentication_requests/{question.id}/cancel")
    notified.page.reload()
    notified.page.get_by_role("button", name="Stop notifying me").click()
    expect(notified.page.locator("#waiting")).to_have_text("Ready. Keep this page open while you sign in.")
    notified.page.reload()
    expect(notified.page.get_by_role("button", name="Notify me of sign-ins")).to_be_visible()
    push_server.received.clear()
    ask()
    assert push_server.received == []


def test_a_phone_without_an_account_is_not_offered_it_and_where_the_browser_can_not_the_person_is_told(
    alice, push_server, make_context
):
    phone = Phone(make_context(**PHONE, permissions=["notifications"], fresh=True))
    phone.context.add_init_script("PushManager.prototype.subscribe = async () => { throw new Error('no service'); }")
    phone.open()
    expect(phone.page.locator("#make-phrase")).to_be_visible()
    expect(phone.page.locator("#notify")).to_be_hidden()
    phone.pair_by_words("alice")
    phone.page.get_by_role("button", name="Notify me of sign-ins").click()
    expect(phone.error).to_contain_text("could not be set up for notifications")
    expect(phone.page.locator("#waiting")).to_have_text("Ready. Keep this page open while you sign in.")
