"""From the password to the phone's yes: the login flow."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection
from ..conf import conf
from ..errors import NothingPendingError, SecondFactorError, ServiceDownError
from ..exempt import second_factor_exempt
from ..impersonation import is_impersonating
from ..session import computer, generation, sitting, state
from ..session.state import PENDING_LOGIN, Pending
from . import answers, attempts, due, entry, native, outage
from .error_texts import sign_in_url
from .framing import EmbeddingView, authentication_url, failed, may_pair, posted
from .native_views import Asking, LeavesSessionMixin
from .redirects import safe_next


@second_factor_exempt  # the class, not a ``dispatch`` of its own: what others have put around Django's runs here, too
class LoginView(auth_views.LoginView):
    """Django's login view, which logs nobody in while a second factor is due."""

    template_name = "django_toopher/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        entry.cancel_earlier(self.request)  # also where the password is enough for who logs in now
        try:
            if not due.is_due(self.request, user):
                response = super().form_valid(form)
                state.set_looked_up(self.request.session)
                state.set_now(self.request.session, state.PASSWORD_AT)
                return response
        except SecondFactorError as error:
            return failed(self.request, error)
        if sitting.person(self.request) == user:
            logout(self.request)  # who signs in anew is not held to how old the session is that was here (S38)
        pending = entry.begin(self.request, user, self.get_redirect_url(), user.backend)
        return self._at_once(pending) or entry.to_page(self.request, pending)

    def _at_once(self, pending: Pending) -> HttpResponse | None:
        """Let in by an automation, without a further page: where the last login here had one.

        Whether to try is no more than a guess by a cookie; that there is an answer, the service says.
        """
        allowed = conf.TOOPHER_AUTOMATION_ALLOWED and not conf.TOOPHER_CHALLENGE_REQUIRED
        browser = computer.of_request(self.request)
        if not allowed or not browser.silent:
            return None
        try:
            here = attempts.find_at(browser, pending)
            if here.computer.id not in browser.silent:
                return None
            api = connection.api(self.request)
            reply = native.ask_silently(api, here.attempt, here.computer)
            approval = reply and answers.complete_with_reply(api, here.attempt, reply)
        except SecondFactorError as error:
            return failed(self.request, error)
        return entry.log_in_verified(self.request, pending, approval) if approval else None


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
class AuthenticateView(LeavesSessionMixin, EmbeddingView):
    """Asks for the second factor: the page around the iframe, or our own."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page; back to the login page when nothing is pending, as after the back button."""
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            browser = computer.of_request(request)
            here = attempts.find_at(browser, pending)
            if conf.TOOPHER_EMBED == "native":
                return self._native(request, pending, Asking(request, here))
            if browser.asked and not here.is_known:
                here = attempts.recall(connection.api(request), here, browser.asked)
            url = authentication_url(request, here, pending.token if pending else "", **self.placement(request))
        except NothingPendingError:
            return self._begin(request)
        except ServiceDownError as error:
            return self._without_service(request, error)
        except SecondFactorError as error:
            return failed(request, error)
        user: Any = here.attempt.user
        account = getattr(user, "toopher_account", None)
        context = {
            "username": here.attempt.username,
            "pairs": may_pair(request, user) and not (account and account.paired),
            "expires": here.attempt.expires,
            "has_recovery_codes": here.has_recovery_codes,
            "support_url": conf.TOOPHER_SUPPORT_URL,
        }
        response = self.embed(request, "django_toopher/authenticate.html", url, "django_toopher:postback", context)
        if not here.is_known:
            computer.remember_asked(request, response, here.computer.id)
        return response

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The buttons of our own page; the iframe posts elsewhere."""
        if conf.TOOPHER_EMBED != "native":
            return self.http_method_not_allowed(request)
        return self.get(request)

    def _native(self, request: HttpRequest, pending: Pending | None, asking: Asking) -> HttpResponseBase:
        """Ask, and go on once it is answered: at once, where an automation fits."""
        progress = asking.act()
        if progress.reply is None or progress.state != "answered":
            if request.method != "POST":
                # the phone is asked once, whoever opens the page: a session that was planted goes on here alone (S46)
                request.session.cycle_key()
            return asking.page(progress)
        approval = answers.complete_with_reply(asking.api, asking.attempt, progress.reply)
        return entry.log_in_verified(request, pending, approval)

    def _begin(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing is pending: a logged-in session may have come by itself, told to by the middleware's refusal."""
        next_url = request.GET.get("next", "")
        if not request.user.is_authenticated:
            return redirect(sign_in_url())
        try:
            if generation.is_verified_or_let_in(request) or not due.is_due_in_session(request):
                return HttpResponseRedirect(safe_next(request, next_url))
        except SecondFactorError as error:
            return failed(request, error)
        backend = request.session.get(BACKEND_SESSION_KEY, "")
        return entry.ask_second_factor(request, sitting.person(request), next_url, backend)

    def _without_service(self, request: HttpRequest, error: ServiceDownError) -> HttpResponseBase:
        """The page that says so; with ``TOOPHER_FAIL_OPEN``, and only then, people get in unverified."""
        # who was let in wants what needs the phone: letting in again leads nowhere, and opens nobody else's account
        gains_nothing = state.is_let_in(request) or is_impersonating(request)
        if gains_nothing or not conf.TOOPHER_FAIL_OPEN or not outage.is_confirmed(error):
            return failed(request, error)
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            user = attempts.let_in_unverified(pending)
        except SecondFactorError as refusal:
            return failed(request, refusal)
        response = entry.log_in(request, pending, user)
        state.set_let_in(request.session, generation.of_user(user), request.session.get_expiry_age())
        return response


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
class PostbackView(View):
    """Takes the signed result of the iframe, and completes the login."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """On with ``next``; or a page that says what went wrong, with status 403."""
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            iframe, api = connection.iframe(request), connection.api(request)
            approval = answers.complete_with_postback(iframe, api, pending, posted(request))
        except SecondFactorError as error:
            return failed(request, error)
        return entry.log_in_verified(request, pending, approval)


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
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
