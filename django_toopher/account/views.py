"""The page where a person looks after phones, computers and recovery codes, and sees the recent sign-ins."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from .. import connection, policy
from ..conf import conf
from ..errors import SecondFactorError
from ..factors import recovery_codes
from ..login.entry import ask_second_factor
from ..login.error_texts import sign_in_url
from ..login.framing import URL_AGE, EmbeddingView
from ..models import Attempt, ToopherAccount
from ..session import computer
from ..step_up.atomic import without_transaction
from ..step_up.gate import intercept
from . import history, phones
from .verified import (
    IN_PERSON,
    OwnAccountMixin,
    has_confirmed_lately,
    has_passed,
    is_verified,
    needs_new_login,
    refresh,
)


# without_transaction: _ask may spend an approval, which nothing may take back (S13)
@method_decorator([without_transaction, never_cache], name="dispatch")
class AccountView(OwnAccountMixin, EmbeddingView):
    """Once a phone is paired, for people who have passed the second factor in this session, and nobody else."""

    forward = False

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page, with the management iframe or our own buttons in it; or what asks for the second factor."""
        account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        verified = is_verified(request, account)
        recent = history.recent(account.user_id)
        if not verified and not (account.paired and account.enabled):
            refresh(request, account)
        if account.paired and account.enabled and not verified:
            return self._ask(request, account)
        context = self._context(request, account, recent, verified=verified)
        if not account.enabled:  # the phone can't confirm who this is, so nothing can be changed here
            return render(request, "django_toopher/account.html", context)
        if conf.TOOPHER_EMBED == "native":
            return render(request, "django_toopher/account.html", context | phones.own_page(request, account))
        try:
            is_stale = not has_confirmed_lately(request)
            context["needs_new_login"] = is_stale and needs_new_login(request)
        except SecondFactorError:
            is_stale = True  # the service does not answer, and so changes nothing
        if is_stale:  # the page in the iframe would come to nothing
            context |= {"stale": True, "sign_in_url": sign_in_url()}
            return render(request, "django_toopher/account.html", context)
        url = self._management_url(request, account, verified=verified)
        return self.embed(request, "django_toopher/account.html", url, "django_toopher:account-postback", context)

    def _management_url(self, request: HttpRequest, account: ToopherAccount, *, verified: bool) -> str:
        user: Any = request.user
        pending = phones.change_under_way(request, account)
        only_first = None if verified else True  # a password alone manages no phone, not even one that comes meanwhile
        return connection.iframe(request).get_user_management_iframe_url(
            account.name,
            getattr(user, "email", "") or "",
            ttl=URL_AGE,
            session_token=pending.token,
            only_first=only_first,
            site_confirms=True,
            keeps_one=policy.demands(user, request) or None,
            **self.placement(request),
        )

    def _ask(self, request: HttpRequest, account: ToopherAccount) -> HttpResponseBase:
        """The second factor; of a session that an automation let in, the person's own yes."""
        if has_passed(request, account):
            return intercept(request, IN_PERSON) or redirect("django_toopher:account")
        backend = request.session.get(BACKEND_SESSION_KEY, "")
        return ask_second_factor(request, request.user, reverse("django_toopher:account"), backend)

    def _context(
        self, request: HttpRequest, account: ToopherAccount, recent: list[Attempt], *, verified: bool
    ) -> dict[str, Any]:
        left = recovery_codes.remaining(request.user) if verified and conf.TOOPHER_RECOVERY_CODES else 0
        return {
            "account": account,
            "required": policy.demands(request.user, request),  # type: ignore[arg-type]
            "grace": policy.grace(request.user, request),  # type: ignore[arg-type]
            "verified": verified,
            "replacing": phones.is_replacing(request),
            "last_used": history.last_used(recent),
            "sign_ins": history.shown(recent),
            "computers": history.computers(recent, computer.of_request(request).ids) if verified else [],
            "codes_possible": verified and account.paired and conf.TOOPHER_RECOVERY_CODES > 0,
            "codes_left": left,
            "codes_few": left <= recovery_codes.FEW,
        }
