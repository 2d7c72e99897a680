"""Ways in without a session: each that can be seen is named, for the middleware holds sessions only (SECURITY.md S41).

Everything is known by the names of classes: none of the packages they are in is needed, and what a project uses is
imported by its URLconf already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import takewhile
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register
from django.urls import URLPattern, URLResolver, get_resolver

_REST_VIEW = "rest_framework.views.APIView"
_HELD = {
    "rest_framework.authentication.SessionAuthentication",
    "django_toopher.rest_framework.SessionAuthentication",
    "django_toopher.rest_framework.BasicAuthentication",
}
"""What needs a session, which the middleware holds, or asks itself."""
_CONFIRMED = "django_toopher.rest_framework.SecondFactorRequired"
_BASIC = "rest_framework.authentication.BasicAuthentication"
_DEFAULT = "DEFAULT_AUTHENTICATION_CLASSES"

_TOKEN_VIEWS = {
    "dj_rest_auth.views.LoginView",
    "djoser.views.TokenCreateView",
    "rest_framework.authtoken.views.ObtainAuthToken",
    "rest_framework_simplejwt.views.TokenObtainPairView",
    "rest_framework_simplejwt.views.TokenObtainSlidingView",
}
_TOKEN_SERIALIZERS = {
    "rest_framework.authtoken.serializers.AuthTokenSerializer",
    "rest_framework_simplejwt.serializers.TokenObtainSerializer",
}
_HEADLESS_VIEW = "allauth.headless.base.views.APIView"

_ASGI_AUTH, _ASGI_OURS = "channels.auth.AuthMiddleware", "django_toopher.asgi.ScopeMiddleware"
_ASGI_WITHIN = ("inner", "application", "app", "application_mapping", "routes", "callback")
"""Where middlewares and routers of ASGI keep what stands within them."""


@register("django_toopher")
def check_rest_authentication(**kwargs: Any) -> list[CheckMessage]:
    """Each class by which Django REST framework believes somebody without a session."""
    return [
        _of_password(each, places) if _BASIC in _kinds(each) else _of_token(each, places) for each, places in _open()
    ]


def _of_password(each: Any, places: list[str]) -> CheckMessage:
    hint = (
        "Put django_toopher.rest_framework.BasicAuthentication in its place. It refuses whoever has to have a second "
        "factor, because nobody's phone can be asked by Basic; people at a browser get in by SessionAuthentication."
    )
    what = f"{_name(each)} lets people in by their password alone: {_few(places)}."
    return checks.Warning(what, hint=hint, id="django_toopher.W014")


def _of_token(each: Any, places: list[str]) -> CheckMessage:
    hint = (
        "The middleware holds sessions only: nobody's phone is asked where a token or a key is used, so it matters who "
        "gets one, and how. SecondFactorRequired confirms single requests. Once you have looked, silence this check."
    )
    what = f"{_name(each)} lets people in without a second factor: {_few(places)}."
    return checks.Warning(what, hint=hint, id="django_toopher.W015")


@register("django_toopher")
def check_token_views(**kwargs: Any) -> list[CheckMessage]:
    """Each view that gives out a token for a password."""
    hint = (
        "Take it out of the URLconf, or give tokens out on a page that needs a session, which the middleware holds. "
        "What asks for the second factor in its place comes in a later version."
    )
    return [
        checks.Warning(f"{_name(each)} gives a token for the password alone: {_few(at)}.", hint=hint, id=_TOKENS)
        for each, at in _grouped(_token_views())
    ]


_TOKENS = "django_toopher.W016"


@register("django_toopher")
def check_headless(**kwargs: Any) -> list[CheckMessage]:
    """The client of django-allauth that has its session in a header, where the middleware does not look."""
    places = [path for path, view, given in _views() if _HEADLESS_VIEW in _kinds(view) and given.get("client") == "app"]
    if not places:
        return []
    hint = (
        'Set HEADLESS_CLIENTS = ["browser"]: that one has an ordinary session, which the middleware holds. What asks '
        "for the second factor in the other comes in a later version."
    )
    what = f'The client "app" of allauth.headless signs people in by their password alone: {_few(places)}.'
    return [checks.Warning(what, hint=hint, id="django_toopher.W017")]


@register("django_toopher")
def check_asgi(**kwargs: Any) -> list[CheckMessage]:
    """What Channels tells of the user to consumers goes through our middleware."""
    if not apps.is_installed("channels") or not _tells_user(_asgi_application()):
        return []
    hint = (
        "Put django_toopher.asgi.ScopeMiddleware inside of it: AuthMiddlewareStack(ScopeMiddleware(URLRouter(...))). "
        "Django's own middlewares never see a socket."
    )
    what = "AuthMiddleware of Channels tells consumers who somebody is that has given the password alone."
    return [checks.Warning(what, hint=hint, id="django_toopher.W018")]


# Django REST framework


def _open() -> Iterator[tuple[Any, list[str]]]:
    """The classes that are not held, and where they are used."""
    views = [each for each in _views() if _REST_VIEW in _kinds(each[1])]
    own = {path: _classes_of(view, given) for path, view, given in views if not _is_confirmed(view, given)}
    is_default_used = apps.is_installed("rest_framework") or None in own.values()
    place = _DEFAULT if _DEFAULT in getattr(settings, "REST_FRAMEWORK", {}) else f"{_DEFAULT}, which is not set"
    found = [(each, place) for each in (_default_classes() if is_default_used else [])]
    found += [(each, path) for path, classes in own.items() for each in classes or ()]
    return _grouped((each, path) for each, path in found if not _is_held(each))


def _is_held(each: Any) -> bool:
    """Whether it is one of those, or a subclass that does not find anybody in a way of its own."""
    own = list(takewhile(lambda kind: _name(kind) not in _HELD, getattr(each, "__mro__", ())))
    return bool(_kinds(each) & _HELD) and not any("authenticate" in vars(kind) for kind in own)


def _classes_of(view: Any, given: dict[str, Any]) -> list[Any] | None:
    """By what a view believes people; ``None`` when it leaves that to the default."""
    said = [given, *(vars(each) for each in view.__mro__ if _name(each) != _REST_VIEW)]
    return next((_listed(each["authentication_classes"]) for each in said if "authentication_classes" in each), None)


def _is_confirmed(view: Any, given: dict[str, Any]) -> bool:
    """Whether each request to it has to be confirmed on the phone."""
    if any("get_permissions" in vars(each) for each in view.__mro__ if _name(each) != _REST_VIEW):
        return False  # what it decides for each request is not seen here
    permissions = given.get("permission_classes", view.permission_classes)
    return any(_CONFIRMED in _kinds(each) for each in _listed(permissions))


def _listed(classes: Any) -> list[Any]:
    """A property has another answer for each request: nothing is seen of it."""
    return list(classes) if isinstance(classes, list | tuple) else []


def _default_classes() -> list[Any]:
    """What views use that say nothing themselves."""
    try:
        return list(import_module("rest_framework.settings").api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    except ImportError:  # the framework says so at its first view
        return []


def _token_views() -> Iterator[tuple[Any, str]]:
    for path, view, given in _views():
        serializer = given.get("serializer_class", getattr(view, "serializer_class", None))
        if _kinds(view) & _TOKEN_VIEWS or _kinds(serializer) & _TOKEN_SERIALIZERS:
            yield view, path


# Channels


def _asgi_application() -> Any:
    """What ``ASGI_APPLICATION`` names; ``None`` where it can't be had, which the server says."""
    module, _dot, name = str(getattr(settings, "ASGI_APPLICATION", None)).rpartition(".")
    try:
        return getattr(import_module(module), name)
    except Exception:  # noqa: BLE001 (the project's own code)
        return None


def _tells_user(node: Any, is_told: bool = False, seen: tuple[int, ...] = ()) -> bool:
    """Whether somebody's session is read around an application that our middleware does not stand around."""
    kinds = _kinds(type(node))
    is_told = (is_told or _ASGI_AUTH in kinds) and _ASGI_OURS not in kinds
    within = [] if id(node) in seen else list(_within(node))
    return any(_tells_user(each, is_told, (*seen, id(node))) for each in within) if within else is_told


def _within(node: Any) -> Iterator[Any]:
    for value in [getattr(node, "__dict__", {}).get(name) for name in _ASGI_WITHIN]:
        if isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, (list, tuple)):
            yield from value
        elif value is not None:
            yield value


# The URLconf


def _views() -> list[tuple[str, Any, dict[str, Any]]]:
    """The path of each view that is a class, the class, and what ``as_view()`` was given."""
    try:
        return [(path, *found) for path, view in _routes(get_resolver()) for found in _class_of(view)]
    except Exception:  # noqa: BLE001 (a URLconf that can't be imported, for whatever reason: Django says so)
        return []


def _routes(resolver: URLResolver, path: str = "", within: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{path}{each.pattern}", each.callback
        elif isinstance(each, URLResolver) and id(each.urlconf_name) not in within:  # a URLconf may include itself
            yield from _routes(each, f"{path}{each.pattern}", (*within, id(each.urlconf_name)))


def _class_of(view: Any) -> Iterator[tuple[type, dict[str, Any]]]:
    """The class that ``view`` was made of, if it was; also below decorators."""
    waiting, seen = [view], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        kind = getattr(each, "cls", None) or getattr(each, "view_class", None)
        if isinstance(kind, type):
            yield kind, {**getattr(each, "view_initkwargs", {}), **getattr(each, "initkwargs", {})}
            return
        waiting += _wrapped(each)


def _wrapped(view: Any) -> list[Callable[..., Any]]:
    """What a decorator, well-behaved or not, was put on."""
    candidates = [getattr(view, name, None) for name in ("__wrapped__", "func")]
    for cell in getattr(view, "__closure__", None) or ():
        try:
            candidates.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return [each for each in candidates if callable(each) and not isinstance(each, type)]


# Words


def _kinds(kind: Any) -> set[str]:
    """The names of a class and of all that it is made of."""
    return {_name(each) for each in getattr(kind, "__mro__", ())}


def _name(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', repr(kind))}"


def _grouped(found: Iterable[tuple[Any, str]]) -> Iterator[tuple[Any, list[str]]]:
    places: dict[Any, list[str]] = {}
    for each, place in found:
        places.setdefault(each, []).append(place)
    yield from places.items()


def _few(places: list[str]) -> str:
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return ", ".join(places[:3]) + more
