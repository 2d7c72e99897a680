"""The person's own page: phones, computers, recovery codes, recent sign-ins, and what ends other sessions."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection, policy, signals
from ..client import RequestRefusedError, ToopherApi, ToopherApiError
from ..conf import conf
from ..errors import ExpiredAttemptError, NothingPendingError, SecondFactorError, ServiceDownError, UnknownPhraseError
from ..factors import recovery_codes
from ..login import attempts, native
from ..login.framing import EmbeddingView, failed, posted
from ..login.views import ask_second_factor
from ..models import Attempt, ToopherAccount
from ..schema import needs_tables
from ..service_link import lookups
from ..session import computer, generation, state
from ..session.state import PENDING_PAIRING, Pending
from ..step_up import approvals
from ..step_up.atomic import without_transaction
from ..step_up.views import hurdle
from ..support import verbs
from . import history

IN_PERSON = approvals.Requirement(gettext_lazy("Manage phones"), max_age=10 * 365 * 24 * 3600)
"""Once in a session: a standing answer lets in, and changes nothing of the second factor."""


def is_verified(request: HttpRequest, account: ToopherAccount) -> bool:
    """Whether the person, and no standing answer, has passed the second factor in this session, as it is now."""
    has_passed = state.is_verified(request) and generation.is_current(request, account.generation)
    return has_passed and IN_PERSON.is_met(request.session, "")


@method_decorator([csrf_protect, never_cache, needs_tables], name="dispatch")
class VerifiedView(LoginRequiredMixin, View):
    """A page for people who have passed the second factor in this session, and nobody else."""

    account: ToopherAccount
    """As it was when the mark was compared with it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Others are sent to the account page, which asks for it."""
        user: Any = request.user
        if not user.is_authenticated:
            return self.handle_no_permission()
        self.account = ToopherAccount.objects.for_user(user)
        if is_verified(request, self.account):
            return super().dispatch(request, *args, **kwargs)
        return redirect("django_toopher:account")


@method_decorator([without_transaction, never_cache, needs_tables], name="dispatch")
class AccountView(LoginRequiredMixin, EmbeddingView):
    """The page where a person looks after phones, computers and recovery codes."""

    forward = False

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page; once a phone is paired, only to who has passed the second factor in this session."""
        user: Any = request.user
        account = ToopherAccount.objects.for_user(user)
        verified = is_verified(request, account)
        recent = history.recent(account.user_id)
        if recent and account.enabled and not account.paired:
            self._refresh(request, account)
        if account.paired and account.enabled and not verified:
            return self._ask(request, account)
        context = self._context(request, account, recent, verified=verified)
        if not account.enabled:  # the phone can't confirm who this is, so nothing can be changed here
            return render(request, "django_toopher/account.html", context)
        if conf.TOOPHER_EMBED == "native":
            return render(request, "django_toopher/account.html", context | native_phones(request, account))
        pending = self._pending(request, account)
        only_first = None if verified else True  # a password alone manages no phone, not even one that comes meanwhile
        url = connection.iframe(request).get_user_management_iframe_url(
            account.name,
            getattr(user, "email", "") or "",
            ttl=conf.TOOPHER_IFRAME_TTL,
            session_token=pending.token,
            only_first=only_first,
            **self.placement(request),
        )
        return self.embed(request, "django_toopher/account.html", url, "django_toopher:account-postback", context)

    def _ask(self, request: HttpRequest, account: ToopherAccount) -> HttpResponseBase:
        """The second factor; of a session that a standing answer let in, the person's own yes."""
        if state.is_verified(request) and generation.is_current(request, account.generation):
            return hurdle(request, IN_PERSON) or redirect("django_toopher:account")
        backend = request.session.get(BACKEND_SESSION_KEY, "")
        return ask_second_factor(request, request.user, reverse("django_toopher:account"), backend)

    def _pending(self, request: HttpRequest, account: ToopherAccount) -> Pending:
        """The change of phones that may come: the one that is under way, as long as it leaves time to do something.

        At top level always, because its result comes back here.
        """
        kept = state.load(request.session, PENDING_PAIRING)
        if kept:
            needed = 0 if conf.TOOPHER_EMBED == "redirect" else conf.TOOPHER_ATTEMPT_AGE / 2
            with suppress(SecondFactorError):
                attempt = attempts.find_open(kept, Attempt.Kind.PAIRING)
                is_same = (attempt.user_id, attempt.generation) == (account.user_id, account.generation)
                if is_same and attempt.expires - timezone.now() > timedelta(seconds=needed):
                    return kept
        user: Any = request.user
        pending = attempts.begin(user, Attempt.Kind.PAIRING, action=_("Manage phones"))
        state.store(request.session, PENDING_PAIRING, pending)
        return pending

    def _refresh(self, request: HttpRequest, account: ToopherAccount) -> None:
        """A phone may have been paired at the service without our hearing of it."""
        try:
            verbs.refresh(account, connection.api(request))
        except verbs.SkippedError:
            return  # the service does not know this person yet
        except ToopherApiError:
            messages.warning(request, _("The service does not answer: what is shown here may be old."))

    def _context(
        self, request: HttpRequest, account: ToopherAccount, recent: list[Attempt], *, verified: bool
    ) -> dict[str, Any]:
        left = recovery_codes.remaining(request.user) if verified and conf.TOOPHER_RECOVERY_CODES else 0
        return {
            "account": account,
            "required": policy.demands(request.user, request),  # type: ignore[arg-type]
            "grace": policy.grace(request.user, request),  # type: ignore[arg-type]
            "verified": verified,
            "last_used": history.last_used(recent),
            "sign_ins": history.shown(recent),
            "computers": history.computers(recent, request.COOKIES.get(computer.COOKIE, "")) if verified else [],
            "codes_possible": verified and account.paired and conf.TOOPHER_RECOVERY_CODES > 0,
            "codes_left": left,
            "codes_few": left <= recovery_codes.FEW,
        }


def native_phones(request: HttpRequest, account: ToopherAccount) -> dict[str, Any]:
    """The phones, and the one that is being paired, for our own page (``TOOPHER_EMBED = "native"``)."""
    api, phones, automations, progress = connection.api(request), [], [], "new"
    try:
        if account.toopher_user_id:
            phones = lookups.phones(api, account.toopher_user_id)
            automations = lookups.automations(api, account.toopher_user_id) if phones else []
        attempt = attempts.find_open(state.load(request.session, PENDING_PAIRING), Attempt.Kind.PAIRING)
        progress = native.poll(api, attempt).state
    except (NothingPendingError, ExpiredAttemptError):
        pass  # nothing is being paired
    except (ToopherApiError, ServiceDownError):
        messages.warning(request, _("The service does not answer: what is shown here may be old."))
    return {"native": True, "phones": phones, "automations": automations, "state": progress}


@method_decorator([csrf_protect, never_cache, needs_tables], name="dispatch")
class PhonesView(LoginRequiredMixin, View):
    """The buttons of our own page: pair, rename and remove a phone, end an automatic answer."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """To those who may see the page, and back to it."""
        account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        verified = is_verified(request, account)
        if conf.TOOPHER_EMBED == "native" and account.enabled and (verified or not account.paired):
            steps = {
                "pair": self._pair,
                "phrase": self._pair,
                "rename": self._rename,
                "remove": self._remove,
                "forget": self._forget,
            }
            step = steps.get(request.POST.get("step", ""))
            try:
                (step or self._complete)(request, account, verified)
            except (ToopherApiError, ServiceDownError):
                messages.error(request, _("The service does not answer: nothing was changed. Try again in a minute."))
            except SecondFactorError as error:
                return failed(request, error)
        return redirect("django_toopher:account")

    def _pair(self, request: HttpRequest, account: ToopherAccount, verified: bool) -> None:
        """Who has no phone yet, and so only a password, can pair the first one only."""
        phrase = " ".join(request.POST.get("phrase", "")[:200].split())
        pending = state.load(request.session, PENDING_PAIRING) if phrase else None
        user: Any = request.user
        pending = pending or attempts.begin(user, Attempt.Kind.PAIRING, action=_("Manage phones"))
        state.store(request.session, PENDING_PAIRING, pending)
        try:
            attempt = attempts.find_open(pending, Attempt.Kind.PAIRING)
            native.pair(connection.api(request), attempt, phrase, only_first=not verified)
        except UnknownPhraseError:
            messages.error(request, _("No phone shows these words now. Check them, or make new ones on the phone."))
            return
        if phrase:
            messages.info(request, _("Now say yes on the phone that showed the words."))

    def _complete(self, request: HttpRequest, account: ToopherAccount, verified: bool) -> None:
        pending = state.load(request.session, PENDING_PAIRING)
        if attempts.complete_pairing_with(connection.api(request), pending, request.user.pk):
            state.forget(request.session, PENDING_PAIRING)
            changed(request, True, _("The phone is paired."))

    def _rename(self, request: HttpRequest, account: ToopherAccount, verified: bool) -> None:
        api = connection.api(request)
        if verified and (phone := self._own_phone(request, account, api)):
            try:
                lookups.rename_phone(api, phone, request.POST.get("name", ""))
            except RequestRefusedError:
                messages.error(request, _("This can't be a phone's name: at most 100 characters, on one line."))
                return
            verbs.refresh(account, api)
            messages.success(request, _("The phone has its new name."))

    def _forget(self, request: HttpRequest, account: ToopherAccount, verified: bool) -> None:
        """The service holds it against the user: another's is not found (SECURITY.md S17)."""
        if not (verified and account.toopher_user_id):
            return
        try:
            lookups.remove_automation(
                connection.api(request), account.toopher_user_id, request.POST.get("automation", "")
            )
        except RequestRefusedError:
            messages.error(request, _("This automatic answer is there no more."))
            return
        messages.success(request, _("The phone is asked again from now on."))

    def _own_phone(self, request: HttpRequest, account: ToopherAccount, api: ToopherApi) -> str:
        """One of the person's own phones, and no other (SECURITY.md S17); blank otherwise."""
        phone = request.POST.get("phone", "")
        return phone if phone in {each.id for each in lookups.phones(api, account.toopher_user_id)} else ""

    def _remove(self, request: HttpRequest, account: ToopherAccount, verified: bool) -> None:
        api = connection.api(request)
        if verified and (phone := self._own_phone(request, account, api)):
            api.post(api.path("pairings", phone), deactivated=True)
            verbs.refresh(account, api)
            account.change()
            account.announce(signals.unpaired)
            changed(request, False, _("The phone was removed."))


def changed(request: HttpRequest, added: bool, text: str) -> None:
    """A phone came or went: this session keeps its mark or gets it, all others lose theirs."""
    if added:
        request.session.cycle_key()  # a key that somebody else knows gains nothing (SECURITY.md S09)
        state.set_verified(request.session)  # whoever has just said yes on the phone has the phone
    generation.renew(request)
    messages.success(request, text)


@method_decorator([csrf_protect, never_cache, needs_tables], name="dispatch")
class AccountPostbackView(LoginRequiredMixin, View):
    """Takes the signed result of the management iframe."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Back to the page, which says what changed."""
        pending = state.load(request.session, PENDING_PAIRING)
        iframe, api = connection.iframe(request), connection.api(request)
        try:
            added = attempts.complete_pairing(iframe, api, pending, posted(request), request.user.pk)
        except SecondFactorError as error:
            return failed(request, error)
        state.forget(request.session, PENDING_PAIRING)
        changed(request, added, self._change(request, added))
        return redirect("django_toopher:account")

    def _change(self, request: HttpRequest, added: bool) -> str:
        if added:
            return _("The phone is paired.")
        if posted(request).get("resource_type") == "requester_user":
            return _("The change was made.")
        return _("The phone was removed.")


class ComputerView(VerifiedView):
    """Renames or forgets one of the person's computers."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Another's computer is not found (SECURITY.md S17)."""
        api, terminal = connection.api(request), request.POST.get("computer", "")
        try:
            if "forget" in request.POST:
                history.forget(request.user, terminal, api)
                messages.success(request, _("The computer is forgotten. It will be asked about like a new one."))
            else:
                history.rename(request.user, terminal, request.POST.get("name", ""), api)
                messages.success(request, _("The computer has its new name."))
        except history.UnknownComputerError:
            messages.error(request, _("This computer is not in your list."))
        except ToopherApiError:
            messages.error(request, _("The service does not answer: nothing was changed. Try again in a minute."))
        return redirect("django_toopher:account")


class SignOutOthersView(VerifiedView):
    """Takes the verified mark from all other sessions of the person."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """They have to confirm with the phone before they see another page.

        Where support intervenes at this moment, this session has to as well: it does not renew what that has ended.
        """
        if self.account.change_as_read():
            state.set_generation(request.session, self.account.generation)
            messages.success(request, _("Everywhere else the phone has to confirm again."))
        return redirect("django_toopher:account")
