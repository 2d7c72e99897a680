"""Between a view and a request that was not confirmed yet: the pages, and the replies to clients that have no page.

A page is asked for in place, at the view's own address. The confirmation of a form is posted to that same address, with
the held form in it: so path, query, URLconf, language and middleware are right by themselves, and only the body has to
be put back. The confirmation of anything else goes to ``StepUpPostbackView``, which leads back to where it came from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.signing import BadSignature
from django.db import router
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .. import connection, policy
from ..conf import conf
from ..errors import (
    ExpiredAttemptError,
    NotAnsweredYetError,
    SecondFactorError,
    WrongPasswordError,
)
from ..exempt import second_factor_exempt
from ..login import attempts, native
from ..login.error_texts import explanation_of_step_up
from ..login.framing import posted
from ..login.redirects import is_ours
from ..models import Attempt
from ..schema import needs_tables
from ..session import computer, generation, state
from ..session.state import STEP_UP_GRANT, Pending
from . import approvals
from .approvals import Requirement, Subject
from .atomic import require_durable
from .held_request import Held, hold, pack, restore, unpack

HELD = "toopher_held"
PASSWORD = "toopher_password"  # noqa: S105 (the name of a field)

POLL_SECONDS = 2
"""How long to wait between two looks at a question's status."""

BROWSERS_OWN = {"basic", "digest", "negotiate", "ntlm"}
"""Schemes of credentials that browsers send with every page; a site in the making often has such a door."""

Json = dict[str, Any]


@needs_tables
def hurdle(request: HttpRequest, requirement: Requirement, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
    """What to answer in place of the view; ``None`` lets it run, on the request as it was sent and confirmed."""
    if not requirement.is_for(request):
        return None
    if not request.user.is_authenticated:
        return _login_first(request)
    require_durable(request, router.db_for_write(Attempt))
    try:
        if HELD in request.POST:
            return _confirm_held(request, requirement, *args, **kwargs)
        if requirement.passes(request, *args, **kwargs):
            return None
        return _stop(request, requirement, requirement.words(request, *args, **kwargs))
    except SecondFactorError as error:
        return _refusal(request, error, _way_back(request))


def _login_first(request: HttpRequest) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"reason": "login_required"}, status=403)
    return redirect_to_login(request.get_full_path())


def wants_json(request: HttpRequest) -> bool:
    """Whether whoever asks can't show a page: a script in a page, or a client of its own."""
    return (
        request.method not in {"GET", "HEAD", "POST"}
        or request.content_type == "application/json"
        or request.headers.get("Authorization", "basic").partition(" ")[0].lower() not in BROWSERS_OWN
        or request.headers.get("Sec-Fetch-Dest") == "empty"
        or request.headers.get("X-Requested-With") == "XMLHttpRequest"
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def _way_back(request: HttpRequest) -> str:
    """The page that the request came from, on this site; without one, the site's front."""
    referer = request.headers.get("Referer", "")
    return referer if is_ours(request, referer) else "/"


def _stop(request: HttpRequest, requirement: Requirement, words: str) -> HttpResponseBase | None:
    """Ask, unless it was confirmed."""
    ticket = request.headers.get(approvals.HEADER)
    is_met = requirement.is_met(request.session, words) and generation.is_current(request)
    if is_met and ticket is None and STEP_UP_GRANT not in request.session:
        return None
    subject = approvals.subject_of(request, request.user, words, held := hold(request))
    if ticket is not None or (ticket := _grant(request, subject)) is not None:
        use(request, ticket, subject)
        requirement.remember(request.session, words)
        return None
    if is_met:
        return None
    if wants_json(request):
        return JsonResponse(ask(request, subject), status=403)
    return _page(request, Question(subject, held, _way_back(request)))


def _grant(request: HttpRequest, subject: Subject) -> str | None:
    """The approval with which this session was sent back, if it is for this request. One for another page stays."""
    ticket = request.session.get(STEP_UP_GRANT)
    try:
        approvals.require_subject(*approvals.find(ticket), subject)
    except SecondFactorError:
        return None
    state.forget(request.session, STEP_UP_GRANT)
    return str(ticket)


def use(request: HttpRequest, ticket: str, subject: Subject) -> None:
    """Spend the approval that somebody has come back with. Raises a ``SecondFactorError`` when there is none."""
    pending, attempt = approvals.find(ticket)
    approvals.require_subject(pending, attempt, subject)
    approvals.look(connection.api(request), attempt)
    approvals.spend(attempt)


# Clients without a page


def ask(request: HttpRequest, subject: Subject) -> Json:
    """Ask the phone, and say how to go on: what to show, where to look for the answer, how to come back with it."""
    pending = approvals.begin(request, subject)
    by_phone = approvals.asks_phone(subject.user, request)
    return {
        "reason": "second_factor_required",
        "action": subject.action,
        "method": "phone" if by_phone else "password",
        "number": _ask_phone(request, pending) if by_phone else "",
        "step_up": pending.ticket,
        "header": approvals.HEADER,
        "authenticate_url": request.build_absolute_uri(_url("step-up", pending)),
        "status_url": request.build_absolute_uri(_url("step-up-status", pending)),
        "poll_seconds": POLL_SECONDS,
        "expires_in": conf.TOOPHER_ATTEMPT_AGE,
    }


def _url(name: str, pending: Pending) -> str:
    return reverse(f"django_toopher:{name}", args=[pending.ticket])


def _ask_phone(request: HttpRequest, pending: Pending) -> str:
    """The number to type on the phone, which is being asked."""
    terminal, name = computer.terminal_id(request), computer.terminal_name(request)
    return approvals.ask_phone(connection.api(request), pending, terminal, name)


def status_of(request: HttpRequest, ticket: str) -> Json:
    """How a question stands. Raises ``NothingPendingError`` to who has not the ticket (SECURITY.md S32)."""
    _pending, attempt = approvals.find(ticket)
    number = approvals.look(connection.api(request), attempt)
    progress = approvals.state_of(attempt)
    granted = progress in {"granted", "spent"}
    return {
        "state": progress,
        "granted": granted,
        "action": attempt.action,
        "number": number,
        "poll_seconds": POLL_SECONDS,
    }


def refusal_of(error: SecondFactorError, back: str) -> Json:
    """An error for a client without a page."""
    told = explanation_of_step_up(error, back)
    return {
        "reason": error.reason,
        "detail": f"{told['explanation']} {told['next_step']}",
        "poll_seconds": POLL_SECONDS,
    }


def _refusal(request: HttpRequest, error: SecondFactorError, back: str) -> HttpResponseBase:
    """What went wrong, and that nothing was carried out."""
    if wants_json(request):
        return JsonResponse(refusal_of(error, back), status=error.status)
    context = explanation_of_step_up(error, back)
    response = render(request, "django_toopher/failed.html", context, status=error.status)
    add_never_cache_headers(response)
    return response


# People with a page


@dataclass(frozen=True)
class Question:
    """What a page asks: for whom and what, with which form, and where "back" leads."""

    subject: Subject
    held: Held
    back: str

    def packed(self, pending: Pending) -> str:
        """All of it in a field of the page. Raises ``TooLargeRequestError``."""
        subject = self.subject
        beside = {"action": subject.action, "method": subject.method, "path": subject.path, "back": self.back}
        return pack(self.held, ticket=pending.ticket, **beside)

    @property
    def postback_url(self) -> str:
        """A form's confirmation goes where the form went."""
        return self.subject.path if self.subject.method == "POST" else reverse("django_toopher:step-up-postback")


def _page(
    request: HttpRequest, question: Question, pending: Pending | None = None, error: SecondFactorError | None = None
) -> HttpResponse:
    """Ask: in the iframe, on our own page, or, of somebody without a phone, for the password."""
    is_new = pending is None
    pending = pending or approvals.begin(request, question.subject)
    context: Json = {
        "action": question.subject.action,
        "held": question.packed(pending),
        "postback_url": question.postback_url,
        "back": question.back,
        "cancel_url": _url("step-up-cancel", pending),
        "error": error and explanation_of_step_up(error, question.back),
    }
    terminal = computer.terminal_id(request)
    if approvals.asks_phone(question.subject.user, request):
        context |= _phone_context(request, pending, terminal, context["held"], is_new=is_new)
    else:
        context |= {"way": "password", "has_password": question.subject.user.has_usable_password()}
    response = render(request, "django_toopher/step_up.html", context)
    computer.remember(request, response, terminal)
    add_never_cache_headers(response)
    return response


def _phone_context(request: HttpRequest, pending: Pending, terminal: str, held: str, *, is_new: bool) -> Json:
    """For a page that asks the phone, and offers a way on to somebody who has it no more."""
    attempt = attempts.find_open(pending, Attempt.Kind.STEP_UP, terminal=terminal)
    context: Json = {
        "has_recovery_codes": vars(attempt)["has_recovery_codes"],
        "support_url": conf.TOOPHER_SUPPORT_URL,
    }
    if conf.TOOPHER_EMBED == "iframe":
        post_args = json.dumps({"csrfmiddlewaretoken": get_token(request), HELD: held})
        url = _iframe_url(request, attempt, pending.token, terminal)
        return context | {"way": "iframe", "iframe_url": url, "post_args": post_args}
    number = _ask_phone(request, pending) if is_new else status_of(request, pending.ticket)["number"]
    return context | {"way": "native", "number": native.spaced(number), "status_url": _url("step-up-status", pending)}


def _iframe_url(request: HttpRequest, attempt: Attempt, token: str, terminal: str) -> str:
    """Never approved by a standing answer: a person has to read the action."""
    if not connection.is_embedded():  # the one in this process always answers
        attempts.require_service(connection.api(request), attempt)
    user: Any = attempt.user
    return connection.iframe(request).get_auth_iframe_url(
        attempt.toopher_name,
        getattr(user, "email", "") or "",
        token,
        action_name=attempt.action,
        allow_inline_pairing=policy.demands(user, request),
        automation_allowed=False,
        challenge_required=conf.TOOPHER_CHALLENGE_REQUIRED,
        ttl=conf.TOOPHER_IFRAME_TTL,
        terminal_name=computer.name_at(attempt, request),
        requester_specified_terminal_id=terminal,
    )


def _unpacked(request: HttpRequest) -> tuple[Held, dict[str, str]]:
    try:
        return unpack(request.POST.get(HELD, ""), conf.TOOPHER_ATTEMPT_AGE)
    except BadSignature as exc:
        raise ExpiredAttemptError from exc


def _confirm_held(request: HttpRequest, requirement: Requirement, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
    """Put the held form back in its place, and spend its approval."""
    request.sensitive_post_parameters = [HELD, PASSWORD]  # type: ignore[attr-defined] # in reports of errors
    fields = posted(request)
    held, beside = _unpacked(request)
    restore(request, held)
    try:
        words = requirement.words(request, *args, **kwargs)
        question = Question(approvals.subject_of(request, request.user, words, held), held, beside["back"])
        again = _confirm(request, question, beside["ticket"], fields)
        if again is not None:
            return again
        approvals.spend(approvals.find(beside["ticket"])[1])
    except SecondFactorError as error:
        return _refusal(request, error, beside["back"])
    requirement.remember(request.session, words)
    return None


def _confirm(request: HttpRequest, question: Question, ticket: str, fields: Any) -> HttpResponseBase | None:
    """Take the confirmation, of whichever kind; or the page again, where there may still come a right one."""
    pending, attempt = approvals.find(ticket)
    approvals.require_subject(pending, attempt, question.subject)
    fields.pop(HELD, None)
    try:
        if PASSWORD in fields:
            _take_password(request, pending, fields[PASSWORD])
        elif fields:
            approvals.complete(connection.iframe(request), pending, fields)
        else:
            approvals.look(connection.api(request), attempt)
        approvals.require_granted(attempt)
        if attempt.spent is not None:  # what was carried out once proves nothing a second time (SECURITY.md S13)
            raise ExpiredAttemptError
        if attempt.method != Attempt.Method.PASSWORD:  # which proves no phone, wherever it was given
            _mark_verified(request, attempt)
    except NotAnsweredYetError:
        return _page(request, question, pending)
    except WrongPasswordError as error:
        return _page(request, question, error=error)
    return None


def _take_password(request: HttpRequest, pending: Pending, password: str) -> None:
    user: Any = approvals.complete_with_password(request, pending, password)
    known: Any = request.user
    if user.password != known.password:  # it was hashed anew, as login() does, which must not end the session
        update_session_auth_hash(request, user)


def _mark_verified(request: HttpRequest, attempt: Attempt) -> None:
    """Who has just said yes on the phone has the phone, as long as nothing has changed since."""
    if not state.is_verified(request) or state.VERIFIED_AT not in request.session:
        request.session.cycle_key()  # a key that somebody else knows gains nothing (SECURITY.md S09)
    state.set_verified(request.session, attempt.generation)


@method_decorator([login_not_required, csrf_protect, never_cache, needs_tables], name="dispatch")
class StepUpPostbackView(View):
    """Takes the confirmation of a page that was asked for, and leads to that page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Back to the page, which takes the approval from the session; once."""
        back = "/"
        try:
            held, beside = _unpacked(request)
            back = beside["back"]
            user: Any = request.user
            if not user.is_authenticated:
                return redirect_to_login(beside["path"])
            caller = approvals.caller_of(request)
            subject = Subject(user, beside["action"], caller, beside["method"], beside["path"], held.canonical())
            again = _confirm(request, Question(subject, held, back), beside["ticket"], posted(request))
        except SecondFactorError as error:
            return _refusal(request, error, back)
        if again is not None:
            return again
        request.session[STEP_UP_GRANT] = beside["ticket"]
        return HttpResponseRedirect(beside["path"])


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class StepUpCancelView(View):
    """Turns back from a step-up."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The attempt is void, the phone is not asked any more; back to where the request came from."""
        native.cancel(connection.api(request), Pending.of_ticket(ticket), Attempt.Kind.STEP_UP)
        back = request.POST.get("back", "")
        return HttpResponseRedirect(back if is_ours(request, back) else "/")


@method_decorator([login_not_required, second_factor_exempt, csrf_protect, never_cache, needs_tables], name="dispatch")
class StepUpView(View):
    """The page to which a client without one sends its person. Whoever has its address may see and confirm."""

    def get(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The number to type, and what became of it."""
        return self._shown(request, ticket)

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The password of who confirms without a phone."""
        try:
            approvals.complete_with_password(request, approvals.find(ticket)[0], request.POST.get(PASSWORD, ""))
        except SecondFactorError as error:
            return _refusal(request, error, "/")
        return self._shown(request, ticket)

    def _shown(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        try:
            status = status_of(request, ticket)
            pending, attempt = approvals.find(ticket)
        except SecondFactorError as error:
            return _refusal(request, error, "/")
        way = "native" if attempt.request_id else "password"
        context = {
            **status,
            "number": native.spaced(status["number"]),
            "way": way,
            "status_url": _url("step-up-status", pending),
            "has_password": True,
        }
        return render(request, "django_toopher/step_up_elsewhere.html", context)


@method_decorator([login_not_required, second_factor_exempt, csrf_exempt, never_cache, needs_tables], name="dispatch")
class StepUpStatusView(View):
    """For clients without a page: how the question stands. The secret in the address is the permission."""

    def get(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """``state``: pending, granted, denied, failed, expired or spent."""
        try:
            return JsonResponse(status_of(request, ticket))
        except NotAnsweredYetError:
            return JsonResponse({"state": "pending", "number": "", "poll_seconds": POLL_SECONDS})
        except SecondFactorError as error:
            return JsonResponse(refusal_of(error, "/"), status=error.status)

    def post(self, request: HttpRequest, ticket: str) -> HttpResponseBase:
        """The field ``password``, of who confirms without a phone."""
        try:
            approvals.complete_with_password(request, approvals.find(ticket)[0], request.POST.get("password", ""))
        except SecondFactorError as error:
            return JsonResponse(refusal_of(error, "/"), status=error.status)
        return self.get(request, ticket)
