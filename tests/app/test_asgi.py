"""Who is at the other end of a socket (SECURITY.md S41). With Channels itself: ``tests/third_party``."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from django_toopher import asgi
from django_toopher.asgi import ScopeMiddleware, still_counts
from django_toopher.session import state
from django_toopher.testing import verified_login
from tests.tables import table

from .acts import Statements

ASKED: list[HttpRequest] = []


def rule(user, request):
    """Due for everybody; keeps what it is asked with."""
    ASKED.append(request)
    return True


def scope_of(client, /, **more):
    """What Channels makes of the first request of a socket, with session and user."""
    request = HttpRequest()
    request.session = client.session
    return {
        "type": "websocket",
        "scheme": "wss",
        "path": "/chat/",
        "query_string": b"room=7",
        "headers": [(b"host", b"testserver"), (b"user-agent", b"Firefox")],
        "session": request.session,
        "user": get_user(request),
        **more,
    }


def seen(scope):
    """As whom the application inside sees who has connected."""
    users = []

    async def application(scope, receive, send):
        users.append(scope.get("user"))

    async_to_sync(ScopeMiddleware(application))(scope, None, None)
    return users[0]


def counts(scope):
    return async_to_sync(still_counts)(scope)


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    """Leaves the connection of the test's transaction open, as Django's test client does; the calls."""
    calls = []
    monkeypatch.setattr(asgi, "close_old_connections", lambda: calls.append("closed"))
    return calls


@pytest.fixture
def scope(account, client):
    """Alice's, who has passed her second factor."""
    verified_login(client, account.user)
    return scope_of(client)


def test_S41_who_has_passed_is_known(scope, alice):
    assert seen(scope) == alice
    assert counts(scope)


def test_connections_that_are_too_old_are_closed_before_and_after(scope, closed):
    assert counts(scope)
    assert len(closed) == 2


def test_S41_with_the_password_alone_nobody_is_known(account, client):
    client.force_login(account.user)
    scope = scope_of(client)
    assert seen(scope) == AnonymousUser()
    assert scope["user"] == account.user  # the scope of who is around us is theirs
    assert not counts(scope)


@table(("policy", "is_known"), [("optional", True), ("staff", True), ("required", False)])
def test_S41_who_has_to_have_none_is_known(policy, is_known, alice, client, settings):
    settings.TOOPHER_POLICY = policy
    client.force_login(alice)
    assert seen(scope_of(client)).is_authenticated is is_known


def test_S41_who_was_let_in_is_known(alice, client, settings):
    settings.TOOPHER_POLICY = "required"
    client.force_login(alice)
    session = client.session
    state.set_let_in(session, 0)
    session.save()
    assert seen(scope_of(client)) == alice


@pytest.mark.parametrize(
    "scope", [{"type": "lifespan"}, {"type": "websocket", "user": AnonymousUser()}], ids=["lifespan", "anonymous"]
)
def test_where_nobody_is_there_is_nothing_to_look_up(scope, db):
    with Statements() as statements:
        assert seen(scope) == scope.get("user")
    assert not statements.queries


@table(("policy", "is_known"), [("optional", True), ("required", False)])
def test_S41_who_was_found_by_a_token_has_no_session_to_pass_it_in(policy, is_known, alice, bob, client, settings):
    settings.TOOPHER_POLICY = policy
    token = {"type": "websocket", "path": "/", "headers": [], "user": alice}
    assert seen(token).is_authenticated is is_known
    verified_login(client, bob)  # whose session serves nobody else
    assert seen(scope_of(client, user=alice)).is_authenticated is is_known


def test_S41_a_mark_of_an_earlier_generation_is_none(scope, account):
    account.change(generation=account.generation + 1)
    assert counts(scope)  # compared within TOOPHER_SESSION_CHECK
    kept = scope["session"]
    kept[state.GENERATION] = [0, 0]
    kept.save()
    assert not counts(scope)
    assert seen(scope) == AnonymousUser()


def _logout(client, alice, bob):
    client.logout()


def _new_password(client, alice, bob):
    alice.set_password("another")
    alice.save()


def _deactivate(client, alice, bob):
    alice.is_active = False
    alice.save()


def _delete(client, alice, bob):
    alice.delete()


def _become_bob(client, alice, bob):
    kept = client.session
    kept[SESSION_KEY] = kept[state.VERIFIED] = str(bob.pk)
    kept.save()


@pytest.mark.parametrize("end", [_logout, _new_password, _deactivate, _delete, _become_bob])
def test_S41_a_socket_that_stays_open_can_look_again(end, scope, alice, bob, client):
    assert counts(scope)
    end(client, alice, bob)
    assert not counts(scope)


def test_S41_who_pairs_a_phone_meanwhile_is_asked_for_it(alice, client, phone):
    from tests.factories import account_with

    client.force_login(alice)
    scope = scope_of(client)
    assert counts(scope)
    account_with(phone, alice)
    assert not counts(scope)


def test_S41_a_password_of_before_a_new_secret_key_counts(scope, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert counts(scope)


def test_nothing_is_written_into_the_session(scope, account, client):
    kept = scope["session"]
    kept[state.GENERATION] = [account.generation, 0]  # is compared, and would be kept
    kept.save()
    before = {**client.session}
    kept.modified = False
    assert seen(scope).is_authenticated
    assert ({**client.session}, kept.modified) == (before, False)


def test_it_costs_four_queries_at_most(scope):
    with Statements() as statements:
        seen(scope)
    assert len(statements.queries) <= 4


def test_a_rule_of_the_sites_own_gets_a_request(alice, client, settings):
    settings.TOOPHER_POLICY = f"{__name__}.rule"
    client.force_login(alice)
    assert not seen(scope_of(client, client=("192.0.2.7", 1234))).is_authenticated
    request = ASKED.pop()
    assert (request.path, request.GET["room"], request.META["REMOTE_ADDR"]) == ("/chat/", "7", "192.0.2.7")
    assert (request.headers["User-Agent"], request.is_secure(), request.user) == ("Firefox", True, alice)
    assert request.build_absolute_uri() == "https://testserver/chat/?room=7"
    assert request.session.session_key == client.session.session_key


def test_it_can_be_imported_at_the_top_of_asgi_py():
    """Where Django is not set up yet."""
    import subprocess
    import sys

    command = [sys.executable, "-c", "from django_toopher.asgi import ScopeMiddleware; ScopeMiddleware(None)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
