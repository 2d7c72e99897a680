"""From the settings to the service, wherever it is."""

from __future__ import annotations

import socket
from contextlib import suppress
from types import ModuleType

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as database
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import get_script_prefix, get_urlconf, include, path, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from django_toopher import connection, embedded
from django_toopher.client import ToopherApiError, UserUnknownError
from django_toopher.in_process import InProcessAdapter
from django_toopher.service.models import User
from django_toopher.service_link import endpoint
from tests.tables import table

from .acts import AUTHENTICATE, signed_parameters


def test_without_settings_the_service_is_the_embedded_one(db):
    assert endpoint.is_embedded()
    assert endpoint.credentials() == (embedded.CONSUMER_KEY, embedded.consumer_secrets()[0])
    assert endpoint.base_url() == "https://testserver/toopher/v1"
    user = connection.api().create_user("alice")
    assert User.objects.get(pk=user.id).name == "alice"


@pytest.mark.parametrize(
    ("secure", "host", "root"),
    [
        (True, "testserver", "https://testserver/toopher/v1"),
        (False, "localhost:8000", "http://localhost:8000/toopher/v1"),
        (True, "localhost:8443", "https://localhost:8443/toopher/v1"),
    ],
)
def test_the_embedded_service_is_where_the_browser_reaches_it(secure, host, root, rf: RequestFactory, db):
    request = rf.get("/", secure=secure, headers={"host": host})
    assert endpoint.base_url(request) == root
    assert connection.iframe(request).base_uri == root
    assert connection.api(request).create_user("alice").name == "alice"


@table(
    ("hosts", "host"),
    [
        (["club.example"], "club.example"),
        (["*"], "localhost"),
        (["*", "club.example"], "club.example"),
        ([".club.example", "other.example"], "club.example"),
        (["[::1]"], "[::1]"),
        (["127.0.0.1"], "127.0.0.1"),
    ],
)
def test_without_a_browser_the_embedded_service_is_called_by_a_host_that_is_allowed(hosts, host, settings, db):
    settings.ALLOWED_HOSTS = hosts
    assert endpoint.base_url() == f"https://{host}/toopher/v1"
    assert connection.api().create_user("alice").name == "alice"


@pytest.mark.parametrize("url", ["https://2fa.example.org/toopher/v1", "https://2fa.example.org/toopher/v1/"])
def test_a_service_elsewhere_is_where_the_setting_says(url, settings, rf):
    settings.TOOPHER_BASE_URL = url
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    settings.TOOPHER_TIMEOUT = 2.5
    assert not endpoint.is_embedded()
    assert endpoint.base_url() == endpoint.base_url(rf.get("/")) == "https://2fa.example.org/toopher/v1"
    assert endpoint.credentials() == ("key", "secret")
    api = connection.api()
    assert (api.base_url, api.timeout) == ("https://2fa.example.org/toopher/v1", 2.5)
    adapter = api.session.get_adapter(f"{api.base_url}/users")
    assert not isinstance(adapter, InProcessAdapter)


@table(
    ("url", "key", "secret", "missing"),
    [
        ("https://2fa.example.org/v1", None, None, "TOOPHER_CONSUMER_KEY"),
        ("https://2fa.example.org/v1", "key", None, "TOOPHER_CONSUMER_SECRET"),
        ("https://2fa.example.org/v1", None, "secret", "TOOPHER_CONSUMER_KEY"),
        (None, "key", None, "TOOPHER_CONSUMER_SECRET"),
        (None, None, "secret", "TOOPHER_CONSUMER_KEY"),
        (None, "key", "", "TOOPHER_CONSUMER_SECRET"),
    ],
)
def test_a_missing_credential_is_named(url, key, secret, missing, settings):
    settings.TOOPHER_BASE_URL, settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = url, key, secret
    with pytest.raises(ImproperlyConfigured, match=missing):
        endpoint.credentials()


def test_the_embedded_service_takes_other_credentials_too(settings, make_requester):
    make_requester("key", "secret")
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    assert connection.api().create_user("alice").name == "alice"
    assert User.objects.get().requester.consumer_key == "key"


def test_wrong_credentials_are_refused_by_the_embedded_service_too(settings, make_requester):
    make_requester("key", "secret")
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "wrong"
    with pytest.raises(ToopherApiError) as caught:
        connection.api().create_user("alice")
    assert caught.value.status == 401


def test_without_the_service_app_the_remedy_is_named(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_toopher.service"]
    with pytest.raises(ImproperlyConfigured, match="TOOPHER_BASE_URL"):
        endpoint.base_url()


@pytest.fixture
def mounted(settings):
    """Makes URLconfs."""

    def mount(*patterns):
        urls = ModuleType("urls")
        urls.urlpatterns = [*patterns]
        settings.ROOT_URLCONF = urls

    return mount


def test_without_the_urls_of_the_service_the_remedy_is_named(mounted):
    mounted(path("accounts/", include("django_toopher.urls")))
    with pytest.raises(ImproperlyConfigured, match=r"django_toopher\.service\.urls"):
        endpoint.base_url()


def test_the_service_may_be_mounted_anywhere(mounted, db):
    mounted(path("a/b c/", include("django_toopher.service.urls")))
    assert endpoint.base_url() == "https://testserver/a/b%20c/v1"
    assert connection.api().create_user("alice").name == "alice"


@pytest.fixture
def script_prefix():
    before = get_script_prefix()
    set_script_prefix("/club/")
    yield "/club"
    set_script_prefix(before)


def test_a_site_below_a_prefix_reaches_its_service(script_prefix, db, rf):
    request = rf.get("/", secure=True, SCRIPT_NAME=script_prefix)
    assert endpoint.base_url(request) == "https://testserver/club/toopher/v1"
    assert connection.api(request).create_user("alice").name == "alice"
    assert get_script_prefix() == "/club/"


def seen(request: HttpRequest) -> HttpResponse:
    """What a view finds active."""
    return HttpResponse("|".join([translation.get_language() or "", timezone.get_current_timezone_name()]))


def test_what_the_outer_request_has_active_is_kept(db, settings):
    settings.TIME_ZONE = "UTC"
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        set_urlconf("tests.app.urls")
        try:
            connection.api().create_user("alice")
            with pytest.raises(UserUnknownError):
                connection.api().reset_user("nobody")
            assert get_urlconf() == "tests.app.urls"
        finally:
            set_urlconf(None)
        assert translation.get_language() == "de"
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"


def test_the_service_does_not_see_what_the_outer_request_has_active(mounted):
    mounted(path("toopher/", include(([path("v1/", seen, name="root")], "toopher_service"))))
    session = requests.Session()
    session.mount("https://testserver", InProcessAdapter())
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        assert session.get("https://testserver/toopher/v1/").text == "|UTC"


def test_an_error_of_the_service_leaves_the_outer_transaction_usable(db):
    with transaction.atomic():
        User.objects.count()
        api = connection.api()
        with pytest.raises(ToopherApiError):
            api.get("nothing/here")
        with pytest.raises(UserUnknownError):
            api.reset_user("nobody")
        assert api.create_user("alice").name == "alice"
        assert database.connection is not None
        assert User.objects.filter(name="alice").exists()


def test_an_unexpected_error_inside_the_service_is_an_unusable_answer(mounted, settings):
    def broken(request):
        raise RuntimeError

    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    mounted(path("toopher/v1", broken, name="x"), path("toopher/v1/users", broken))
    session = requests.Session()
    session.mount("https://testserver", InProcessAdapter())
    assert session.get("https://testserver/toopher/v1/users").status_code == 500


def test_names_travel_unharmed_in_the_same_process(db):
    for name in ("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "a&b=c", "a+b c", "100%", "\N{SNOWMAN}", "a\nb", "~*'()"):
        assert connection.api().create_user(name).name == name
        assert connection.api().get("users", user_name=name)[0]["name"] == name


def test_a_service_that_is_another_process_is_asked_over_a_socket(
    live_server, settings, transactional_db, make_requester, make_user, computer
):
    make_requester("key", "secret")
    settings.TOOPHER_BASE_URL = f"{live_server.url}/toopher/v1"
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "key", "secret"
    settings.TOOPHER_POLICY = "required"
    make_user("alice")
    computer.password()
    assert signed_parameters(computer)["oauth_consumer_key"] == "key"
    assert live_server.url in computer.get(AUTHENTICATE).content.decode()


@table("host", ["evil.example:0443", "evil.example:443", "EVIL.example", "testserver:00001"])
def test_S06_whatever_the_host_header_says_no_other_service_is_asked(host, db, rf, settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["*"]
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: opened.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_options: opened.append(args) or [])
    with suppress(ToopherApiError):
        connection.api(rf.get("/", secure=True, headers={"Host": host})).create_user("alice")
    assert opened == []
