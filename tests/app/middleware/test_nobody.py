"""A session that still lacks its second factor is nobody to everything but exempt views (SECURITY.md S40)."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib import admin
from django.contrib.auth import SESSION_KEY
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.middleware import get_user
from django.core.cache import cache
from django.http import Http404, HttpResponse, HttpResponseNotFound
from django.test import AsyncClient
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import cache_control

from django_toopher.decorators import second_factor_exempt
from django_toopher.models import ToopherAccount
from tests.factories import verified
from tests.tables import table

from ..acts import AUTHENTICATE, POSTBACK, approve
from ..urls import urlpatterns as project
from .clock import later

pytestmark = pytest.mark.urls(__name__)

OURS = "django_toopher.middleware.ToopherMiddleware"
CACHE = "django.middleware.cache"


def seen_by(request):
    """Who is logged in, by all the ways in which a request is asked."""
    return [user.get_username() for user in (request.user, async_to_sync(request.auser)(), get_user(request))]


def missing(request, **kwargs):
    raise Http404


def not_found(request, exception=None):
    return HttpResponseNotFound(f"nothing here for {request.user.get_username() or 'nobody'}")


@second_factor_exempt
def exempt(request):
    return HttpResponse(f"exempt view for {request.user.get_username()}")


@second_factor_exempt
def exempt_and_missing(request):
    raise Http404(request.user.get_username())


@login_required
@cache_control(max_age=600)
def members(request):
    return HttpResponse(f"for members, {request.user.get_username()}")


class Portal(admin.AdminSite):
    """A second admin site, which a project may call anything."""


class Bye(auth_views.LogoutView):
    """A site's own logout."""

    next_page = "/"


portal = Portal("portal")
handler404 = not_found
urlpatterns = [
    path("exempt/", exempt),
    path("exempt/missing/", exempt_and_missing),
    path("cached/", members),
    path("journal/logout/", members, name="logout"),
    path("bye/", Bye.as_view()),
    path("portal/", portal.urls),
    *project,
]


class FallbackMiddleware(MiddlewareMixin):
    """As FlatpageFallbackMiddleware: where no view answers, a page for members is served to members."""

    def process_response(self, request, response):
        if response.status_code != 404 or not request.user.is_authenticated:
            return response
        return HttpResponse(f"a page for {request.user.get_username()}")


class WatchingMiddleware(MiddlewareMixin):
    """Writes down who it is told it is before the view."""

    seen: list[str] = []

    def process_request(self, request):
        self.seen.append(request.user.get_username() or "nobody")


def with_below(settings, *names):
    """Further middleware below ours."""
    order = list(settings.MIDDLEWARE)
    order[order.index(OURS) + 1 : order.index(OURS) + 1] = [
        name if "." in name else f"{__name__}.{name}" for name in names
    ]
    settings.MIDDLEWARE = order


def test_S40_a_fallback_for_missing_pages_serves_nobody(account, unmarked, settings):
    with_below(settings, "FallbackMiddleware")
    assert unmarked.get("/pages/for/members/").status_code == 404
    verified(unmarked, account.user)
    assert unmarked.get("/pages/for/members/").content == b"a page for alice"


def test_S40_a_fallback_above_serves_nobody_either(unmarked, settings):
    settings.MIDDLEWARE = [f"{__name__}.FallbackMiddleware", *settings.MIDDLEWARE]
    assert unmarked.get("/pages/for/members/").status_code == 404
    assert unmarked.get("/exempt/missing/").status_code == 404


def test_S40_what_a_cache_has_kept_is_not_served_once_the_mark_has_ended(account, computer, settings, monkeypatch):
    cache.clear()
    settings.MIDDLEWARE = [
        f"{CACHE}.UpdateCacheMiddleware", *settings.MIDDLEWARE, f"{CACHE}.FetchFromCacheMiddleware"
    ]  # fmt: skip
    verified(computer, account.user)
    assert computer.get("/cached/").content == b"for members, alice"
    ToopherAccount.objects.get().change()
    later(61, monkeypatch)
    assert computer.get("/cached/")["Location"] == AUTHENTICATE


@table("url", ["/nowhere/", "/exempt/missing/"])
def test_S40_an_error_page_names_nobody(url, unmarked):
    response = unmarked.get(url)
    assert (response.status_code, response.content) == (404, b"nothing here for nobody")


def test_S40_an_exempt_view_knows_who_it_is_and_nothing_before_it(unmarked, settings):
    with_below(settings, "WatchingMiddleware")
    WatchingMiddleware.seen.clear()
    assert unmarked.get("/exempt/").content == b"exempt view for alice"
    assert WatchingMiddleware.seen == ["nobody"]


def test_S40_whichever_way_a_request_is_asked_nobody_is_logged_in(unmarked, settings, monkeypatch):
    told = []
    monkeypatch.setattr(
        FallbackMiddleware,
        "process_response",
        lambda self, request, response: told.extend(seen_by(request)) or response,
    )
    with_below(settings, "FallbackMiddleware")
    unmarked.get("/nowhere/")
    assert told == ["", "", ""]


@table("url", ["/toopher/v1/", "/toopher/v1/nowhere", "/toopher/v1/web/frame/state"])
def test_S40_what_stands_before_the_service_is_told_of_nobody(url, unmarked, settings, monkeypatch):
    told = []
    monkeypatch.setattr(
        FallbackMiddleware,
        "process_response",
        lambda self, request, response: told.extend(seen_by(request)) or response,
    )
    with_below(settings, "FallbackMiddleware", "WatchingMiddleware")
    WatchingMiddleware.seen.clear()
    unmarked.get(url)
    assert told == ["", "", ""]
    assert WatchingMiddleware.seen == ["nobody"]


@table("url", ["/journal/logout/", "/portal/"])
def test_S40_a_name_makes_no_logout(url, unmarked):
    assert unmarked.get(url)["Location"] == AUTHENTICATE


@table("url", ["/bye/", "/portal/logout/", "/admin/logout/", "/logout/"])
def test_S40_a_logout_is_known_by_what_it_is(url, staff, make_computer):
    ToopherAccount.objects.update_or_create(user=staff, defaults={"paired": True, "name": "staff"})
    computer = make_computer()
    computer.client.force_login(staff)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    assert computer.post(url).status_code in {200, 302}
    assert SESSION_KEY not in computer.client.session


def test_S40_a_view_that_asks_who_it_is_in_its_login_is_told(unmarked, phone):
    """The admin's login page would send people round in a circle if it did not know them."""
    unmarked.get("/members/")
    assert "alice" in unmarked.get(AUTHENTICATE).content.decode()
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == "/members/"


class OtherUrls(MiddlewareMixin):
    """As packages for subdomains: the address leads elsewhere than the project says."""

    def process_request(self, request):
        request.urlconf = "tests.app.middleware.other_urls"


def test_S40_where_middleware_below_changes_the_addresses_the_view_is_stopped_all_the_same(unmarked, settings):
    with_below(settings, "OtherUrls")
    assert unmarked.get("/only/there/")["Location"] == AUTHENTICATE
    assert unmarked.get("/exempt/")["Location"] == AUTHENTICATE  # exempt here, and not there


def test_S40_a_service_mounted_at_the_root_opens_nothing(unmarked, settings):
    settings.ROOT_URLCONF = "tests.app.middleware.root_urls"
    assert unmarked.get("/members/")["Location"].startswith("/accounts/authenticate/")


@pytest.fixture
def ask(computer):
    """Sends requests with this computer's cookies through the ASGI handler."""

    def send(url, **extra):
        client = AsyncClient()
        client.cookies = computer.client.cookies
        return async_to_sync(client.get)(url, secure=True, **extra)

    return send


@sync_and_async_middleware
def watching(get_response):
    """Native in both worlds, and asks in the way of each."""

    async def awatch(request):
        before = (await request.auser()).get_username()
        response = await get_response(request)
        response["Seen"] = before or "nobody"
        return response

    def watch(request):
        before = request.user.get_username()
        response = get_response(request)
        response["Seen"] = before or "nobody"
        return response

    return awatch if iscoroutinefunction(get_response) else watch


@table("url", ["/exempt/", "/nowhere/", "/exempt/missing/"])
def test_S40_under_asgi_too(url, account, unmarked, settings, ask):
    with_below(settings, "watching")
    assert unmarked.get(url)["Seen"] == ask(url)["Seen"] == "nobody"
    for missing in ("/nowhere/", "/exempt/missing/"):
        assert ask(missing).content == b"nothing here for nobody"
    assert ask("/exempt/").content == b"exempt view for alice"
    assert ask("/members/")["Location"] == AUTHENTICATE
    verified(unmarked, account.user)
    assert ask("/exempt/")["Seen"] == "alice"
