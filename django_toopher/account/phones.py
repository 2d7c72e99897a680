"""Phones come and go on the account page: by the management iframe's postback, or by the buttons of our own page."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from .. import connection, signals
from ..client import RequestRefusedError, ToopherApiError
from ..conf import conf
from ..errors import ExpiredAttemptError, NothingPendingError, SecondFactorError, ServiceDownError, UnknownPhraseError
from ..login import attempts, due, native, phone_changes
from ..login.framing import failed, posted
from ..login.native_views import UNKNOWN_PHRASE, typed_phrase
from ..models import Attempt, ToopherAccount
from ..service_link import lookups
from ..session import generation, state
from ..session.state import PENDING_PAIRING, Pending
from ..support import verbs
from .verified import is_verified


def change_under_way(request: HttpRequest, account: ToopherAccount) -> Pending:
    """The change that the iframe may report: the one that is open, as long as it leaves time to do something.

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
    return _begin_change(request)


def _begin_change(request: HttpRequest) -> Pending:
    user: Any = request.user
    pending = attempts.begin(user, Attempt.Kind.PAIRING, action=_("Manage phones"))
    state.store(request.session, PENDING_PAIRING, pending)
    return pending


def own_page(request: HttpRequest, account: ToopherAccount) -> dict[str, Any]:
    """What our own page shows (``TOOPHER_EMBED = "native"``): the phones, and the one that is being paired."""
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


@method_decorator([csrf_protect, never_cache], name="dispatch")
class AccountPostbackView(LoginRequiredMixin, View):
    """Takes the signed result of the management iframe."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Back to the page, which says what changed."""
        pending = state.load(request.session, PENDING_PAIRING)
        iframe, api = connection.iframe(request), connection.api(request)
        try:
            change = phone_changes.complete_with_postback(iframe, api, pending, posted(request), request.user.pk)
        except SecondFactorError as error:
            return failed(request, error)
        state.forget(request.session, PENDING_PAIRING)
        if change.added:
            _welcome_phone(request)
        else:
            text = _("The phone was removed.") if change.enabled is None else _("The change was made.")
            _keep_session(request, text)
        return redirect("django_toopher:account")


@method_decorator([csrf_protect, never_cache], name="dispatch")
class PhonesView(LoginRequiredMixin, View):
    """The buttons of our own page: pair, rename and remove a phone, end an automation."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """To those who may see the page, and back to it."""
        account = ToopherAccount.objects.for_user(request.user)  # type: ignore[arg-type]
        verified = is_verified(request, account)
        if conf.TOOPHER_EMBED == "native" and account.enabled and (verified or not account.paired):
            try:
                self._act(request, account, verified=verified)
            except (ToopherApiError, ServiceDownError):
                messages.error(request, _("The service does not answer: nothing was changed. Try again in a minute."))
            except SecondFactorError as error:
                return failed(request, error)
        return redirect("django_toopher:account")

    def _act(self, request: HttpRequest, account: ToopherAccount, *, verified: bool) -> None:
        """Who has no phone yet, and so only a password, can pair the first one, and do nothing else."""
        step = request.POST.get("step", "")
        changes = {"rename": _rename, "remove": _remove, "forget": _forget_automation}
        if step in {"pair", "phrase"}:
            # who has a phone that we have not heard of is asked by the page (SECURITY.md S37)
            if verified or not due.is_due(request, request.user, fails_open=False):
                _pair(request, only_first=not verified)
        elif step not in changes:
            _complete(request)
        elif verified:
            changes[step](request, account)


def _pair(request: HttpRequest, *, only_first: bool) -> None:
    phrase = typed_phrase(request)
    pending = state.load(request.session, PENDING_PAIRING) if phrase else None
    pending = pending or _begin_change(request)
    try:
        attempt = attempts.find_open(pending, Attempt.Kind.PAIRING)
        native.pair(connection.api(request), attempt, phrase, only_first=only_first)
    except UnknownPhraseError:
        messages.error(request, UNKNOWN_PHRASE)
        return
    if phrase:
        messages.info(request, _("Now say yes on the phone that showed the words."))


def _complete(request: HttpRequest) -> None:
    """The phone that is being paired may have said yes meanwhile."""
    pending = state.load(request.session, PENDING_PAIRING)
    if phone_changes.complete_with_reply(connection.api(request), pending, request.user.pk):
        state.forget(request.session, PENDING_PAIRING)
        _welcome_phone(request)


def _rename(request: HttpRequest, account: ToopherAccount) -> None:
    api = connection.api(request)
    if phone := _own_phone(request, account):
        try:
            lookups.rename_phone(api, phone, request.POST.get("name", ""))
        except RequestRefusedError:
            messages.error(request, _("This can't be a phone's name: at most 100 characters, on one line."))
            return
        verbs.refresh(account, api)
        messages.success(request, _("The phone has its new name."))


def _remove(request: HttpRequest, account: ToopherAccount) -> None:
    api = connection.api(request)
    if phone := _own_phone(request, account):
        api.post(api.path("pairings", phone), deactivated=True)
        verbs.refresh(account, api)
        # refresh() moves the generation only where the phone that was removed is the one used last
        account.change()
        account.announce(signals.unpaired)
        _keep_session(request, _("The phone was removed."))


def _own_phone(request: HttpRequest, account: ToopherAccount) -> str:
    """One of the person's own phones, and no other (SECURITY.md S17); blank otherwise."""
    if not account.toopher_user_id:
        return ""
    phone, known = request.POST.get("phone", ""), lookups.phones(connection.api(request), account.toopher_user_id)
    return phone if phone in {each.id for each in known} else ""


def _forget_automation(request: HttpRequest, account: ToopherAccount) -> None:
    """The service holds it against the user: another's is not found (SECURITY.md S17)."""
    if not account.toopher_user_id:
        return
    api, automation = connection.api(request), request.POST.get("automation", "")
    try:
        lookups.remove_automation(api, account.toopher_user_id, automation)
    except RequestRefusedError:
        messages.error(request, _("This automatic approval no longer exists."))
        return
    messages.success(request, _("The phone is asked again from now on."))


def _welcome_phone(request: HttpRequest) -> None:
    """Whoever has just said yes on the phone has the phone."""
    request.session.cycle_key()  # a key that somebody else knows gains nothing (SECURITY.md S09)
    state.set_verified(request.session)
    _keep_session(request, _("The phone is paired."))


def _keep_session(request: HttpRequest, text: str) -> None:
    """Phones changed: this session keeps what it earned, all others have to confirm again."""
    generation.renew(request)
    messages.success(request, text)
