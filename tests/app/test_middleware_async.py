"""The middleware under ASGI: the same rule, and nothing that blocks the event loop."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path

from django_toopher import middleware
from django_toopher.decorators import second_factor_exempt
from tests.factories import verified

from .acts import AUTHENTICATE, Statements
from .urls import urlpatterns as project

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


async def page(request):
    user = await request.auser()
    return HttpResponse(f"async {user.get_username()}")


@second_factor_exempt
async def health(request):
    return HttpResponse("fine")


urlpatterns = [path("async/", page), path("health/", health), *project]


@pytest.fixture
def ask(computer):
    """Sends requests with this computer's cookies through the ASGI handler."""

    def send(url, **extra):
        client = AsyncClient()
        client.cookies = computer.client.cookies
        return async_to_sync(client.get)(url, secure=True, **extra)  # Django's threads are this one then

    return send


@pytest.mark.parametrize("url", ["/async/", "/members/"])
def test_S11_a_session_made_by_other_code_is_not_enough(url, account, computer, ask):
    computer.client.force_login(account.user)
    response = ask(url)
    assert (response.status_code, response["Location"]) == (302, AUTHENTICATE)
    response = ask(url, headers={"accept": "application/json"})
    assert (response.status_code, response.json()["reason"]) == (403, "second_factor_required")
    assert ask("/health/").content == b"fine"


@pytest.mark.parametrize("url", ["/async/", "/members/"])
def test_who_has_passed_sees_the_page_and_it_needs_no_thread(url, account, computer, ask, monkeypatch):
    verified(computer, account.user)
    monkeypatch.setattr(middleware, "sync_to_async", pytest.fail)
    assert b"alice" in ask(url).content


def test_who_is_exempt_is_let_in(alice, computer, ask):
    computer.client.force_login(alice)
    assert ask("/async/").content == b"async alice"
    assert computer.client.session["_toopher_let_in"] == str(alice.pk)


def test_without_a_session_nothing_is_read(db, ask, monkeypatch):
    monkeypatch.setattr(middleware, "sync_to_async", pytest.fail)
    with Statements() as statements:
        assert ask("/").status_code == 200
    assert not statements.queries


def test_a_page_after_the_login_costs_what_it_costs_without_this_app(account, computer, settings, ask):
    verified(computer, account.user)
    order, cost = settings.MIDDLEWARE, []
    for kept in (order, [each for each in order if "ToopherMiddleware" not in each]):
        settings.MIDDLEWARE = kept
        with Statements() as statements:
            assert ask("/async/").content == b"async alice"
        cost.append(len(statements.queries))
    assert cost[0] == cost[1] > 0


def test_behind_a_middleware_that_is_not_async_it_works_too(account, computer, settings, ask):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.old_middleware"]
    computer.client.force_login(account.user)
    assert ask("/async/")["Location"] == AUTHENTICATE


def old_middleware(get_response):
    return lambda request: get_response(request)
