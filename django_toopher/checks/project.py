"""Whether the project around has what the app needs: apps, middleware, templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, RemoteUserMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.middleware.cache import FetchFromCacheMiddleware
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.utils.module_loading import import_string

from ..middleware import ToopherMiddleware

_CONTRIB = ("auth", "contenttypes", "sessions", "messages")


@register("django_toopher")
def check_apps(**kwargs: Any) -> list[CheckMessage]:
    """Django's own apps that a login needs are installed."""
    found: list[CheckMessage] = [
        Error(
            f"django.contrib.{name} is not installed.",
            hint=f'Add "django.contrib.{name}" to INSTALLED_APPS.',
            id="django_toopher.E008",
        )
        for name in _CONTRIB
        if not apps.is_installed(f"django.contrib.{name}")
    ]
    if not apps.is_installed("django.contrib.staticfiles"):
        hint = 'Add "django.contrib.staticfiles" to INSTALLED_APPS, or serve django_toopher/static/ in another way.'
        what = "django.contrib.staticfiles is not installed: pages may lack their style, and the script that signs in."
        found.append(checks.Warning(what, hint=hint, id="django_toopher.W007"))
    return found


@register("django_toopher")
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Other ways in than our login page, the admin's first of all, are held to the policy as well."""
    try:
        order = [import_string(path) for path in settings.MIDDLEWARE]
    except ImportError:  # Django says so when it starts
        return []
    ours = _places(order, ToopherMiddleware)
    if not ours:
        hint = (
            "Add django_toopher.middleware.ToopherMiddleware to MIDDLEWARE, directly below AuthenticationMiddleware. "
            "Without it the admin's login page, and every other one that is not ours, asks for the password only."
        )
        return [checks.Warning("ToopherMiddleware is not installed.", hint=hint, id="django_toopher.W003")]
    found: list[CheckMessage] = []
    if not _places(order, AuthenticationMiddleware) or ours[0] < _places(order, AuthenticationMiddleware)[0]:
        hint = "Move it directly below django.contrib.auth.middleware.AuthenticationMiddleware."
        what = "ToopherMiddleware stands before AuthenticationMiddleware."
        found.append(Error(what, hint=hint, id="django_toopher.E005"))
    if len(ours) > 1:
        hint = "Remove all but the one below AuthenticationMiddleware."
        found.append(checks.Warning("ToopherMiddleware is installed twice.", hint=hint, id="django_toopher.W008"))
    found += _told_too_early(order, ours[0])
    missing = [each for each in (SessionMiddleware, MessageMiddleware) if not _places(order, each)]
    return found + [
        Error(
            f"{each.__name__} is not installed.",
            hint=f'Add "{each.__module__}.{each.__name__}" to MIDDLEWARE.',
            id="django_toopher.E009",
        )
        for each in missing
    ]


def _told_too_early(order: list[Any], ours: int) -> Iterator[CheckMessage]:
    """What is told who is logged in before the second factor is looked at, or answers without looking (S40)."""
    authentication = _places(order, AuthenticationMiddleware)
    between = range(authentication[0] + 1, ours) if authentication else range(0)
    remote = _places(order, RemoteUserMiddleware)  # says who it is, and answers nobody
    if names := ", ".join(settings.MIDDLEWARE[place] for place in between if place not in remote):
        hint = f"Move {names} below ToopherMiddleware, which then stands directly below AuthenticationMiddleware."
        what = f"{names} may answer for somebody whose second factor is missing: it stands above ToopherMiddleware."
        yield checks.Warning(what, hint=hint, id="django_toopher.W019")
    for place in (place for place in remote if place > ours):
        name = settings.MIDDLEWARE[place]
        hint = f"Move {name} above ToopherMiddleware, directly below AuthenticationMiddleware."
        what = f"Whoever is signed in by {name} is asked for the second factor without end."
        yield checks.Warning(what, hint=hint, id="django_toopher.W021")
    for place in _places(order[: authentication[0]] if authentication else [], FetchFromCacheMiddleware):
        name = settings.MIDDLEWARE[place]
        hint = f"Move {name} below ToopherMiddleware. (UpdateCacheMiddleware stays at the top.)"
        what = f"{name} may serve a member's page to somebody whose second factor is missing."
        yield checks.Warning(what, hint=hint, id="django_toopher.W020")


def _places(order: list[Any], parent: type) -> list[int]:
    return [index for index, entry in enumerate(order) if isinstance(entry, type) and issubclass(entry, parent)]


@register("django_toopher")
def check_templates(**kwargs: Any) -> list[CheckMessage]:
    """The pages' templates are found, the site's own versions of them included, and can be parsed."""
    for name in ("base", "login", "authenticate", "account", "failed"):
        try:
            get_template(f"django_toopher/{name}.html")
        except TemplateDoesNotExist as error:
            hint = (
                'Set "APP_DIRS": True in TEMPLATES, or add the loader django.template.loaders.app_directories.Loader.'
            )
            return [Error(f"The template {error} can't be found.", hint=hint, id="django_toopher.E010")]
        except TemplateSyntaxError as error:
            hint = f"See the site's own version of django_toopher/{name}.html, or of what it extends."
            return [Error(f"django_toopher/{name}.html: {error}", hint=hint, id="django_toopher.E011")]
    return []


_PROCESSORS = ("django.template.context_processors.request", "django.contrib.messages.context_processors.messages")


@register("django_toopher")
def check_context_processors(**kwargs: Any) -> list[CheckMessage]:
    """The pages know the request, and can say what happened."""
    engines: list[dict[str, Any]] = [
        each for each in settings.TEMPLATES if str(each.get("BACKEND")).endswith("DjangoTemplates")
    ]
    if not engines:
        hint = "Add an engine with django.template.backends.django.DjangoTemplates beside the others."
        return [Error("TEMPLATES has no engine for Django's templates.", hint=hint, id="django_toopher.E012")]
    given = engines[0].get("OPTIONS", {}).get("context_processors", ())
    return [
        checks.Warning(
            f"The templates have no context processor {name}.",
            hint=f'Add "{name}" to OPTIONS["context_processors"] in TEMPLATES.',
            id="django_toopher.W009",
        )
        for name in _PROCESSORS
        if name not in given
    ]
