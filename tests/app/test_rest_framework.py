"""How Django REST framework finds out who asks (SECURITY.md S41)."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.urls import path
from rest_framework import authentication
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from django_toopher.decorators import second_factor_exempt
from django_toopher.models import ToopherAccount
from django_toopher.rest_framework import BasicAuthentication, SessionAuthentication
from django_toopher.session.state import VERIFIED
from tests.app.acts import Statements
from tests.factories import verified
from tests.tables import table
from tests.urls import urlpatterns as project

pytestmark = pytest.mark.urls(__name__)


class WhoView(APIView):
    """Who asks; anybody may."""

    authentication_classes = [SessionAuthentication, BasicAuthentication]
    permission_classes = [AllowAny]

    def get(self, request):
        return Response({"user": request.user.get_username()})

    post = get


class BothView(WhoView):
    """The framework's own classes, which it uses where nobody says otherwise."""

    authentication_classes = [authentication.SessionAuthentication, authentication.BasicAuthentication]


urlpatterns = [
    *project,
    path("who/", WhoView.as_view()),
    path("exempt/", second_factor_exempt(WhoView.as_view())),
    path("both/", BothView.as_view()),
]

BY_PATH = "tests.app.policies.by_path"
NEEDED = {"reason": "second_factor_required", "authenticate_url": "/accounts/authenticate/"}


def basic(name="alice", password="password"):
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def test_S41_a_password_alone_is_not_enough_for_who_has_a_phone(account, computer):
    assert computer.get("/both/", headers=basic()).json() == {"user": "alice"}  # which is why a check names it
    response = computer.get("/who/", headers=basic())
    assert (response.status_code, response.json()["reason"]) == (403, "second_factor_required")
    assert "password alone is not enough" in response.json()["detail"]
    assert "alice" not in response.content.decode()


@table(
    ("policy", "enabled", "status"),
    [
        ("optional", True, 200),
        ("required", True, 403),
        ("required", False, 200),
        ("tests.app.policies.by_path", True, 200),
    ],
)
def test_S41_who_has_to_have_none_gets_in_by_password(policy, enabled, status, alice, computer, settings):
    settings.TOOPHER_POLICY = policy
    alice.refresh_from_db()  # of an earlier row it knows an account
    ToopherAccount.objects.for_user(alice).change(enabled=enabled)
    assert computer.get("/who/", headers=basic()).status_code == status


def test_S41_a_rule_of_the_sites_own_sees_djangos_request(alice, computer, settings):
    settings.TOOPHER_POLICY = BY_PATH
    assert computer.get("/who/?strict", headers=basic()).status_code == 403


@pytest.mark.parametrize("headers", [basic(password="wrong"), basic("nobody")])
def test_a_wrong_password_is_told_as_the_framework_tells_it(headers, account, computer):
    response = computer.get("/who/", headers=headers)
    assert (response.status_code, [*response.json()]) == (403, ["detail"])  # 401 where Basic stands first
    assert "reason" not in response.json()


def test_nobody_is_nobody(db, computer):
    assert computer.get("/who/").json() == {"user": ""}


@pytest.mark.parametrize("url", ["/who/", "/exempt/"])
def test_S41_a_session_without_its_second_factor_is_refused(url, account, computer):
    computer.client.force_login(account.user)
    response = computer.get(url, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (403, NEEDED)


def test_S41_a_session_is_held_without_the_middleware_too(account, computer, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "ToopherMiddleware" not in each]
    computer.client.force_login(account.user)
    assert computer.get("/both/").json() == {"user": "alice"}
    assert computer.get("/who/").json() == NEEDED
    verified(computer, account.user)
    assert computer.get("/who/").json() == {"user": "alice"}
    account.change(generation=account.generation + 1)
    session = computer.client.session
    session["_toopher_generation"] = [0, 0]  # compared long ago
    session.save()
    assert computer.get("/who/").json() == NEEDED


@pytest.mark.parametrize("url", ["/who/", "/exempt/"])
def test_S41_a_session_that_is_let_in_counts(url, alice, computer):
    computer.client.force_login(alice)
    assert computer.get(url).json() == {"user": "alice"}
    assert VERIFIED not in computer.client.session


def test_S41_a_session_that_needs_none_is_written_once_for_a_login(alice, computer, settings):
    """Without the middleware, which would let it in: this looks anew each time."""
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "ToopherMiddleware" not in each]
    computer.client.force_login(alice)
    for writes in (1, 0):
        with Statements() as statements:
            assert computer.get("/who/").json() == {"user": "alice"}
        assert len([each for each in statements.queries if each.startswith("UPDATE") and "_session" in each]) == writes


def test_S41_the_mark_of_a_session_serves_no_other_user(account, bob, computer, settings):
    """As where a middleware of the site's own puts somebody else into the request."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.as_bob"]
    verified(computer, account.user)
    assert computer.get("/who/").json() == NEEDED


def as_bob(get_response):
    from django.contrib.auth import get_user_model

    def middleware(request):
        request.user = get_user_model().objects.get(username="bob")
        return get_response(request)

    return middleware


def test_a_forgery_is_refused_as_the_framework_does(account, computer):
    verified(computer, account.user)
    computer.client.handler.enforce_csrf_checks = True
    response = computer.post("/who/")
    assert (response.status_code, response.json()["detail"][:11]) == (403, "CSRF Failed")
