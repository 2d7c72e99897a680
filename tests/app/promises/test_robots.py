"""Robots: what they read and post writes and asks nothing."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.urls import URLPattern, reverse

from django_toopher import urls
from django_toopher.models import Attempt
from tests.app.acts import LOGIN, Statements
from tests.app.ways import FORM, PATH, RECOVER

from .means import EMBEDS, PAGES

pytestmark = PAGES


def _own_pages() -> list[str]:
    """Every address of the URLconf."""
    patterns = [each for each in urls.urlpatterns if isinstance(each, URLPattern)]
    assert len(patterns) == len(urls.urlpatterns)
    tickets = {"ticket": "x"}
    return [
        reverse(f"django_toopher:{each.name}", kwargs=tickets if each.pattern.converters else None) for each in patterns
    ]


@pytest.mark.parametrize("embed", EMBEDS)
def test_S14_whatever_a_robot_reads_writes_and_asks_nothing(embed, db, browser, settings):
    settings.TOOPHER_EMBED = embed
    assert LOGIN in _own_pages()
    assert RECOVER in _own_pages()
    for path in [*_own_pages(), "/members/", PATH, "/admin/", "/"]:
        for method in (browser.client.get, browser.client.head, browser.client.options):
            with Statements() as statements:
                response = method(path, secure=True)
            assert response.status_code in {200, 302, 403, 404, 405}, path
            assert not statements.queries + statements.controls, path
            assert django_settings.SESSION_COOKIE_NAME not in response.cookies, path
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()


def test_S14_whatever_a_robot_posts_writes_nothing(db, browser):
    for path in [*_own_pages(), "/members/", PATH]:
        with Statements() as statements:
            browser.post(path, FORM)
        assert not [query for query in statements.queries if not query.startswith("SELECT")], path
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()
