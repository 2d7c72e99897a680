"""Views that a session without its second factor may use all the same."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles.views import serve as serve_static

from django_toopher.decorators import second_factor_exempt
from tests.tables import table

from ..acts import AUTHENTICATE

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.mark.parametrize("url", ["/logout/", "/leave/"])
def test_S11_logging_out_is_allowed(url, unmarked):
    assert unmarked.post(url)["Location"] == "/"
    assert not dict(unmarked.client.session.items())


def test_the_embedded_service_works_in_an_unmarked_session(unmarked, phone):
    """Its pages are in an iframe of the same site, so the browser sends the session along."""
    unmarked.get("/members/")
    frame = unmarked.open_iframe()
    assert frame.state["state"] == "waiting"
    assert unmarked.get("/toopher/phone/").status_code == 200
    frame.approve(phone)
    assert frame.poll()["state"] == "finished"


def test_a_view_may_be_exempt(unmarked, monkeypatch):
    from ..urls import anything

    monkeypatch.setattr(anything, "second_factor_exempt", True, raising=False)
    assert unmarked.get("/anything/").content == b"GET /anything/"


def test_a_class_based_view_may_be_exempt(unmarked, monkeypatch):
    from ..urls import Status

    assert unmarked.get("/status/")["Location"] == AUTHENTICATE
    second_factor_exempt(Status)
    try:
        assert unmarked.get("/status/").content == b"fine"
    finally:
        del Status.second_factor_exempt


@table("exempt", ["/anything/", "/anyth", "/members/", "/anything"])
def test_paths_may_be_exempt(exempt, unmarked, settings):
    settings.TOOPHER_EXEMPT_PATHS = [exempt]
    assert (unmarked.get("/anything/").status_code == 200) is (exempt == "/anything/")
    assert (unmarked.get("/anything/below/").status_code == 200) is (exempt == "/anything/")


def test_a_path_without_a_slash_at_the_end_is_that_one_alone(unmarked, settings):
    settings.TOOPHER_EXEMPT_PATHS = ["/healthz"]
    assert unmarked.get("/healthz").content == b"GET /healthz"
    assert unmarked.get("/healthz/more")["Location"] == AUTHENTICATE
    assert unmarked.get("/healthz/../anything/")["Location"] == AUTHENTICATE


def test_static_files_are_served_to_the_page_that_asks(unmarked, settings):
    settings.DEBUG = True
    response = unmarked.get("/static/django_toopher/toopher.css")
    response.close()
    assert response.resolver_match.func is serve_static
    assert response.status_code == 200
