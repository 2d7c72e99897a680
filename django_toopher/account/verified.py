"""Who may change a second factor: a person who has passed it in this session, and not an automation in their stead."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from ..errors import ImpersonatingError
from ..login.framing import failed
from ..models import ToopherAccount
from ..session import generation, sitting, state
from ..step_up.requirement import Requirement

IN_PERSON = Requirement(gettext_lazy("Manage phones"), max_age=10 * 365 * 24 * 3600)
"""Once in a session: an automation lets in, and changes nothing of the second factor."""


def has_passed(request: HttpRequest, account: ToopherAccount) -> bool:
    """Whether the second factor was passed in this session, as it is now, by the person or by an automation."""
    return state.is_verified(request) and generation.is_current(request, account.generation)


def is_verified(request: HttpRequest, account: ToopherAccount) -> bool:
    """Whether the person, and no automation, has passed it."""
    return has_passed(request, account) and IN_PERSON.is_met(request.session, "")


class OwnAccountMixin(LoginRequiredMixin):
    """One's own account and nobody else's: whoever acts as somebody changes nothing of their second factor."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """``ImpersonatingError``'s page for them."""
        if sitting.is_impersonating(request):
            return failed(request, ImpersonatingError())
        return super().dispatch(request, *args, **kwargs)


@method_decorator([csrf_protect, never_cache], name="dispatch")
class VerifiedView(OwnAccountMixin, View):
    """A page for people who have passed the second factor in this session, and nobody else."""

    account: ToopherAccount
    """As it was when the session's generation was compared with it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Others are sent to the account page, which asks for it."""
        user: Any = request.user
        if user.is_authenticated and not sitting.is_impersonating(request):
            self.account = ToopherAccount.objects.for_user(user)
            if not is_verified(request, self.account):
                return redirect("django_toopher:account")
        return super().dispatch(request, *args, **kwargs)
