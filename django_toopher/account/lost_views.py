"""The phone is gone: remove it, and make new recovery codes."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from .. import connection, policy
from ..client import ToopherApiError
from ..conf import conf
from ..factors import recovery_codes
from ..login.redirects import safe_next
from ..session import generation, state
from ..support import verbs
from .verified import VerifiedView


class LostPhoneView(VerifiedView):
    """Removes all phones of the person, who then pairs a new one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask first. After a login by recovery code ``next`` leads on."""
        account = self.account
        if not account.paired:
            with suppress(verbs.SkippedError, ToopherApiError):  # then we show what we know
                verbs.refresh(account, connection.api(request))
                generation.renew(request)  # what refresh found may have moved it on
        context = {
            "paired": account.paired,
            "replaces": policy.demands(request.user, request),  # type: ignore[arg-type]
            "left": recovery_codes.remaining(request.user),
            "next": safe_next(request, request.GET.get("next", reverse("django_toopher:account"))),
        }
        return render(request, "django_toopher/lost.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remove them, at the service and here; other sessions have to confirm anew.

        Where the policy demands a phone they go when the new one is there, so that never the password alone is enough.
        """
        account = self.account
        if policy.demands(request.user, request):  # type: ignore[arg-type]  # whether we have heard of a phone or not
            state.set_now(request.session, state.REPLACING_AT)
            return redirect("django_toopher:account")
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
