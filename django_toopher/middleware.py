"""Holds every other way in to the same rule: the admin's own login, social login, a session made by other code."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY, logout
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, get_script_prefix, resolve, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.formats import date_format
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _

from . import policy
from .errors import SecondFactorError
from .exempt import is_one_of, is_open, is_service
from .impersonation import is_hijacked
from .login import due
from .login.entry import ask_second_factor
from .login.framing import failed
from .login.redirects import is_ours
from .session import generation, sitting, state
from .step_up.clients import wants_json

_PAGES = {"document", "iframe", "frame", "object", "embed"}
"""What ``Sec-Fetch-Dest`` says where the browser is going to show the reply as a page."""

_HIJACK = {("hijack.views", "AcquireUserView"), ("hijack.views", "ReleaseUserView")}

_IDENTITY = "_toopher_identity"
"""The attribute of a request that keeps who is logged in where that is nobody's business."""


class ToopherMiddleware:
    """Stands directly below ``AuthenticationMiddleware``. A session that lacks its second factor is nobody.

    What it asks for is resolved first. A view that is not exempt does not run, and nothing below sees the request: a
    page is answered with a redirect to ``AuthenticateView`` and comes back afterwards. A form that was sent is not
    carried out: the person confirms, comes back to the form, and is told to send it again. Anything else (a script, a
    client that wants JSON) is answered with 403 and
    ``{"reason": "second_factor_required", "authenticate_url": "/accounts/authenticate/"}``.

    Where the view is exempt, or there is none, the request goes on with an anonymous ``request.user``: other middleware
    and error pages are not told who it is, an exempt view is (SECURITY.md S40). Middleware below sees what an exempt
    view has answered, and then who it is, too: Django has no place between the two.

    Works in both worlds; under ASGI it never blocks the event loop. A verified session costs no query. Requests that
    are authenticated without a session, such as by a token of an API, are not its matter.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._has_hijack = apps.is_installed("hijack")
        # Django calls it by whether it is a coroutine function: each world needs its own
        self.process_view: Callable[..., Any] = self._view
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = self._aview

    def __call__(self, request: HttpRequest) -> Any:
        """The answer in place of everything below, or what comes from there."""
        if iscoroutinefunction(self):
            return self._acall(request)
        if _has_session(request) and (_is_in_question(request) or is_hijacked(request)):
            answer = _stop(request)
            if answer is not None:
                return answer
        response = self.get_response(request)
        _hide_again(request)
        return response

    async def _acall(self, request: HttpRequest) -> Any:
        """The same under ASGI; a thread is needed only where more than the session has to be read."""
        if _has_session(request):
            await request.session.aget(SESSION_KEY)  # reads the session; from here on it is in memory
            if _is_in_question(request) or is_hijacked(request):
                answer: HttpResponseBase | None = await sync_to_async(_stop)(request)
                if answer is not None:
                    return answer
        response = await self.get_response(request)
        _hide_again(request)
        return response

    def _view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """Once more, for what middleware below may have changed meanwhile: the session, or where the address leads."""
        self._carry(request, view)
        return _stop_view(request, view, kwargs) if _may_have_changed(request) else None

    async def _aview(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """The same under ASGI."""
        self._carry(request, view)
        if not _may_have_changed(request):
            return None
        response: HttpResponseBase | None = await sync_to_async(_stop_view)(request, view, kwargs)
        return response

    def _carry(self, request: HttpRequest, view: Any) -> None:
        if self._has_hijack and is_one_of(view, _HIJACK):
            sitting.carry(request, (*state.EARNED, *state.SIGNED_IN))

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """The page that tells of it is none of the view's."""
        _hide_again(request)


def _stop(request: HttpRequest) -> HttpResponseBase | None:
    """What to answer in place of everything below; ``None`` lets the request go on, as nobody's where it is due."""
    if is_hijacked(request) and not sitting.may_go_on(request):
        logout(request)
        return None
    if generation.is_verified_or_let_in(request):
        return None
    match, answer = _match(request), None
    if match is None or not is_open(request, match.func, match.kwargs, match):
        answer = _answer_where_due(request)
        if answer is None:
            return None
    _hide(request)
    return answer if match is not None else None


def _match(request: HttpRequest) -> ResolverMatch | None:
    """Where the address leads, as far as is known by now; ``None``: nowhere."""
    try:
        return resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return None


class _Identity:
    """Who is logged in, kept from all but an exempt view while it runs."""

    NAMES = ("user", "auser", "_cached_user", "_acached_user")
    """What ``AuthenticationMiddleware`` gives a request, and where it looks again."""

    def __init__(self, request: HttpRequest) -> None:
        self._own = request.__dict__
        self.is_hidden = False

    def hide(self) -> None:
        """From here on nobody is logged in, whichever way it is asked."""
        self._kept = {name: self._own.pop(name) for name in self.NAMES if name in self._own}
        nobody = AnonymousUser()
        self._own.update(user=nobody, auser=partial(_later, nobody), _cached_user=nobody, _acached_user=nobody)
        self.is_hidden = True

    def show(self) -> None:
        """Undo it."""
        if self.is_hidden:
            for name in self.NAMES:
                self._own.pop(name, None)
            self._own.update(self._kept)
            self.is_hidden = False


async def _later(user: AnonymousUser) -> AnonymousUser:
    return user


def _hide(request: HttpRequest) -> None:
    identity = _Identity(request)
    identity.hide()
    setattr(request, _IDENTITY, identity)


def _hide_again(request: HttpRequest) -> None:
    """The view has run; what comes now is other middleware, and error pages."""
    identity: _Identity | None = getattr(request, _IDENTITY, None)
    if identity and not identity.is_hidden and _is_in_question(request):
        identity.hide()


def _may_have_changed(request: HttpRequest) -> bool:
    return hasattr(request, _IDENTITY) or request.session.modified


def _stop_view(request: HttpRequest, view: Any, kwargs: dict[str, Any]) -> HttpResponseBase | None:
    """What to answer in place of a view about to run; ``None`` lets it run, and know who is logged in."""
    _tell(request)
    identity: _Identity | None = getattr(request, _IDENTITY, None)
    if identity:
        identity.show()
    if not _is_in_question(request) or is_open(request, view, kwargs, request.resolver_match):
        return None
    answer = None if generation.is_verified_or_let_in(request) else _answer_where_due(request)
    if answer is not None:
        _hide(request)
    return answer


def _has_session(request: HttpRequest) -> bool:
    """Whether there is anything to read: robots have no session, and an untouched one must not vary the reply (S14).

    A middleware may have logged somebody in within this very request, as those for single sign-on do. To the embedded
    service everybody is nobody, so that it costs none of its polls a look into the session (S40).
    """
    if not hasattr(request, "user"):
        raise ImproperlyConfigured("Put ToopherMiddleware below AuthenticationMiddleware in MIDDLEWARE.")
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return request.session.modified
    root = _service_root(getattr(request, "urlconf", settings.ROOT_URLCONF), get_script_prefix())
    if not (request.path.startswith(root) and is_service(_match(request))):
        return True
    _Identity(request).hide()  # its pages poll from within the site's, with the site's cookie
    return False


@lru_cache(maxsize=16)
def _service_root(urlconf: Any, prefix: str) -> str:
    """Where the embedded service's addresses begin; nothing begins with a NUL."""
    try:
        return reverse("toopher_service:root", urlconf)
    except NoReverseMatch:
        return "\0"


def _is_in_question(request: HttpRequest) -> bool:
    """Whether somebody is logged in neither verified nor let in, or is to be compared. Reads the session alone."""
    if SESSION_KEY not in request.session:
        return False
    return not ((state.is_verified(request) or state.is_let_in(request)) and generation.was_compared_lately(request))


def _is_due(request: HttpRequest) -> bool:
    """Whether this session lacks its second factor; one that needs none is let in. Raises as ``due.is_due`` does."""
    if not sitting.person(request).is_authenticated:
        return False
    if due.is_due_in_session(request):
        return True
    _let_in(request)
    return False


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
    who = sitting.person(request)
    state.set_let_in(request.session, generation.of_user(who))
    until = policy.grace(who, request) if is_new else None
    if until:
        when = date_format(localtime(until) if is_aware(until) else until, "DATETIME_FORMAT")
        text = _("Pair a phone until %(when)s. After that, your password alone does not sign you in.") % {"when": when}
        state.add_notice(request.session, text)


def _tell(request: HttpRequest) -> None:
    """Hand notices on to Django's messages: ``MessageMiddleware`` stands below, so there were none to add to before."""
    for text in state.take_notices(request.session):
        messages.warning(request, text, fail_silently=True)


def _answer_where_due(request: HttpRequest) -> HttpResponseBase | None:
    """What to say in place of a view; ``None`` where none is due."""
    try:
        if not _is_due(request):
            return None
        response = _ask(request) if _can_show_page(request) else _refuse(request)
    except SecondFactorError as error:
        return _not_known(request, error)
    add_never_cache_headers(response)  # the same address has the page itself afterwards
    return response


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
        return ask_second_factor(request, sitting.person(request), request.get_full_path(), backend)
    response = ask_second_factor(request, sitting.person(request), _page_of(request), backend)
    response.status_code = 303  # to be opened, not sent again
    text = _("What you have sent was not carried out. Confirm with your phone, then send it again.")
    state.add_notice(request.session, text)
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
