"""With Channels: consumers, the stack that reads sessions, the check that looks for ours in it (SECURITY.md S41)."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddleware, AuthMiddlewareStack
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.conf import settings as project
from django.core.asgi import get_asgi_application
from django.core.checks import run_checks
from django.urls import path, re_path

from django_toopher.asgi import ScopeMiddleware, still_counts
from django_toopher.testing import verified_login
from tests.app.conftest import account  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)  # consumers have threads of their own


class Who(AsyncJsonWebsocketConsumer):
    """Says who has connected; and, asked again, whether that still counts."""

    async def connect(self):
        await self.accept()
        await self.send_json({"user": self.scope["user"].get_username()})

    async def receive_json(self, content):
        await self.send_json({"counts": await still_counts(self.scope)})


class Blocking(JsonWebsocketConsumer):
    """The same in a thread."""

    def connect(self):
        self.accept()
        self.send_json({"user": self.scope["user"].get_username()})


class Page(AsyncHttpConsumer):
    """A consumer of plain HTTP, which Django's own middleware does not see either."""

    async def handle(self, body):
        await self.send_response(200, self.scope["user"].get_username().encode())


ROUTES = [path("who/", Who.as_asgi()), path("blocking/", Blocking.as_asgi()), re_path("^page/$", Page.as_asgi())]
HELD = AuthMiddlewareStack(ScopeMiddleware(URLRouter(ROUTES)))
OPEN = AuthMiddlewareStack(URLRouter(ROUTES))


class Socket(ApplicationCommunicator):
    """A browser's end of a socket, with the cookies of ``client``. (Channels' own needs Daphne.)"""

    def __init__(self, application, client, path="/who/", kind="websocket", **more):
        cookie = f"{project.SESSION_COOKIE_NAME}={client.cookies[project.SESSION_COOKIE_NAME].value}"
        headers = [(b"cookie", cookie.encode()), (b"host", b"testserver")]
        super().__init__(application, {"type": kind, "path": path, "query_string": b"", "headers": headers, **more})

    async def connect(self):
        """The consumer's first message."""
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output())["type"] == "websocket.accept"
        return await self.receive()

    async def say(self, said):
        """The consumer's answer."""
        await self.send_input({"type": "websocket.receive", "text": json.dumps(said)})
        return await self.receive()

    async def receive(self):
        return json.loads((await self.receive_output())["text"])

    async def leave(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()


def user_at(client, url="/who/", application=HELD):
    """As whom somebody with these cookies is known there."""

    async def connect():
        socket = Socket(application, client, url)
        told = await socket.connect()
        await socket.leave()
        return told["user"]

    return async_to_sync(connect)()


@pytest.mark.parametrize("url", ["/who/", "/blocking/"])
def test_S41_a_consumer_is_not_told_who_gave_the_password_alone(url, account, client):  # noqa: F811
    client.force_login(account.user)
    assert user_at(client, url, OPEN) == "alice"  # which W018 says
    assert user_at(client, url) == ""
    verified_login(client, account.user)
    assert user_at(client, url) == "alice"


def test_S41_who_has_to_have_none_is_known(alice, client):
    client.force_login(alice)
    assert user_at(client) == "alice"


def test_S41_a_consumer_of_http_neither(account, client):  # noqa: F811
    async def ask():
        browser = Socket(HELD, client, "/page/", kind="http", method="GET")
        await browser.send_input({"type": "http.request"})
        assert (await browser.receive_output())["status"] == 200
        return (await browser.receive_output())["body"].decode()

    client.force_login(account.user)
    assert async_to_sync(ask)() == ""
    verified_login(client, account.user)
    assert async_to_sync(ask)() == "alice"


def test_S41_a_socket_that_stays_open_can_look_again(account, client):  # noqa: F811
    async def stay():
        socket = Socket(HELD, client)
        told = [await socket.connect(), await socket.say({})]
        await sync_to_async(client.logout)()
        told.append(await socket.say({}))
        await socket.leave()
        return told

    verified_login(client, account.user)
    assert async_to_sync(stay)() == [{"user": "alice"}, {"counts": True}, {"counts": False}]


# The check


class Tenants:
    """A middleware of the site's own."""

    def __init__(self, app):
        self.app = app


def router(websocket):
    return ProtocolTypeRouter({"http": get_asgi_application(), "websocket": websocket})


HANDMADE = AuthMiddleware(URLRouter([path("a/", URLRouter(ROUTES))]))


@pytest.mark.parametrize(
    ("application", "is_named"),
    [
        (router(OPEN), True),
        (router(HELD), False),
        (router(AllowedHostsOriginValidator(OPEN)), True),
        (router(AllowedHostsOriginValidator(HELD)), False),
        (router(Tenants(HANDMADE)), True),
        (router(AuthMiddlewareStack(Tenants(ScopeMiddleware(URLRouter(ROUTES))))), False),
        (router(URLRouter([path("a/", HELD), path("b/", HELD)])), False),
        (router(URLRouter([path("a/", HELD), path("b/", OPEN)])), True),
        (router(ScopeMiddleware(OPEN)), True),
        (router(AuthMiddlewareStack(ScopeMiddleware(OPEN))), True),
        (router(SessionMiddlewareStack(URLRouter(ROUTES))), False),
        (router(AuthMiddlewareStack(Who.as_asgi())), True),
        (ProtocolTypeRouter({"channel": ChannelNameRouter({"work": Who.as_asgi()})}), False),
        (get_asgi_application(), False),
        (None, False),
    ],
    ids=range(15),
)
def test_S41_W018_the_stack_without_ours_in_it(application, is_named, settings, monkeypatch):
    asgi = ModuleType("asgi_of_the_site")
    asgi.application = application
    monkeypatch.setitem(sys.modules, "asgi_of_the_site", asgi)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "channels"]
    settings.ASGI_APPLICATION = "asgi_of_the_site.application"
    found = run_checks(tags=["django_toopher"])
    assert [each.id for each in found] == (["django_toopher.W018"] if is_named else [])


@pytest.mark.parametrize("named", [None, "", "nowhere.application", "tests.urls.nothing", "application"])
def test_an_application_that_cannot_be_had_is_for_the_server_to_tell(named, settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "channels"]
    settings.ASGI_APPLICATION = named
    assert run_checks(tags=["django_toopher"]) == []
