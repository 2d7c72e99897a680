"""The checks that name ways in without a session (SECURITY.md S41). Other packages': ``tests/third_party``."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import pytest
from django.core.checks import run_checks
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    RemoteUserAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.decorators import action, api_view, authentication_classes
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_toopher import rest_framework as ours
from tests.tables import table
from tests.urls import urlpatterns as project

BASIC, TOKEN = "rest_framework.authentication.BasicAuthentication", "rest_framework.authentication.TokenAuthentication"


class Silent(APIView):
    """Leaves it to the default."""


class Own(BasicAuthentication):
    """A subclass of the framework's."""


class Key(BaseAuthentication):
    """What nobody has heard of."""


class CsrfExempt(SessionAuthentication):
    """A session all the same."""


class OurOwn(ours.BasicAuthentication):
    """A subclass of ours."""


class TokenFirst(SessionAuthentication):
    """A session, or what nobody has heard of."""

    def authenticate(self, request):
        return TokenAuthentication().authenticate(request) or super().authenticate(request)


def view_with(*classes, **more):
    return type("Api", (APIView,), {"__module__": __name__, "authentication_classes": list(classes), **more}).as_view()


@api_view(["GET"])
@authentication_classes([TokenAuthentication])
def function(request):
    return Response({})


class Things(ViewSet):
    authentication_classes = [TokenAuthentication]

    def list(self, request):
        return Response({})


class Further(ViewSet):
    authentication_classes = [SessionAuthentication]

    def list(self, request):
        return Response({})

    @action(detail=False, authentication_classes=[TokenAuthentication])
    def more(self, request):
        return Response({})


def careless(view):
    """A decorator without ``functools.wraps``."""

    def inner(request, *args, **kwargs):
        return view(request, *args, **kwargs)

    return inner


def router_of(viewset):
    router = SimpleRouter()
    router.register("things", viewset, basename="things")
    return include(router.urls)


def found() -> list[tuple[str, str, str]]:
    """Number, text and hint of each finding."""
    return [
        (message.id.rpartition(".")[2], message.msg, message.hint) for message in run_checks(tags=["django_toopher"])
    ]


@pytest.fixture
def named(settings):
    """What is found in a project that has these routes more."""

    def named(*routes, default=(), **more):
        urls = ModuleType("urls")
        urls.urlpatterns = [*project, *routes]
        settings.ROOT_URLCONF = urls
        settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": list(default), **more}
        return [(number, text) for number, text, hint in found() if hint]

    return named


# Django REST framework


def test_S41_W014_the_frameworks_own_default(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "rest_framework"]
    ((number, text, hint),) = found()
    assert (number, text) == (
        "W014",
        f"{BASIC} lets people in by their password alone: DEFAULT_AUTHENTICATION_CLASSES, which is not set.",
    )
    assert "django_toopher.rest_framework.BasicAuthentication" in hint


def test_S41_W014_the_default_where_only_a_view_shows_that_the_framework_is_used(settings):
    urls = ModuleType("urls")
    urls.urlpatterns = [*project, path("api/", Silent.as_view())]
    settings.ROOT_URLCONF = urls
    assert [number for number, _text, _hint in found()] == ["W014"]


def test_S41_the_default_that_a_project_sets(named):
    assert named(path("api/", Silent.as_view()), default=[TOKEN, BASIC]) == [
        ("W015", f"{TOKEN} lets people in without a second factor: DEFAULT_AUTHENTICATION_CLASSES."),
        ("W014", f"{BASIC} lets people in by their password alone: DEFAULT_AUTHENTICATION_CLASSES."),
    ]


@table(
    ("kind", "number"),
    [
        (BasicAuthentication, "W014"),
        (Own, "W014"),
        (TokenAuthentication, "W015"),
        (RemoteUserAuthentication, "W015"),
        (Key, "W015"),
        (SessionAuthentication, None),
        (CsrfExempt, None),
        (ours.SessionAuthentication, None),
        (ours.BasicAuthentication, None),
        (OurOwn, None),
        (TokenFirst, "W015"),
    ],
    ids=lambda cell: getattr(cell, "__name__", cell),
)
def test_S41_what_a_view_says_itself(kind, number, named):
    told = named(path("api/", view_with(kind)))
    assert [each for each, _text in told] == ([number] if number else [])
    assert all(kind.__name__ in text and "api/" in text for _number, text in told)


@table(
    "route",
    [
        path("x/", view_with(TokenAuthentication)),
        path("x/", view_with(SessionAuthentication, TokenAuthentication)),
        path("x/", Silent.as_view(authentication_classes=[TokenAuthentication])),
        path("x/", function),
        path("", include([path("a/", include([path("b/", function)]))])),
        path("x/", never_cache(csrf_exempt(function))),
        path("x/", careless(function)),
        path("x/", partial(function)),
        path("", router_of(Things)),
        path("", router_of(Further)),
    ],
    ids=range(10),
)
def test_S41_W015_wherever_the_view_is(route, named):
    ((number, text),) = named(route)
    assert number == "W015"
    assert TOKEN in text


def test_S41_one_finding_for_each_class_names_the_first_places(named):
    told = named(*[path(f"{number}/", function) for number in range(5)])
    assert told == [("W015", f"{TOKEN} lets people in without a second factor: 0/, 1/, 2/ and 2 more.")]


def test_a_default_that_nobody_uses_is_nothing_to_complain_of(settings):
    """As with Wagtail, whose admin brings views of the framework without the framework."""
    urls = ModuleType("urls")
    urls.urlpatterns = [*project, path("api/", view_with(SessionAuthentication))]
    settings.ROOT_URLCONF = urls
    assert found() == []


def test_a_view_whose_requests_are_confirmed_each_is_not_named(named):
    view = view_with(TokenAuthentication, permission_classes=[ours.SecondFactorRequired], second_factor_action="Pay")
    assert named(path("pay/", view)) == []


@table("decides", ["get_permissions", "permission_classes"])
def test_S41_W015_a_view_that_decides_for_each_request_what_is_confirmed_is_named(decides, named):
    said = {"permission_classes": [ours.SecondFactorRequired]}
    said[decides] = property(list) if decides == "permission_classes" else lambda self: []
    ((number, _text),) = named(path("pay/", view_with(TokenAuthentication, **said)))
    assert number == "W015"


def test_what_a_view_decides_for_each_request_is_not_seen(named):
    assert named(path("x/", type("Api", (APIView,), {"authentication_classes": property(list)}).as_view())) == []


def test_a_site_that_has_looked_is_left_alone(settings, named):
    settings.SILENCED_SYSTEM_CHECKS = ["django_toopher.W015"]
    named(path("x/", function))
    assert [each.is_silenced() for each in run_checks(tags=["django_toopher"])] == [True]


def test_a_default_that_cannot_be_imported_is_for_the_framework_to_tell(named):
    assert named(path("x/", view_with()), default=["nowhere.Nothing"]) == []


# Tokens


def test_S41_W016_a_view_that_gives_tokens_out(named):
    view = view_with(serializer_class=type("Own", (AuthTokenSerializer,), {}))
    assert named(path("token/", view)) == [("W016", f"{__name__}.Api gives a token for the password alone: token/.")]


# URLconfs


def test_a_urlconf_that_includes_itself(settings):
    urls = ModuleType("urls")
    urls.urlpatterns = [*project, path("x/", function)]
    urls.urlpatterns.append(path("again/", include(urls.urlpatterns)))
    settings.ROOT_URLCONF = urls
    from django_toopher.checks import ways_in

    assert {each for each, _view, _given in ways_in._views()} >= {"x/"}


@pytest.mark.parametrize("urls", ["tests.nowhere", "tests.app.policies", "tests.app.test_checks_ways_in.broken"])
def test_a_urlconf_that_cannot_be_imported_is_for_django_to_tell(urls, settings):
    from django_toopher.checks import ways_in

    settings.ROOT_URLCONF = urls
    checks = (ways_in.check_rest_authentication, ways_in.check_token_views, ways_in.check_headless)
    assert [check() for check in checks] == [[], [], []]


def test_views_of_django_are_nothing_to_complain_of(named):
    class Plain(View):
        @method_decorator(never_cache)
        def get(self, request): ...

    assert named(path("a/", Plain.as_view()), path("b/", lambda request: None), path("c/", partial(Plain))) == []
