"""From the password to the phone's yes: the login flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, login, logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection, policy
from ..conf import conf
from ..errors import NothingPendingError, SecondFactorError, ServiceDownError
from ..exempt import second_factor_exempt
from ..models import Attempt
from ..schema import needs_tables
from ..session import computer, generation, state
from ..session.state import PENDING_LOGIN, Pending
from . import attempts, native
from .error_texts import sign_in_url
from .framing import EmbeddingView, failed, posted
from .native_views import Asking
from .redirects import safe_next

_PATIENCE = 2
"""Seconds that a login waits, at most, for a service that is to take an earlier question back."""


def ask_second_factor(request: HttpRequest, user: Any, next_url: str, backend: str) -> HttpResponseRedirect:
    """Write down that a second factor is asked of ``user``, and go to the page that asks.

    A session that is being asked already goes there too: what its page loads meanwhile must not begin anew.
    """
    if request.user.is_authenticated and attempts.is_pending(state.load(request.session, PENDING_LOGIN), user):
        return redirect("django_toopher:authenticate")
    _void_earlier(request)
    return _ask(request, _begin(request, user, next_url, backend))


def _void_earlier(request: HttpRequest) -> None:
    """What this session waited for is over, whoever it was: the phone must not go on with a number seen no more."""
    pending = state.load(request.session, PENDING_LOGIN)
    if pending is None:
        return
    api = connection.api(request)
    api.timeout = min(api.timeout, _PATIENCE)
    native.cancel(api, pending)
    state.forget(request.session, PENDING_LOGIN)


def _begin(request: HttpRequest, user: Any, next_url: str, backend: str) -> Pending:
    return attempts.begin(
        user,
        backend=backend,
        next_url=next_url,
        address=computer.address_of(request),
        browser=request.headers.get("User-Agent", ""),
    )


def _ask(request: HttpRequest, pending: Pending) -> HttpResponseRedirect:
    if request.session.session_key and not request.user.is_authenticated:
        request.session.cycle_key()  # a key planted before the password is worthless after it (SECURITY.md S09)
    state.store(request.session, PENDING_LOGIN, pending)
    return redirect("django_toopher:authenticate")


def log_in(request: HttpRequest, pending: Pending | None, user: Any) -> HttpResponseRedirect:
    """Log the user in with the backend that checked the password, and go on to where the login led."""
    if request.user.is_authenticated:
        request.session.cycle_key()  # of one who was logged in already, login() keeps the key (SECURITY.md S09)
    login(request, user, backend=(pending and pending.backend) or None)
    return HttpResponseRedirect(safe_next(request, pending.next_url if pending else ""))  # no name of a view


def log_in_verified(request: HttpRequest, pending: Pending | None, approval: attempts.Approval) -> HttpResponseRedirect:
    """Log in whoever has passed the second factor; after the first phone say what else to do."""
    response = log_in(request, pending, approval.user)
    state.set_verified(request.session, generation.of_user(approval.user))
    silently = approval.attempt.method == Attempt.Method.AUTOMATION
    if silently:  # that lets in, and confirms nothing: nobody was asked just now
        state.forget(request.session, state.VERIFIED_AT)
    computer.expect_silence(request, response, silently)
    if approval.paired_now:
        attempts.learn_phone(connection.api(request), approval.user.toopher_account)  # type: ignore[attr-defined]
    if approval.paired_now and conf.TOOPHER_RECOVERY_CODES:
        text = _("Your phone is paired. Make recovery codes on your account's page, for the day it is gone.")
        messages.info(request, text, fail_silently=True)
    return response


@method_decorator([second_factor_exempt, needs_tables], name="dispatch")
class LoginView(auth_views.LoginView):
    """Django's login view, which logs nobody in while a second factor is due."""

    template_name = "django_toopher/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password was right."""
        user = form.get_user()
        _void_earlier(self.request)
        if not policy.is_due(user, self.request):
            return super().form_valid(form)
        pending = _begin(self.request, user, self.get_redirect_url(), user.backend)
        return self._at_once(pending) or _ask(self.request, pending)

    def _at_once(self, pending: Pending) -> HttpResponse | None:
        """Let in by an automation, without a further page: where the last login here had one.

        Whether to try is no more than a guess by a cookie; that there is an answer, the service says.
        """
        terminal = computer.silent_terminal(self.request)
        if not terminal or not conf.TOOPHER_AUTOMATION_ALLOWED or conf.TOOPHER_CHALLENGE_REQUIRED:
            return None
        try:
            asking = Asking(self.request, attempts.find_open(pending, terminal=terminal), terminal)
            asked = native.ask_silently(asking.api, asking.attempt, asking.computer)
            approval = asked and attempts.complete_with_answer(asking.attempt, asked)
        except SecondFactorError as error:
            return failed(self.request, error)
        return log_in_verified(self.request, pending, approval) if approval else None


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class AuthenticateView(EmbeddingView):
    """Asks for the second factor: the page around the iframe, or our own."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page; back to the login page when nothing is pending, as after the back button."""
        pending, terminal = state.load(request.session, PENDING_LOGIN), computer.terminal_id(request)
        try:
            attempt = attempts.find_open(pending, terminal=terminal)
            if conf.TOOPHER_EMBED == "native":
                return self._native(request, pending, Asking(request, attempt, terminal))
            if not connection.is_embedded():  # the one in this process always answers
                attempts.require_service(connection.api(request), attempt)
        except NothingPendingError:
            return self._begin(request)
        except ServiceDownError as error:
            return self._without_service(request, error)
        except SecondFactorError as error:
            return failed(request, error)
        demanded = policy.demands(attempt.user, request)  # type: ignore[arg-type]
        url = self._url(request, attempt, pending.token if pending else "", terminal, demanded)
        account = getattr(attempt.user, "toopher_account", None)
        context = {
            "username": attempt.username,
            "pairs": demanded and not (account and account.paired),
            "expires": attempt.expires,
            "has_recovery_codes": vars(attempt)["has_recovery_codes"],
            "support_url": conf.TOOPHER_SUPPORT_URL,
        }
        response = self.embed(request, "django_toopher/authenticate.html", url, "django_toopher:postback", context)
        computer.remember(request, response, terminal)
        return response

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The buttons of our own page; the iframe posts elsewhere."""
        if conf.TOOPHER_EMBED != "native":
            return self.http_method_not_allowed(request)
        return self.get(request)

    def _native(self, request: HttpRequest, pending: Pending | None, asking: Asking) -> HttpResponseBase:
        """Ask, and go on once it is answered: at once, where an automation fits."""
        progress = asking.act()
        if progress.asked is None or progress.state != "answered":
            return asking.page(progress)
        return log_in_verified(request, pending, attempts.complete_with_answer(asking.attempt, progress.asked))

    def _begin(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing is pending: a logged-in session may have come by itself, told to by the middleware's refusal."""
        next_url = request.GET.get("next", "")
        if not request.user.is_authenticated:
            return redirect(sign_in_url())
        if generation.is_verified_or_let_in(request) or not policy.is_due(request.user, request):
            return HttpResponseRedirect(safe_next(request, next_url))
        return ask_second_factor(request, request.user, next_url, request.session.get(BACKEND_SESSION_KEY, ""))

    def _url(self, request: HttpRequest, attempt: Attempt, token: str, terminal: str, pairs: bool) -> str:
        user: Any = attempt.user
        return connection.iframe(request).get_auth_iframe_url(
            attempt.toopher_name,
            getattr(user, "email", "") or "",
            token,
            action_name=attempt.action,
            allow_inline_pairing=pairs,
            automation_allowed=conf.TOOPHER_AUTOMATION_ALLOWED,
            challenge_required=conf.TOOPHER_CHALLENGE_REQUIRED,
            ttl=conf.TOOPHER_IFRAME_TTL,
            terminal_name=computer.name_at(attempt, request),
            requester_specified_terminal_id=terminal,
            **self.placement(request),
        )

    def _without_service(self, request: HttpRequest, error: ServiceDownError) -> HttpResponseBase:
        """The page that says so; with ``TOOPHER_FAIL_OPEN``, and only then, people get in unverified."""
        if not (conf.TOOPHER_FAIL_OPEN and error.may_fail_open) or state.is_let_in(request):
            return failed(request, error)  # who was let in wants what needs the phone: letting in again leads nowhere
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            user = attempts.let_in_unverified(pending)
        except SecondFactorError as refusal:
            return failed(request, refusal)
        response = log_in(request, pending, user)
        state.set_let_in(request.session, generation.of_user(user), request.session.get_expiry_age())
        return response


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class PostbackView(View):
    """Takes the signed result of the iframe, and completes the login."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """On with ``next``; or a page that says what went wrong, with status 403."""
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            approval = attempts.complete_login(connection.iframe(request), pending, posted(request))
        except SecondFactorError as error:
            return failed(request, error)
        return log_in_verified(request, pending, approval)


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class CancelView(View):
    """Turns back from the second factor, to sign in as somebody else; a half-authenticated session ends."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The attempt is void, the phone is not asked any more; back to the login page."""
        pending = state.load(request.session, PENDING_LOGIN)
        native.cancel(connection.api(request), pending)
        if request.user.is_authenticated and not generation.is_verified_or_let_in(request):
            logout(request)
        state.forget(request.session, PENDING_LOGIN)
        return redirect(sign_in_url())
