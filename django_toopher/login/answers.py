"""What lets a person through: the phone's answer, by postback or by reply, or a recovery code.

Both ways of the phone's answer are read into one ``Answer``. What it takes to be granted: the signature first, then
age, token, kind and action, then the user (DESIGN.md, rule 4); then the attempt is spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from ..client import AuthenticationRequest, ToopherApi, ToopherIframe
from ..errors import ExpiredAttemptError, InvalidPostbackError, NotApprovedError, WrongCodeError
from ..factors import recovery_codes
from ..models import Attempt, digest
from ..session.state import Pending
from . import attempts, phone_changes
from .postbacks import verified

Kind = Attempt.Kind
Method = Attempt.Method
Outcome = Attempt.Outcome

_BY_CODE = 110
"""The service's reason of a request that a one-time code has answered."""


@dataclass(frozen=True)
class Answer:
    """What the service says of one authentication request. ``pairing_id`` is blank where it names no phone."""

    request_id: str
    action: str
    granted: bool
    pending: bool
    automated: bool
    by_code: bool
    user_id: str
    user_name: str
    pairing_id: str
    terminal_id: str
    terminal_name: str
    terminal_extra: str
    to_confirm: str
    """The phone that was paired on the way, and answered, which we have not confirmed; blank where there is none."""

    @classmethod
    def of_postback(cls, fields: Mapping[str, str]) -> Answer:
        """From the fields of a postback whose signature holds; one that says neither is no yes."""
        return cls(
            request_id=fields.get("id", ""),
            action=fields.get("action_name", ""),
            granted=fields.get("granted") == "true",
            pending=fields.get("pending") != "false",
            automated=fields.get("automated") == "true",
            by_code=fields.get("reason_code") == str(_BY_CODE),
            user_id=fields.get("pairing_user_id", ""),
            user_name=fields.get("user_name", ""),
            pairing_id=fields.get("pairing_id", ""),
            terminal_id=fields.get("terminal_id", ""),
            terminal_name=fields.get("terminal_name", ""),
            terminal_extra=fields.get("terminal_requester_specified_id", ""),
            to_confirm=fields.get("to_confirm", ""),
        )

    @classmethod
    def of_reply(cls, reply: AuthenticationRequest, pairing_id: str) -> Answer:
        """From the API's reply, which does not tell the phone that answered: ``pairing_id`` is the one we know."""
        return cls(
            request_id=reply.id,
            action=reply.action.name,
            granted=reply.granted,
            pending=reply.pending,
            automated=reply.automated,
            by_code=reply.reason_code == _BY_CODE,
            user_id=reply.user.id,
            user_name=reply.user.name,
            pairing_id=pairing_id,
            terminal_id=reply.terminal.id,
            terminal_name=reply.terminal.name,
            terminal_extra=reply.terminal.requester_specified_id,
            to_confirm=str(reply.raw.get("to_confirm") or ""),
        )

    @property
    def kept(self) -> dict[str, str]:
        """What the attempt keeps of it; of the computer's secret id only the digest."""
        method = Method.AUTOMATION if self.automated else Method.CODE if self.by_code else Method.PHONE
        return {
            "method": method,
            "request_id": self.request_id,
            "terminal_id": self.terminal_id,
            "terminal_name": self.terminal_name,
            "terminal_digest": digest(self.terminal_extra) if self.terminal_extra else "",
        }


@dataclass(frozen=True)
class Approval:
    """An attempt that was granted: who may be logged in now, and whether the first phone was paired on the way.

    ``terminal`` is the computer's secret id with which the service was asked; blank after a recovery code.
    """

    user: AbstractBaseUser
    attempt: Attempt
    paired_now: bool = False
    terminal: str = ""


def complete_with_postback(
    iframe: ToopherIframe,
    api: ToopherApi,
    pending: Pending | None,
    fields: Mapping[str, Any],
    kind: Attempt.Kind = Kind.LOGIN,
) -> Approval:
    """The attempt that the phone approves by the postback's ``fields``. Raises a ``SecondFactorError`` otherwise."""
    attempt = attempts.find_open(pending, kind)
    told = verified(iframe, pending, attempt, fields, "authentication_request")
    return _grant(api, attempt, Answer.of_postback(told))


def complete_with_reply(api: ToopherApi, attempt: Attempt, reply: AuthenticationRequest) -> Approval:
    """The same, by what the API says of the very request that this attempt has asked (``native``)."""
    if reply.id != attempt.request_id:
        raise InvalidPostbackError
    attempts.read_again(attempt)
    account = getattr(attempt.user, "toopher_account", None)
    return _grant(api, attempt, Answer.of_reply(reply, attempt.pairing_id or getattr(account, "pairing_id", "")))


def complete_with_recovery_code(pending: Pending | None, typed: str) -> Approval:
    """The user who may be logged in now, by one of the codes on their paper. Needs no service.

    ``WrongCodeError`` and ``TooManyCodesError`` leave the attempt waiting. Code and attempt are spent together.
    """
    attempt = attempts.find_open(pending)
    user = attempts.unchanged_user(attempt)
    code = recovery_codes.match(user.toopher_account, typed)
    if code is None:
        raise WrongCodeError
    with transaction.atomic():
        if not recovery_codes.spend(code, user):
            raise WrongCodeError
        if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.RECOVERY):
            raise ExpiredAttemptError  # the code is not lost: its UPDATE is rolled back
    return Approval(user, attempt)


def _grant(api: ToopherApi, attempt: Attempt, answer: Answer) -> Approval:
    """Spend the attempt, when what the service said is a yes to it; a phone paired on the way is confirmed first."""
    if answer.action != attempt.action:  # an answer to something else; this attempt still waits (S05)
        raise InvalidPostbackError
    if not answer.granted or answer.pending:
        attempts.fail(attempt, NotApprovedError(), Outcome.DENIED, told=answer.kept)
    attempts.require_same_at_service(attempt, answer.user_name, answer.user_id, answer.kept)
    if not answer.to_confirm:
        return _spend(attempt, answer)
    with phone_changes.confirmed(api, attempt, answer.to_confirm):
        return _spend(attempt, answer)


def _spend(attempt: Attempt, answer: Answer) -> Approval:
    user: Any = attempt.user
    # killed in between, neither is written (SECURITY.md S36)
    with transaction.atomic():
        if not attempt.finish(Outcome.GRANTED, timezone.now(), **answer.kept):
            raise ExpiredAttemptError
        paired_now = phone_changes.remember(user.toopher_account, answer.pairing_id, answer.user_id)
    return Approval(user, attempt, paired_now, answer.terminal_extra)
