"""Our own page that asks the phone (``TOOPHER_EMBED = "native"``); it works without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from django.views.decorators.cache import never_cache

from .. import backoff, connection
from ..client import ToopherApiError
from ..conf import conf
from ..errors import SecondFactorError, TooManyCodesError, UnknownPhraseError
from ..exempt import second_factor_exempt
from ..models import Attempt
from ..session import state
from ..session.state import PENDING_LOGIN, PENDING_PAIRING
from . import attempts, native
from .attempts import OpenAttempt
from .framing import may_pair
from .native import Progress

WRONG_CODE = gettext_lazy("That code is not right, or was used already. Wait for the next one.")
UNKNOWN_PHRASE = gettext_lazy("No phone shows these words now. Check them, or make new ones on the phone.")


def typed_phrase(request: HttpRequest) -> str:
    """The words that a phone shows, as the person typed them: with one space between each two."""
    return " ".join(request.POST.get("phrase", "")[:200].split())


def typed_code(text: str) -> str:
    """A one-time code as the person typed it, without spaces."""
    return "".join(text[:20].split())


def too_many_codes(error: TooManyCodesError) -> str:
    """That no code is looked at for a while."""
    minutes = backoff.minutes(error.seconds)
    return ngettext(
        "No code is taken now. Wait %(minutes)d minute before you type another.",
        "No code is taken now. Wait %(minutes)d minutes before you type another.",
        minutes,
    ) % {"minutes": minutes}


@dataclass
class Asking:
    """The native page of one request: what its buttons do, and how it looks afterwards."""

    request: HttpRequest
    here: OpenAttempt
    error: str = ""
    words_typed: bool = False

    def __post_init__(self) -> None:
        self.attempt = self.here.attempt
        user: Any = self.attempt.user
        self.api = connection.api(self.request)
        self.pairs = may_pair(self.request, user)

    def act(self) -> Progress:
        """Carry out what was posted, if anything; where it stands then. Raises a ``SecondFactorError``."""
        step = self.request.POST.get("step", "")
        act = {"ask": self._ask, "pair": self._pair, "phrase": self._phrase, "code": self._code}.get(step)
        # how it stands comes first: a button of a page that is out of date does nothing
        progress = native.advance(self.api, self.attempt, self.here.computer, pairs=self.pairs)
        return act(progress) if act else progress

    def _ask(self, progress: Progress) -> Progress:
        if not progress.may_ask:
            return progress
        return native.ask_phone(self.api, self.attempt, self.here.computer, pairs=self.pairs)

    def _pair(self, progress: Progress) -> Progress:
        return native.pair(self.api, self.attempt) if progress.state == "unpaired" else progress

    def _phrase(self, progress: Progress) -> Progress:
        phrase = typed_phrase(self.request)
        if progress.state != "pairing" or not phrase:
            return progress
        try:
            after = native.pair(self.api, self.attempt, phrase)
        except UnknownPhraseError:
            self.error = str(UNKNOWN_PHRASE)
            return progress
        self.words_typed = True
        return after

    def _code(self, progress: Progress) -> Progress:
        code = typed_code(self.request.POST.get("code", ""))
        if progress.reply is None or not progress.takes_code or not code:
            return progress
        try:
            after = native.enter_code(self.api, self.attempt, progress.reply, code)
        except TooManyCodesError as error:
            self.error = too_many_codes(error)
            return progress
        if after.takes_code:
            self.error = str(WRONG_CODE)
        return after

    def page(self, progress: Progress) -> HttpResponse:
        """How it stands, for the person."""
        context = {
            "state": progress.state,
            "number": native.spaced(progress.number),
            "wait": progress.wait,
            "minutes": backoff.minutes(progress.wait),
            "error": self.error,
            "listed": progress.has_list,
            "words_typed": self.words_typed,
            "came_back": self.request.method == "POST",
            "username": self.attempt.username,
            "has_recovery_codes": self.here.has_recovery_codes,
            "support_url": conf.TOOPHER_SUPPORT_URL,
        }
        return render(self.request, "django_toopher/native.html", context)


class LeavesSessionMixin(View):
    """For what is loaded while somebody waits, where each load of the page gives the session another key."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Leaves the browser its session: the page may be open anew, in another tab, with another key by now."""
        response = super().dispatch(request, *args, **kwargs)
        if request.session.is_empty():
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)  # else Django tells the browser to drop it
        return response


@method_decorator([login_not_required, second_factor_exempt, never_cache], name="dispatch")
class WaitingView(LeavesSessionMixin):
    """Something that the waiting page loads. Only the session that waits finds its attempt (SECURITY.md S32)."""

    kind = Attempt.Kind.LOGIN

    def attempt(self, request: HttpRequest) -> Attempt:
        """The attempt that waits; raises a ``SecondFactorError``."""
        key = PENDING_PAIRING if self.kind == Attempt.Kind.PAIRING else PENDING_LOGIN
        return attempts.find_open(state.load(request.session, key), self.kind)


class NativeStateView(WaitingView):
    """The page's poll: a word, no secret."""

    def get(self, request: HttpRequest) -> JsonResponse:
        """``state`` of ``native.Progress``, and once it is answered whether with a yes."""
        try:
            progress = native.poll(connection.api(request), self.attempt(request))
        except SecondFactorError as error:
            return JsonResponse({"state": "over", "reason": error.reason}, status=error.status)
        granted = progress.state == "answered" and bool(progress.reply)
        return JsonResponse({"state": progress.state, "granted": granted})


class NativeQrView(WaitingView):
    """The QR code that a phone scans to be paired."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The PNG; 404 when no phone is being paired."""
        try:
            api = connection.api(request)
            image = api.get_pairing_by_id(self.attempt(request).pairing_id).get_qr_code_image(api)
        # ValueError: nothing is being paired, and a blank id makes no path
        except (SecondFactorError, ToopherApiError, ValueError):
            return HttpResponse(status=404)
        return HttpResponse(image, content_type="image/png")
