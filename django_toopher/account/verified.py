"""Who may change a second factor: a person who has passed it in this session, and not an automation in their stead.

To see the page, once in the session is enough. To change something the person confirms anew, when that was longer than
``state.LATELY`` ago (SECURITY.md S38): with the phone; who has none, with the password, or by a new login where there
is no password. Where a change only restricts, nobody is asked.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection
from ..client import ToopherApiError
from ..errors import ImpersonatingError, SecondFactorError
from ..impersonation import is_impersonating
from ..login import attempts
from ..login.entry import ask_second_factor
from ..login.framing import failed
from ..models import ToopherAccount
from ..session import generation, state
from ..step_up import approvals
from ..step_up.atomic import without_transaction
from ..step_up.gate import intercept
from ..step_up.pages import HELD
from ..step_up.requirement import Requirement
from ..support import verbs

IN_PERSON = Requirement(gettext_lazy("Manage phones"), max_age=10 * 365 * 24 * 3600)
"""Once in a session: an automation lets in, and changes nothing of the second factor."""

CHANGE = Requirement(IN_PERSON.action, max_age=state.LATELY, safe_methods=False)
"""A moment ago: a session that somebody has stolen changes nothing."""


def has_passed(request: HttpRequest, account: ToopherAccount) -> bool:
    """Whether the second factor was passed in this session, as it is now, by the person or by an automation."""
    return state.is_verified(request) and generation.is_current(request, account.generation)


def is_verified(request: HttpRequest, account: ToopherAccount) -> bool:
    """Whether the person, and no automation, has passed it."""
    return has_passed(request, account) and IN_PERSON.is_met(request.session, "")


def has_confirmed_lately(request: HttpRequest) -> bool:
    """Whether the person may change something without being asked again."""
    return approvals.is_confirmed(request, request.user, CHANGE) or _has_logged_in_lately(request)


def _has_logged_in_lately(request: HttpRequest) -> bool:
    """Of somebody without a phone: with the password, on our page; by whatever way, who has no password."""
    user: Any = request.user
    key = state.PASSWORD_AT if user.has_usable_password() else state.LOGGED_IN_AT
    return state.was_lately(request.session, key, state.LATELY) and not approvals.asks_phone(user, request)


def needs_new_login(request: HttpRequest) -> bool:
    """Whether the person has nothing else to confirm with: no phone, and no password."""
    user: Any = request.user
    return not user.has_usable_password() and not approvals.asks_phone(user, request)


def ask_first(request: HttpRequest, account: ToopherAccount) -> HttpResponseBase | None:
    """What to answer in place of a change, which is held until it is confirmed; ``None`` lets it be made."""
    if HELD not in request.POST:
        if has_confirmed_lately(request):
            return None
        if needs_new_login(request):
            messages.error(request, _("Nothing was changed. Sign in again first: your last sign-in is too long ago."))
            return redirect("django_toopher:account")
        if not account.paired and approvals.asks_phone(request.user, request):  # type: ignore[arg-type]
            backend = request.session.get(BACKEND_SESSION_KEY, "")
            return ask_second_factor(request, request.user, reverse("django_toopher:account"), backend)
    return intercept(request, CHANGE)


class OwnAccountMixin(LoginRequiredMixin):
    """One's own account and nobody else's: whoever acts as somebody changes nothing of their second factor."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """``ImpersonatingError``'s page for them."""
        if is_impersonating(request):
            return failed(request, ImpersonatingError())
        return super().dispatch(request, *args, **kwargs)


# without_transaction: ask_first may spend an approval, which nothing may take back (S13)
@method_decorator([without_transaction, csrf_protect, never_cache], name="dispatch")
class VerifiedView(OwnAccountMixin, View):
    """A page for people who have passed the second factor in this session, and nobody else. Its POST is a change."""

    was_held = False
    """Whether what is posted was held while the person confirmed it."""

    account: ToopherAccount
    """As it was when the session's generation was compared with it."""

    def restricts(self, request: HttpRequest) -> bool:
        """Whether this request only takes something away from whoever sits elsewhere: nobody is asked for that."""
        return False

    def may_act(self, request: HttpRequest) -> bool:
        """Whether this session may, as things are now."""
        self.account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        return is_verified(request, self.account)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Others are sent to the account page, which asks for it."""
        if not request.user.is_authenticated or is_impersonating(request):
            return super().dispatch(request, *args, **kwargs)
        if not self.may_act(request):
            return redirect("django_toopher:account")
        self.was_held = HELD in request.POST
        if request.method == "POST" and (self.was_held or not self.restricts(request)):
            try:
                answer = ask_first(request, self.account)
            except SecondFactorError as error:  # the service can't say what has to be asked
                return failed(request, error)
            if answer is not None:
                return answer
            # asking may have taken seconds
            if not attempts.is_unchanged(request.user) or not self.may_act(request):
                return redirect("django_toopher:account")
        return super().dispatch(request, *args, **kwargs)


class ChangeView(VerifiedView):
    """What people post who manage their phones; those who have none may, too, to pair the first."""

    http_method_names = ["post"]
    verified = False
    is_known = False

    def may_act(self, request: HttpRequest) -> bool:
        """As on the account page. That there is no phone, the service says as well."""
        self.verified = super().may_act(request)
        if self.account.enabled and not self.account.paired and not self.is_known:
            self.is_known = True
            if refresh(request, self.account):
                self.verified = super().may_act(request)
        return self.account.enabled and (self.verified or not self.account.paired)


def refresh(request: HttpRequest, account: ToopherAccount) -> bool:
    """A phone may have been paired at the service without our hearing of it. Whether something was new."""
    before = account.generation
    try:
        verbs.refresh(account, connection.api(request))
    except verbs.SkippedError:
        return False  # the service does not know this person yet
    except ToopherApiError:
        messages.warning(request, _("The service does not answer: what is shown here may be old."))
    return account.generation != before


class ConfirmView(ChangeView):
    """The button in place of what changes something: asks for the confirmation, and leads back."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """It is confirmed."""
        return redirect("django_toopher:account")
