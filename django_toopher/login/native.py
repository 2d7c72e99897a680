"""Asks the phone through the API, for our own page (``TOOPHER_EMBED = "native"``): no iframe and no postback.

What was asked is written into the attempt, so that a reload, a second tab or another worker asks nothing anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ..client import (
    AuthenticationRequest,
    Pairing,
    RateLimitError,
    RequestRefusedError,
    ToopherApi,
    ToopherApiError,
    UserDisabledError,
)
from ..conf import conf
from ..errors import TooManyCodesError, UnknownPhraseError
from ..models import Attempt
from ..session.computer import Computer
from ..session.state import Pending
from . import attempts

logger = logging.getLogger(__name__)

NO_ANSWER = frozenset({101, 102})
"""The service's reasons of an authentication request that ran out or was cancelled: the phone may be asked again."""

HELD = frozenset({105, 106, 107})
"""Its reasons of one that was denied unasked, because the person, or the site, has to wait (PROTOCOL.md §2.6)."""


@dataclass(frozen=True)
class Progress:
    """How far it is.

    ``state`` is ``new``, ``pairing``, ``paired``, ``unpaired``, ``waiting``, ``unanswered``, ``answered`` or ``hold``;
    where the phone may not be asked so soon again, ``code`` while a one-time code is waited for and ``late`` when none
    came. ``number`` is to be typed on the phone, ``wait`` how many seconds to hold, or until the phone may be asked;
    ``reply`` is what the API says of the authentication request.
    """

    state: str
    number: str = ""
    wait: int = 0
    reply: AuthenticationRequest | None = None

    @property
    def takes_code(self) -> bool:
        """Whether a one-time code is an answer now."""
        return self.state in {"waiting", "code"}

    @property
    def has_list(self) -> bool:
        """Whether the person has a code left of a list on paper (PROTOCOL.md §4.2), by which to answer."""
        return self.reply is not None and bool(self.reply.user.raw.get("number_of_pregenerated_otps_remaining"))

    @property
    def may_ask(self) -> bool:
        """Whether the phone may be asked again, by whoever wants that."""
        return self.state in {"unanswered", "late"} or (self.state == "code" and not self.wait)


def spaced(number: str) -> str:
    """The number in two groups, as people read it."""
    half = (len(number) + 1) // 2
    return f"{number[:half]} {number[half:]}".strip()


def advance(api: ToopherApi, attempt: Attempt, computer: Computer, *, pairs: bool) -> Progress:
    """How far the attempt is, after asking the phone where that is due. Without a phone, pair one if it ``pairs``.

    Raises a ``SecondFactorError``: the service is down, or does not ask this person.
    """
    progress = poll(api, attempt)
    return ask_phone(api, attempt, computer, pairs=pairs) if progress.state in {"new", "paired"} else progress


def poll(api: ToopherApi, attempt: Attempt) -> Progress:
    """How far the attempt is. One call, nothing written."""
    try:
        with _service_errors(attempt):
            if attempt.request_id:
                return _of_request(api.get_authentication_request_by_id(attempt.request_id))
            if attempt.pairing_id:
                return _of_pairing(api.get_pairing_by_id(attempt.pairing_id))
    except RateLimitError as exc:
        return Progress("hold", wait=exc.retry_after or 1)  # polls are limited by the second (PROTOCOL.md §8.9)
    return Progress("new")


def _of_request(reply: AuthenticationRequest) -> Progress:
    # ``withheld`` and ``number`` are our service's own; another's request asks the phone and takes a tap
    withheld = bool(reply.raw.get("withheld"))
    if reply.pending and withheld:
        return Progress("code", wait=_wait(reply), reply=reply)
    if reply.pending:
        return Progress("waiting", number=str(reply.raw.get("number") or ""), reply=reply)
    if not reply.granted and reply.reason_code in NO_ANSWER:
        return Progress("late" if withheld else "unanswered", reply=reply)
    return Progress("answered", reply=reply)


def _wait(reply: AuthenticationRequest) -> int:
    """For how many seconds the service asks no phone anew."""
    wait = reply.raw.get("retry_after")
    return wait if isinstance(wait, int) else 0


def _of_pairing(pairing: Pairing) -> Progress:
    if pairing.enabled or pairing.raw.get("agreed"):
        return Progress("paired")
    return Progress("pairing" if pairing.pending else "unpaired")


def ask_phone(api: ToopherApi, attempt: Attempt, computer: Computer, *, pairs: bool) -> Progress:
    """Ask the phone, anew where it was asked before; wait for a one-time code where it may not be asked so soon."""
    before = attempt.request_id  # now: _claim reads the row again
    try:
        with _service_errors(attempt):
            reply = _initiate(api, attempt, computer, withheld="code")
    except RateLimitError as exc:  # another's service says it so
        return Progress("hold", wait=exc.retry_after or 60)
    except attempts.UNPAIRED as exc:
        if pairs:
            return pair(api, attempt)
        attempts.refuse(attempt, exc)
    if not reply.pending and reply.reason_code in HELD:
        return Progress("hold", wait=_wait(reply) or 60)
    if not _claim(attempt, "request_id", reply.id):
        _cancel_request(api, reply.id)  # another tab was first: its request counts
        return poll(api, attempt)
    if before:
        _cancel_withheld(api, before)
    return _of_request(reply)


def _initiate(api: ToopherApi, attempt: Attempt, computer: Computer, **options: bool | str) -> AuthenticationRequest:
    return AuthenticationRequest(
        api.post(
            "authentication_requests/initiate",  # by name: names may look like the ids of pairings
            user_name=None if attempt.pairing_id else attempt.toopher_name,
            pairing_id=attempt.pairing_id or None,  # the one that was paired on the way, which we have not confirmed
            terminal_name=computer.name,
            terminal_name_extra=computer.id,
            action_name=attempt.action,
            automation_allowed=attempts.allows_automation(attempt),
            challenge_required=conf.TOOPHER_CHALLENGE_REQUIRED,
            shows_number=True,
            address=attempt.address,
            **options,
        )
    )


def ask_silently(api: ToopherApi, attempt: Attempt, computer: Computer) -> AuthenticationRequest | None:
    """The yes of an automation, if there is one; no phone hears of it. ``None`` otherwise, for whatever reason."""
    try:
        reply = _initiate(api, attempt, computer, silently=True)
    except ToopherApiError:
        return None  # the ordinary way finds out why
    if reply.pending:  # a service that does not know the word has asked the phone
        _cancel_request(api, reply.id)
    if not reply.granted:
        return None
    attempt.request_id = reply.id
    return reply


def pair(api: ToopherApi, attempt: Attempt, phrase: str = "", *, only_first: bool = True) -> Progress:
    """Wait for a phone: the one that shows ``phrase``, else the first that scans the QR code.

    ``only_first`` has the service refuse it once the user has a phone: a password alone adds none to another.
    """
    # not ``api.pair``: that takes words with a digit in them for a phone number, and sends a text message there
    path, words = ("pairings/create", phrase) if phrase else ("pairings/create/qr", None)
    with _service_errors(attempt):
        try:
            terms = {"only_first": only_first, "site_confirms": True}
            pairing = Pairing(api.post(path, user_name=attempt.toopher_name, pairing_phrase=words, **terms))
        except RateLimitError as exc:
            return Progress("hold", wait=exc.retry_after or 60)
        except RequestRefusedError as exc:
            if exc.status in {400, 404} and phrase:  # which of them is unrecorded (PROTOCOL.md §2.2)
                raise UnknownPhraseError from exc
            raise
    before = attempt.pairing_id  # now: _claim reads the row again
    if not _claim(attempt, "pairing_id", pairing.id):
        before = pairing.id  # another tab was first: its pairing counts
    if before:
        _cancel_pairing(api, before)
    return poll(api, attempt)


def enter_code(api: ToopherApi, attempt: Attempt, reply: AuthenticationRequest, code: str) -> Progress:
    """Answer with the phone's one-time code; ``waiting`` or ``code`` still, after a wrong one.

    ``TooManyCodesError`` leaves the attempt waiting: none is compared for a while.
    """
    try:
        with _service_errors(attempt):
            try:
                reply.authenticate_with_otp(code, api)
            except RequestRefusedError as exc:
                if exc.status not in {400, 409} or isinstance(exc, UserDisabledError):  # 704 is a 409, too
                    raise
                return poll(api, attempt)  # it is no code, or the phone has answered meanwhile
    except RateLimitError as exc:
        raise TooManyCodesError(exc.retry_after or 60) from exc
    return _of_request(reply)


def cancel(api: ToopherApi, pending: Pending | None, kind: Attempt.Kind = Attempt.Kind.LOGIN) -> None:
    """The attempt is void, and the phone is asked no more. A service that does not hear of it asks until it is over.

    Void first: a yes that comes now lets nobody in, and who asks at this very moment cancels it (``_claim``).
    """
    attempt = attempts.abandon(pending, kind)
    if attempt is None:
        return
    attempt.refresh_from_db(fields=["request_id", "pairing_id"])  # another tab may just have asked
    take_back(api, attempt, pending.token if pending else "")


def take_back(api: ToopherApi, attempt: Attempt, token: str) -> None:
    """The phone is asked no more. ``token``, the attempt's own, names to our service what the iframe has asked."""
    if attempt.request_id:
        _cancel_request(api, attempt.request_id)
    elif attempt.pairing_id:
        _cancel_pairing(api, attempt.pairing_id)
    else:
        with suppress(ToopherApiError):
            api.post("authentication_requests/cancel", session_token=token)


def _cancel_request(api: ToopherApi, request_id: str) -> None:
    with suppress(ToopherApiError):
        api.post(api.path("authentication_requests", request_id, "cancel"))


def _cancel_withheld(api: ToopherApi, request_id: str) -> None:
    """Only one that waits for a code; what a phone was asked, and has left unanswered, stays so on record."""
    with suppress(ToopherApiError):
        if _of_request(api.get_authentication_request_by_id(request_id)).state == "code":
            _cancel_request(api, request_id)


def _cancel_pairing(api: ToopherApi, pairing_id: str) -> None:
    """Only one that still waits, for its phone or for us."""
    with suppress(ToopherApiError):
        if api.get_pairing_by_id(pairing_id).pending:
            api.post(api.path("pairings", pairing_id), deactivated=True)


def _claim(attempt: Attempt, field: str, value: str) -> bool:
    """Write down what was asked, unless somebody else has; the attempt then says what."""
    waiting = Attempt.objects.filter(pk=attempt.pk, outcome=Attempt.Outcome.PENDING)
    won = waiting.filter(**{field: getattr(attempt, field)}).update(**{field: value[:36]})
    attempt.refresh_from_db(fields=["request_id", "pairing_id"])
    return bool(won)


@contextmanager
def _service_errors(attempt: Attempt) -> Iterator[None]:
    """The service's errors become ours; limits, and that there is no phone, are for the caller."""
    try:
        yield
    except (RateLimitError, *attempts.UNPAIRED):
        raise
    except UserDisabledError as exc:
        attempts.refuse(attempt, exc)
    except ToopherApiError as exc:
        raise attempts.service_down(exc) from exc
