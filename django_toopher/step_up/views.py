"""Where confirmations that are not a held form's go, and the page to which a client without one sends its person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .. import connection
from ..errors import NotAnsweredYetError, SecondFactorError, TooManyCodesError, WrongCodeError
from ..exempt import second_factor_exempt
from ..login import native
from ..login.framing import posted
from ..login.native_views import typed_code
from ..login.redirects import is_ours
from ..models import Attempt
from ..session import sitting
from ..session.state import STEP_UP_GRANT, Pending
from . import approvals
from .approvals import Subject
from .clients import POLL_SECONDS, refusal_of, status_of, url_of
from .gate import confirm, unpacked
from .pages import AGAIN, CODE, PASSWORD, Prompt, code_error, refusal, shown


@method_decorator([login_not_required, csrf_protect, never_cache], name="dispatch")
class StepUpPostbackView(View):
    """Takes the confirmation of a page that was asked for, and leads to that page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Back to the page, which takes the approval from the session; once."""
        back = "/"
        try:
            held, beside = unpacked(request)
            back = beside["back"]
            user: Any = sitting.person(request)
            if not user.is_authenticated:
                return redirect_to_login(beside["path"])
            caller = approvals.caller_of(request)
            subject = Subject(user, beside["action"], caller, beside["method"], beside["path"], held.canonical())
            again = confirm(request, Prompt(subject, held, back), beside["ticket"], posted(request))
        except SecondFactorError as error:
            return refusal(request, error, back)
        if again is not None:
            return again
        request.session[STEP_UP_GRANT] = beside["ticket"]
        return HttpResponseRedirect(beside["path"])


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
class StepUpCancelView(View):
    """The person confirms nothing: the attempt is void, the phone is not asked any more."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """Back to where the request came from, on this site only."""
        native.cancel(connection.api(request), Pending.of_ticket(ticket), Attempt.Kind.STEP_UP)
        back = request.POST.get("back", "")
        return HttpResponseRedirect(back if is_ours(request, back) else "/")


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
class StepUpView(View):
    """The page to which a client without one sends its person. Whoever has its address may see and confirm."""

    def get(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The number to type, and what became of it."""
        return self._shown(request, ticket)

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The password of who confirms without a phone; a one-time code; or that the phone be asked again."""
        wrong = None
        try:
            pending, attempt = approvals.of_ticket(ticket)
            if PASSWORD in request.POST:
                approvals.complete_with_password(request, pending, request.POST[PASSWORD])
            elif code := typed_code(request.POST.get(CODE, "")):
                approvals.enter_code(connection.api(request), attempt, code)
            elif AGAIN in request.POST:
                approvals.ask_again(request, pending)
        except (WrongCodeError, TooManyCodesError) as error:
            wrong = error
        except SecondFactorError as error:
            return refusal(request, error)
        return self._shown(request, ticket, wrong)

    def _shown(self, request: HttpRequest, ticket: str, wrong: SecondFactorError | None = None) -> HttpResponseBase:
        try:
            pending, attempt = approvals.of_ticket(ticket)
            progress = approvals.poll(connection.api(request), attempt)
        except SecondFactorError as error:
            return refusal(request, error)
        context = {
            "state": approvals.progress_of(attempt),
            "action": attempt.action,
            **shown(progress),
            **code_error(wrong),
            "way": "native" if attempt.request_id else "password",
            "status_url": url_of("step-up-status", pending),
            "has_password": True,
        }
        return render(request, "django_toopher/step_up_elsewhere.html", context)


@method_decorator([login_not_required, second_factor_exempt, csrf_exempt, never_cache], name="dispatch")
class StepUpStatusView(View):
    """For clients without a page: how far it is. The secret in the address is the permission (SECURITY.md S32)."""

    def get(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """``state``: pending, granted, denied, failed, expired or spent."""
        try:
            return JsonResponse(status_of(request, approvals.of_ticket(ticket)[1]))
        except NotAnsweredYetError:
            return JsonResponse({"state": "pending", "number": "", "poll_seconds": POLL_SECONDS})
        except SecondFactorError as error:
            return JsonResponse(refusal_of(error), status=error.status)

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The field ``code``, a one-time code, or ``password``, of who confirms without a phone."""
        try:
            pending, attempt = approvals.of_ticket(ticket)
            if code := typed_code(request.POST.get("code", "")):
                approvals.enter_code(connection.api(request), attempt, code)
            else:
                approvals.complete_with_password(request, pending, request.POST.get("password", ""))
        except SecondFactorError as error:
            return JsonResponse(refusal_of(error), status=error.status)
        return self.get(request, ticket)
