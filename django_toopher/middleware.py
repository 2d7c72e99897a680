"""Holds every other way in to the same rule: the admin's own login, social login, a session made by other code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY
from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.views import serve as serve_static
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.formats import date_format
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _
from django.views.static import serve as serve_files

from . import policy
from .conf import conf
from .errors import SecondFactorError
from .login import due
from .login.entry import ask_second_factor
from .login.framing import failed
from .login.redirects import is_ours
from .session import generation, state
from .step_up.clients import wants_json

_PAGES = {"document", "iframe", "frame", "object", "embed"}
"""What ``Sec-Fetch-Dest`` says where the browser is going to show the reply as a page."""

_LOGOUTS = {"logout", "account_logout"}
"""How URLconfs call their logout: Django and its admin, and django-allauth."""


class ToopherMiddleware:
    """Stands behind ``AuthenticationMiddleware``. Sends a logged-in session that lacks its second factor to get it.

    A page is answered with a redirect to ``AuthenticateView`` and comes back afterwards. A form that was sent is not
    carried out: the person confirms, comes back to the form, and is told to send it again. Anything else (a script, a
    client that wants JSON) is answered with 403 and
    ``{"reason": "second_factor_required", "authenticate_url": "/accounts/authenticate/"}``.

    Works in both worlds; under ASGI it never blocks the event loop. A verified session costs no query. Requests that
    are authenticated without a session, such as by a token of an API, are not its matter.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        # Django calls it by whether it is a coroutine function: each world needs its own
        self.process_view: Callable[..., Any] = self._stop
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = self._astop

    def __call__(self, request: HttpRequest) -> Any:
        """Nothing here: whether a view is exempt is known only once it is resolved."""
        return self.get_response(request)

    def _stop(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """Stop a view that a half-authenticated session asks for."""
        if not _has_session(request) or _is_open(request, view, kwargs) or not _is_in_question(request):
            return None
        return _answer(request)

    async def _astop(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """The same under ASGI; a thread is needed only where more than the session has to be read."""
        if not _has_session(request) or _is_open(request, view, kwargs):
            return None
        await request.session.aget(SESSION_KEY)  # reads the session; from here on it is in memory
        if not _is_in_question(request):
            return None
        response: HttpResponseBase | None = await sync_to_async(_answer)(request)
        return response


def _is_open(request: HttpRequest, view: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a half-authenticated session may use this view."""
    return (
        bool(getattr(view, "second_factor_exempt", False))
        or bool(getattr(getattr(view, "view_class", None), "second_factor_exempt", False))
        or _is_logout(request, view)
        or _is_service(request)
        or _is_static(view, kwargs)
        or any(_lies_below(request.path_info, path) for path in conf.TOOPHER_EXEMPT_PATHS)
    )


def _is_logout(request: HttpRequest, view: Any) -> bool:
    """Django's own view, or one that the URLconf calls so, as the admin does."""
    called = request.resolver_match.url_name if request.resolver_match else None
    return getattr(view, "view_class", None) is LogoutView or called in _LOGOUTS


def _is_service(request: HttpRequest) -> bool:
    """Whether the embedded service is asked: it believes signatures and no session, and asks for the second factor."""
    return request.resolver_match is not None and "toopher_service" in request.resolver_match.app_names


def _is_static(view: Any, kwargs: dict[str, Any]) -> bool:
    """Whether Django itself serves static files here, which our own pages need as well; uploaded ones are not."""
    root = settings.STATIC_ROOT
    return view is serve_static or (view is serve_files and bool(root) and kwargs.get("document_root") == root)


def _lies_below(path: str, exempt: str) -> bool:
    return path.startswith(exempt) if exempt.endswith("/") else path == exempt


def _has_session(request: HttpRequest) -> bool:
    """Whether there is anything to read: robots have no session, and an untouched one must not vary the reply (S14).

    A middleware may have logged somebody in within this very request, as those for single sign-on do.
    """
    if not hasattr(request, "user"):
        raise ImproperlyConfigured("Put ToopherMiddleware behind AuthenticationMiddleware in MIDDLEWARE.")
    return settings.SESSION_COOKIE_NAME in request.COOKIES or request.session.modified


def _is_in_question(request: HttpRequest) -> bool:
    """Whether somebody is logged in neither verified nor let in, or is to be compared. Reads the session alone."""
    if SESSION_KEY not in request.session:
        return False
    return not ((state.is_verified(request) or state.is_let_in(request)) and generation.was_compared_lately(request))


def _answer(request: HttpRequest) -> HttpResponseBase | None:
    """What to say in place of the view; ``None`` lets it run."""
    if generation.is_verified_or_let_in(request) or not request.user.is_authenticated:
        return None
    try:
        is_due = due.is_due_in_session(request)
    except SecondFactorError as error:
        return _not_known(request, error)
    if not is_due:
        _let_in(request)
        return None
    response = _ask(request) if _can_show_page(request) else _refuse(request)
    add_never_cache_headers(response)  # the same address has the page itself afterwards
    return response


def _not_known(request: HttpRequest, error: SecondFactorError) -> HttpResponseBase:
    """Nobody can say whether a second factor is due, as while the service is down: the page that says so, or JSON."""
    if _can_show_page(request):
        response: HttpResponseBase = failed(request, error)
    else:
        response = JsonResponse({"reason": error.reason}, status=error.status)
    add_never_cache_headers(response)
    return response


def _let_in(request: HttpRequest) -> None:
    """Let the session in; once in it, say until when a phone has to be paired."""
    is_new = state.LET_IN not in request.session
    state.set_let_in(request.session, generation.of_user(request.user))
    until = policy.grace(request.user, request) if is_new else None  # type: ignore[arg-type]
    if until:
        when = date_format(localtime(until) if is_aware(until) else until, "DATETIME_FORMAT")
        text = _("Pair a phone until %(when)s. After that, your password alone does not sign you in.") % {"when": when}
        messages.warning(request, text, fail_silently=True)


def _can_show_page(request: HttpRequest) -> bool:
    """Browsers say what a reply is for; of others it is guessed."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return False
    purpose = request.headers.get("Sec-Fetch-Dest")
    if purpose:
        return purpose in _PAGES
    return request.accepts("text/html") and not wants_json(request)


def _ask(request: HttpRequest) -> HttpResponseBase:
    backend = request.session.get(BACKEND_SESSION_KEY, "")
    if request.method != "POST":
        return ask_second_factor(request, request.user, request.get_full_path(), backend)
    response = ask_second_factor(request, request.user, _page_of(request), backend)
    response.status_code = 303  # to be opened, not sent again
    text = _("What you have sent was not carried out. Confirm with your phone, then send it again.")
    messages.warning(request, text, fail_silently=True)
    return response


def _refuse(request: HttpRequest) -> HttpResponseBase:
    """For scripts: what is missing, and which page to open for it."""
    # no attempt is begun here: the page that is named does that
    url, page = reverse("django_toopher:authenticate"), _page_of(request)
    url = f"{url}?{urlencode({'next': page})}" if page else url
    response = JsonResponse({"reason": "second_factor_required", "authenticate_url": url}, status=403)
    if "HX-Request" in request.headers:
        response["HX-Redirect"] = url  # htmx opens it in place of the page
    return response


def _page_of(request: HttpRequest) -> str:
    """The page of this site from which the request was sent; ``""`` when nobody says."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    return page if is_ours(request, page) else ""
