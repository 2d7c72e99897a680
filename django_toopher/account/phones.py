"""Phones come and go on the account page: as the management iframe proposes it, or by the buttons of our own page."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import connection, policy
from ..client import RequestRefusedError, ToopherApiError
from ..conf import conf
from ..errors import (
    ExpiredAttemptError,
    LastPhoneError,
    NothingPendingError,
    SecondFactorError,
    ServiceDownError,
    UnknownPhraseError,
)
from ..login import attempts, native, phone_changes
from ..login.framing import failed, posted
from ..login.native_views import UNKNOWN_PHRASE, typed_phrase
from ..login.phone_changes import Change
from ..models import Attempt, ToopherAccount
from ..service_link import lookups
from ..session import generation, state
from ..session.state import PENDING_PAIRING, REPLACING_AT, Pending
from ..support import verbs
from .verified import ChangeView


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


def is_replacing(request: HttpRequest) -> bool:
    """Whether the next phone that is paired here takes the place of all others (``lost_views``)."""
    return state.was_lately(request.session, REPLACING_AT, conf.TOOPHER_ATTEMPT_AGE)


class PhoneChangeView(ChangeView):
    """Carries out a change that the person wishes, wherever that was said."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Do it, and back to the page, which says what changed."""
        try:
            self.act(request)
        except (ToopherApiError, ServiceDownError):
            messages.error(request, _("The service does not answer: nothing was changed. Try again in a minute."))
        except LastPhoneError:
            messages.error(request, _("This site wants you to have a phone. Pair another one before you remove this."))
        except SecondFactorError as error:
            return failed(request, error)
        return redirect("django_toopher:account")

    def act(self, request: HttpRequest) -> None:
        """What was posted."""
        raise NotImplementedError

    def carry_out(self, request: HttpRequest, change: Change) -> None:
        """Anything but a new phone: for those alone who have passed the second factor in this session."""
        act = _CHANGES.get(change.word)
        if act and self.verified:
            act(request, self.account, change)


class AccountPostbackView(PhoneChangeView):
    """Takes the signed proposal of the management iframe, which changes nothing by itself (SECURITY.md S39)."""

    def restricts(self, request: HttpRequest) -> bool:
        """The end of an automation. If that is not what was signed, it is refused."""
        return request.POST.get("change") == "forget"

    def act(self, request: HttpRequest) -> None:
        """Believed is what is signed for this session's own page; done, what this session may do."""
        pending, api = state.load(request.session, PENDING_PAIRING), connection.api(request)
        iframe, fields = connection.iframe(request), posted(request)
        attempt, change = phone_changes.read_proposal(iframe, pending, fields, request.user.pk, was_held=self.was_held)
        if change.word == "pair":
            phone_changes.add(api, attempt, change.of, alone=is_replacing(request))
            state.forget(request.session, PENDING_PAIRING)
            _welcome_phone(request)
            return
        phone_changes.spend(attempt, change)
        state.forget(request.session, PENDING_PAIRING)
        self.carry_out(request, change)


class PhonesView(PhoneChangeView):
    """The buttons of our own page: pair, rename and remove a phone, end an automation."""

    def restricts(self, request: HttpRequest) -> bool:
        """The end of an automation."""
        return request.POST.get("step") == "forget"

    def act(self, request: HttpRequest) -> None:
        """Who has no phone yet, and so only a password, can pair the first one, and do nothing else."""
        if conf.TOOPHER_EMBED != "native":
            return
        given = request.POST
        step = given.get("step", "")
        if step in {"pair", "phrase"}:
            _pair(request, only_first=not self.verified)
        elif step in {"rename", "remove", "forget"}:
            of = given.get("automation" if step == "forget" else "phone", "")
            self.carry_out(request, Change(step, of, given.get("name", "")))
        else:
            _complete(request)


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
    pending, api = state.load(request.session, PENDING_PAIRING), connection.api(request)
    if phone_changes.add_agreed(api, pending, request.user.pk, alone=is_replacing(request)):
        state.forget(request.session, PENDING_PAIRING)
        _welcome_phone(request)


def _rename(request: HttpRequest, account: ToopherAccount, change: Change) -> None:
    try:
        renamed = phone_changes.rename(connection.api(request), account, change.of, change.value)
    except RequestRefusedError:
        messages.error(request, _("This can't be a phone's name: at most 100 characters, on one line."))
        return
    if renamed:
        messages.success(request, _("The phone has its new name."))


def _remove(request: HttpRequest, account: ToopherAccount, change: Change) -> None:
    if phone_changes.remove(connection.api(request), account, change.of, unless_last=_keeps_one(request)):
        _keep_session(request, _("The phone was removed."))


def _forget_automation(request: HttpRequest, account: ToopherAccount, change: Change) -> None:
    """The service holds it against the user: another's is not found (SECURITY.md S17)."""
    if not account.toopher_user_id:
        return
    try:
        lookups.remove_automation(connection.api(request), account.toopher_user_id, change.of)
    except RequestRefusedError:
        messages.error(request, _("This automatic approval no longer exists."))
        return
    messages.success(request, _("The phone is asked again from now on."))


def _reset(request: HttpRequest, account: ToopherAccount, change: Change) -> None:
    if _keeps_one(request):
        raise LastPhoneError
    with suppress(verbs.SkippedError):  # there was none
        verbs.reset(account, connection.api(request))
        _keep_session(request, _("The change was made."))


def _switch(request: HttpRequest, account: ToopherAccount, change: Change) -> None:
    """Off; on is for support, as the page is not there while it is off."""
    if change.value != "false":
        return
    if _keeps_one(request):
        raise LastPhoneError
    with suppress(verbs.SkippedError):  # it was off
        verbs.carry_out(verbs.VERBS["disable"], account, connection.api(request))
        _keep_session(request, _("The change was made."))


_CHANGES = {"rename": _rename, "remove": _remove, "forget": _forget_automation, "reset": _reset, "switch": _switch}


def _keeps_one(request: HttpRequest) -> bool:
    """Whether the last factor has to stay: with the password alone nobody like this person may get in."""
    return policy.demands(request.user, request)  # type: ignore[arg-type]


def _welcome_phone(request: HttpRequest) -> None:
    """Whoever has just said yes on the phone has the phone."""
    replaced = is_replacing(request)
    request.session.cycle_key()  # a key that somebody else knows gains nothing (SECURITY.md S09)
    state.set_verified(request.session)
    state.forget(request.session, REPLACING_AT)
    _keep_session(
        request, _("The phone is paired, the old ones were removed.") if replaced else _("The phone is paired.")
    )


def _keep_session(request: HttpRequest, text: str) -> None:
    """Phones changed: this session keeps what it earned, all others have to confirm again."""
    generation.renew(request)
    messages.success(request, text)
