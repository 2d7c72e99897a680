"""Without the phone: sign in with a recovery code, remove phones that are gone, make new codes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection
from ..client import ToopherApiError
from ..conf import conf
from ..errors import NothingPendingError, SecondFactorError, TooManyCodesError, WrongCodeError
from ..exempt import second_factor_exempt
from ..factors import recovery_codes
from ..login import attempts
from ..login.error_texts import sign_in_url
from ..login.framing import failed
from ..login.redirects import safe_next
from ..login.views import ask_second_factor, log_in
from ..models import ToopherAccount
from ..schema import needs_tables
from ..session import generation, state
from ..session.state import PENDING_LOGIN
from ..support import verbs
from .views import VerifiedView


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class RecoverView(View):
    """Takes a recovery code instead of the phone's yes. Works while the service is down."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The form, for a login that waits, or for somebody logged in whom the phone is asked about once more."""
        try:
            attempt = attempts.find_open(state.load(request.session, PENDING_LOGIN))
        except NothingPendingError:
            return self._begin(request)
        except SecondFactorError as error:
            return failed(request, error)
        return self._page(request, has_codes=vars(attempt)["has_recovery_codes"])

    def _begin(self, request: HttpRequest) -> HttpResponseBase:
        """A standing answer lets people in whose phone is gone; to pair another they log in once more, with a code."""
        user: Any = request.user
        if not user.is_authenticated:
            return redirect(sign_in_url())
        account = ToopherAccount.objects.for_user(user)
        if not (account.paired and account.enabled):
            return redirect("django_toopher:account")
        backend = request.session.get(BACKEND_SESSION_KEY, "")
        ask_second_factor(request, user, reverse("django_toopher:account"), backend)
        return redirect("django_toopher:recover")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Log in, and ask whether the phone is gone; a wrong code shows the form again."""
        pending = state.load(request.session, PENDING_LOGIN)
        try:
            approval = attempts.complete_with_recovery_code(pending, request.POST.get("code", ""))
        except TooManyCodesError as error:
            return self._page(request, error.status, error=_too_many(error.seconds))
        except WrongCodeError:
            return self._page(request, error=_("That code is not right, or was used already."))
        except SecondFactorError as error:
            return failed(request, error)
        response = log_in(request, pending, approval.user)
        state.set_verified(request.session, generation.of_user(approval.user))
        return redirect(f"{reverse('django_toopher:lost')}?{urlencode({'next': response.url})}")

    def _page(
        self, request: HttpRequest, status: int = 200, *, has_codes: bool = True, error: str = ""
    ) -> HttpResponse:
        context = {"has_codes": has_codes, "error": error, "support_url": conf.TOOPHER_SUPPORT_URL}
        return render(request, "django_toopher/recover.html", context, status=status)


def _too_many(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return _("Those were too many wrong codes. Wait %(minutes)d min, then try again.") % {"minutes": minutes}


class LostPhoneView(VerifiedView):
    """Removes all phones of the person, who then pairs a new one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask first. After a login by recovery code ``next`` leads on."""
        account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        if not account.paired:
            with suppress(verbs.SkippedError, ToopherApiError):  # then we show what we know
                verbs.refresh(account, connection.api(request))
                generation.renew(request)
        context = {
            "paired": account.paired,
            "left": recovery_codes.remaining(request.user),
            "next": safe_next(request, request.GET.get("next", reverse("django_toopher:account"))),
        }
        return render(request, "django_toopher/lost.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remove them, at the service and here; other sessions have to confirm anew."""
        account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        try:
            with suppress(verbs.SkippedError):  # there was none
                verbs.reset(account, connection.api(request))
        except ToopherApiError:
            messages.error(request, _("The service does not answer: no phone was removed. Try again in a minute."))
            return redirect("django_toopher:lost")
        generation.renew(request)
        messages.success(request, _("Your phones were removed. Now pair the new one."))
        return redirect("django_toopher:account")


class RecoveryCodesView(VerifiedView):
    """Makes new recovery codes and shows them, this once: they are kept nowhere in clear."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """They can't be shown again."""
        return redirect("django_toopher:account")

    def post(self, request: HttpRequest) -> HttpResponse:
        """The codes, in the response and nowhere else."""
        if not conf.TOOPHER_RECOVERY_CODES:
            return redirect("django_toopher:account")
        codes = recovery_codes.make(request.user)
        return render(request, "django_toopher/recovery_codes.html", {"codes": codes})
