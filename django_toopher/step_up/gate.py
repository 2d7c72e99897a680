"""Stands in front of a view: stops a request that was not confirmed, and takes the confirmation of one that was held.

A page is asked for in place, at the view's own address. The confirmation of a form is posted to that same address, with
the held form in it: so path, query, URLconf, language and middleware are right by themselves, and only the body has to
be put back. The confirmation of anything else goes to ``StepUpPostbackView``, which leads back to where it came from.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import redirect_to_login
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from .. import connection
from ..conf import conf
from ..errors import (
    ExpiredAttemptError,
    NotAnsweredYetError,
    SecondFactorError,
    TooManyCodesError,
    WrongCodeError,
    WrongPasswordError,
)
from ..login.framing import posted
from ..login.native_views import typed_code
from ..login.redirects import is_ours
from ..models import Attempt
from ..session import generation, sitting, state
from ..session.state import STEP_UP_GRANT, Pending
from . import approvals
from .approvals import Subject
from .atomic import require_durable
from .clients import HEADER, challenge, wants_json
from .held_request import Held, hold, restore, unpack
from .pages import AGAIN, CODE, HELD, PASSWORD, Prompt, page, refusal
from .requirement import Requirement


def intercept(request: HttpRequest, requirement: Requirement, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
    """What to answer in place of the view; ``None`` lets it run, on the request as it was sent and confirmed."""
    if not requirement.is_for(request):
        return None
    if not request.user.is_authenticated:
        return _login_first(request)
    require_durable(request)
    try:
        # before ``unless`` is asked: fields beside a confirmation must not let it pass (S13)
        if HELD in request.POST:
            return _confirm_held(request, requirement, *args, **kwargs)
        if requirement.passes(request, *args, **kwargs):
            return None
        return _stop(request, requirement, requirement.words(request, *args, **kwargs))
    except SecondFactorError as error:
        return refusal(request, error, _way_back(request))


def _login_first(request: HttpRequest) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"reason": "login_required"}, status=403)
    return redirect_to_login(request.get_full_path())


def _way_back(request: HttpRequest) -> str:
    """The page that the request came from, on this site; without one, the site's front."""
    referer = request.headers.get("Referer", "")
    return referer if is_ours(request, referer) else "/"


def _stop(request: HttpRequest, requirement: Requirement, words: str) -> HttpResponseBase | None:
    """Ask, unless it was confirmed."""
    ticket, person = request.headers.get(HEADER), sitting.person(request)
    is_met = approvals.is_confirmed(request, person, requirement, words) and generation.is_current(request)
    if is_met and ticket is None and STEP_UP_GRANT not in request.session:
        return None
    subject = approvals.subject_of(request, person, words, held := hold(request))
    # spent even where none is needed: left behind, it would let another request pass later
    if ticket is not None or (ticket := _granted_ticket(request, subject)) is not None:
        attempt = approvals.redeem(connection.api(request), ticket, subject)
        requirement.remember(request.session, words, by_password=attempt.method == Attempt.Method.PASSWORD)
        return None
    if is_met:
        return None
    if wants_json(request):
        return JsonResponse(challenge(request, subject), status=403)
    return page(request, Prompt(subject, held, _way_back(request)))


def _granted_ticket(request: HttpRequest, subject: Subject) -> str | None:
    """The approval with which this session was sent back, if it is for this request. One for another page stays."""
    ticket = request.session.get(STEP_UP_GRANT)
    try:
        approvals.require_subject(*approvals.of_ticket(ticket), subject)
    except SecondFactorError:
        return None
    state.forget(request.session, STEP_UP_GRANT)
    return str(ticket)


def _confirm_held(request: HttpRequest, requirement: Requirement, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
    """Put the held form back in its place, and spend its approval."""
    request.sensitive_post_parameters = [HELD, PASSWORD]  # type: ignore[attr-defined] # in reports of errors
    fields = posted(request)  # before restore() puts the held form in their place
    held, beside = unpacked(request)
    restore(request, held)
    try:
        words = requirement.words(request, *args, **kwargs)
        prompt = Prompt(approvals.subject_of(request, sitting.person(request), words, held), held, beside["back"])
        again = confirm(request, prompt, beside["ticket"], fields)
        if again is not None:
            return again
        _pending, attempt = approvals.of_ticket(beside["ticket"])
        approvals.spend(attempt)
    except SecondFactorError as error:
        return refusal(request, error, beside["back"])
    requirement.remember(request.session, words, by_password=attempt.method == Attempt.Method.PASSWORD)
    return None


def unpacked(request: HttpRequest) -> tuple[Held, dict[str, str]]:
    """The held form, and what ``Prompt.packed`` has put beside it. Raises ``ExpiredAttemptError``."""
    try:
        return unpack(request.POST.get(HELD, ""), conf.TOOPHER_ATTEMPT_AGE)
    except BadSignature as exc:
        raise ExpiredAttemptError from exc


def confirm(request: HttpRequest, prompt: Prompt, ticket: str, fields: Any) -> HttpResponseBase | None:
    """Take the confirmation, of whichever kind; or the page again, where there may still come a right one."""
    pending, attempt = approvals.of_ticket(ticket)
    approvals.require_subject(pending, attempt, prompt.subject)
    fields.pop(HELD, None)
    try:
        if PASSWORD in fields:
            _take_password(request, pending, fields[PASSWORD])
        elif code := typed_code(fields.get(CODE, "")):
            approvals.enter_code(connection.api(request), attempt, code)
        elif AGAIN in fields:
            approvals.ask_again(request, pending)
        elif fields.keys() - {CODE}:
            approvals.complete_with_postback(connection.iframe(request), connection.api(request), pending, fields)
        else:  # our own page, which posts no answer
            approvals.poll(connection.api(request), attempt)
        approvals.require_granted(attempt)
        if attempt.spent is not None:  # what was carried out once proves nothing a second time (SECURITY.md S13)
            raise ExpiredAttemptError
        if attempt.method != Attempt.Method.PASSWORD:  # which proves no phone, wherever it was given
            _set_verified(request, attempt)
    except NotAnsweredYetError:
        return page(request, prompt, pending)
    except (WrongCodeError, TooManyCodesError) as error:
        return page(request, prompt, pending, error)
    except WrongPasswordError as error:
        return page(request, prompt, error=error)
    return None


def _take_password(request: HttpRequest, pending: Pending, password: str) -> None:
    user: Any = approvals.complete_with_password(request, pending, password)
    known: Any = sitting.person(request)
    if user.password != known.password:  # it was hashed anew, as login() does, which must not end the session
        update_session_auth_hash(request, user)


def _set_verified(request: HttpRequest, attempt: Attempt) -> None:
    """Who has just said yes on the phone has the phone, as long as nothing has changed since."""
    if not state.is_verified(request) or state.VERIFIED_AT not in request.session:
        request.session.cycle_key()  # a key that somebody else knows gains nothing (SECURITY.md S09)
    state.set_verified(request.session, attempt.generation)
