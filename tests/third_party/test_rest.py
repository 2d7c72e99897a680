"""With Django REST framework, simplejwt and dj-rest-auth (SECURITY.md S41)."""

from __future__ import annotations

import pytest
import requests

from tests.sites.walking import Browser

pytestmark = pytest.mark.servers

JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def site(run):
    return run("rest_site")


@pytest.fixture(scope="module")
def chief(site):
    """Somebody who has to have a phone, and the browser in which they have confirmed with it."""
    name, browser = site.chief(), Browser(site)
    browser.open("/members/")
    browser.give_password(name)
    browser.answer(site.phone())
    return name, browser


def get(site, path, **more):
    return requests.get(f"{site.url}{path}", headers={**JSON, **more.pop("headers", {})}, timeout=20, **more)


@pytest.mark.parametrize(
    ("number", "name", "place"),
    [
        (
            "W014",
            "rest_framework.authentication.BasicAuthentication",
            "DEFAULT_AUTHENTICATION_CLASSES, which is not set",
        ),
        ("W015", "rest_framework.authentication.TokenAuthentication", "api/by-token/"),
        ("W015", "rest_framework_simplejwt.authentication.JWTAuthentication", "api/by-jwt/"),
        ("W016", "rest_framework.authtoken.views.ObtainAuthToken", "api/token/"),
        ("W016", "rest_framework_simplejwt.views.TokenObtainPairView", "api/jwt/"),
        ("W016", "tests.third_party.rest_site.urls.OwnLogin", "api/jwt/own/"),
        ("W016", "rest_framework_simplejwt.views.TokenObtainSlidingView", "api/sliding/"),
        ("W016", "dj_rest_auth.views.LoginView", "rest-auth/login/?$"),
    ],
)
def test_S41_each_way_in_is_named(number, name, place, found):
    texts = [text for each, text in found("rest_site") if each == number and text.startswith(f"{name} ")]
    assert [text.partition(": ")[2] for text in texts] == [f"{place}."]


def test_S41_nothing_else_is_named(found):
    assert sorted(number for number, _text in found("rest_site")) == ["W014", "W015", "W015", *["W016"] * 5]


def test_S41_a_password_opens_what_is_held_only_to_who_needs_no_phone(site, chief):
    person = site.person()
    assert get(site, "/api/held/", auth=(person, "password")).json() == {"user": person}
    refused = get(site, "/api/held/", auth=(chief[0], "password"))
    assert (refused.status_code, refused.json()["reason"]) == (403, "second_factor_required")
    assert get(site, "/api/held/", auth=(chief[0], "wrong")).status_code == 401
    assert get(site, "/api/who/", auth=(chief[0], "password")).status_code == 200  # which W014 says


def test_S41_a_session_opens_what_is_held_after_the_second_factor(site, chief):
    name, browser = chief
    assert browser.http.get(f"{site.url}/api/held/", headers=JSON).json() == {"user": name}
    half = Browser(site)
    half.open("/members/")
    half.give_password(name)
    assert half.http.get(f"{site.url}/api/held/", headers=JSON).status_code == 401


def test_S41_a_session_of_dj_rest_auth_is_held_by_the_middleware(site, chief):
    """Its token is not, which W016 says."""
    browser = requests.Session()
    told = browser.post(f"{site.url}/rest-auth/login/", {"username": chief[0], "password": "password"}, headers=JSON)
    assert told.status_code == 200
    for path in ("/api/held/", "/api/who/", "/rest-auth/user/", "/rest-auth/password/change/"):
        refused = browser.get(f"{site.url}{path}", headers=JSON)
        assert (refused.status_code, refused.json()["reason"]) == (403, "second_factor_required"), path
