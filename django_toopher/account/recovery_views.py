"""Without the phone: sign in with a recovery code."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import backoff
from ..conf import conf
from ..errors import ImpersonatingError, NothingPendingError, SecondFactorError, TooManyCodesError, WrongCodeError
from ..exempt import second_factor_exempt
from ..impersonation import is_impersonating
from ..login import answers, attempts
from ..login.entry import ask_second_factor, log_in, take_back
from ..login.error_texts import sign_in_url
from ..login.framing import failed
from ..models import ToopherAccount
from ..session import computer, generation, state
from ..session.state import PENDING_LOGIN


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache], name="dispatch")
class RecoverView(View):
    """Takes a recovery code instead of the phone's yes. Works while the service is down."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The form, for a login that waits, or for somebody logged in whom the phone is asked about once more."""
        try:
            pending = state.load(request.session, PENDING_LOGIN)
            here = attempts.find_at(computer.of_request(request), pending)
        except NothingPendingError:
            return self._begin(request)
        except SecondFactorError as error:
            return failed(request, error)
        return self._page(request, has_codes=here.has_recovery_codes)

    def _begin(self, request: HttpRequest) -> HttpResponseBase:
        """An automation lets people in whose phone is gone; to pair another they log in once more, with a code."""
        if is_impersonating(request):
            return failed(request, ImpersonatingError())
        user: Any = request.user
        if not user.is_authenticated:
            return redirect(sign_in_url())
        account = ToopherAccount.objects.for_user(user)
        if not (account.paired and account.enabled):
            return redirect("django_toopher:account")
        backend = request.session.get(BACKEND_SESSION_KEY, "")
        # not where it redirects to: that page asks the phone which is gone
        ask_second_factor(request, user, reverse("django_toopher:account"), backend)
        return redirect("django_toopher:recover")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Log in, and ask whether the phone is gone; a wrong code shows the form again."""
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            approval = answers.complete_with_recovery_code(pending, request.POST.get("code", ""))
        except TooManyCodesError as error:
            return self._page(request, error.status, error=_too_many(error.seconds))
        except WrongCodeError:
            return self._page(request, error=_("That code is not right, or was used already."))
        except SecondFactorError as error:
            return failed(request, error)
        if pending:
            take_back(request, pending, approval.attempt)
        response = log_in(request, pending, approval.user)
        state.set_verified(request.session, generation.of_user(approval.user))
        return redirect(f"{reverse('django_toopher:lost')}?{urlencode({'next': response.url})}")

    def _page(
        self, request: HttpRequest, status: int = 200, *, has_codes: bool = True, error: str = ""
    ) -> HttpResponse:
        context = {"has_codes": has_codes, "error": error, "support_url": conf.TOOPHER_SUPPORT_URL}
        return render(request, "django_toopher/recover.html", context, status=status)


def _too_many(seconds: int) -> str:
    minutes = backoff.minutes(seconds)
    text = ngettext(
        "Too many incorrect codes. Try again in %(minutes)d minute.",
        "Too many incorrect codes. Try again in %(minutes)d minutes.",
        minutes,
    )
    return text % {"minutes": minutes}
