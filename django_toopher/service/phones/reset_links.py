"""Links by which a person who lost the phone removes its pairing (PROTOCOL.md §5, SECURITY.md S29)."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ...printable import printable
from .. import mail
from ..errors import BadParameterError, GoneError, NotAllowedError, NotFoundError
from ..models import NAME_LENGTH, Pairing, ResetLink, digest
from ..people import users
from . import pairings

TOKEN_BYTES = 32
"""256 random bits; S29 asks for 128."""

LINK_AGE = 24 * 3600
"""Seconds that a link can be used (NIST SP 800-63B-4 §4.2.1: a recovery code that is mailed holds for a day)."""


class WrongAnswerError(NotAllowedError):
    """The answer to the security question is not the one that was given."""

    message = gettext_lazy("That is not the answer that was agreed on. Please try again.")
    reason = "wrong_answer"


def create(pairing: Pairing, question: str = "", answer: str = "") -> str:
    """The token of a new link for an enabled pairing; only its digest is kept.

    With a ``question`` its ``answer`` is asked for before anything happens. Raises ``BadParameterError``, and what
    ``pairings.require_enabled`` raises for a pairing that is not enabled.
    """
    pairings.require_enabled(pairing.user, pairing)
    question = question.strip()
    _require_storable(question, answer)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ResetLink.objects.create(
        pairing=pairing,
        token_digest=digest(token),
        question=question,
        answer=make_password(_normalized(answer)) if question else "",
        expires=timezone.now() + timedelta(seconds=LINK_AGE),
    )
    return token


def _require_storable(question: str, answer: str) -> None:
    if bool(question) != bool(_normalized(answer)):
        raise BadParameterError("security_question and security_answer must be given together.")
    # any character will do in the answer: it is only hashed
    if max(len(question), len(answer)) > NAME_LENGTH or "\0" in question:
        raise BadParameterError("The question or the answer is too long, or has a character that can't be stored.")


def _normalized(answer: str) -> str:
    """Case, white space and the form of Unicode do not matter in what a person types."""
    return "".join(unicodedata.normalize("NFKC", answer).casefold().split())


def send(pairing: Pairing, address: str, url_of: Callable[[str], str]) -> None:
    """Mail a new link to ``address``, which becomes the user's; ``url_of`` makes the link of a token.

    Raises as ``create`` does, and ``mail.MailError``, after which there is no link.
    """
    address = users.checked_email(address)
    token = create(pairing)
    try:
        mail.deliver(
            address,
            pairing.user,
            "reset_link",
            _("Lost your phone? Your link for %(site)s"),
            phone=printable(pairing.authenticator.name) if pairing.authenticator else "",
            url=url_of(token),
            hours=LINK_AGE // 3600,
        )
    except mail.MailError:
        ResetLink.objects.filter(token_digest=digest(token)).delete()
        raise
    users.keep_email(pairing.user, address)  # only what the mail server has taken


def get(pairing_id: UUID, token: str, now: datetime) -> ResetLink:
    """The link of this token that can still be used; ``NotFoundError`` or ``GoneError``, with a text for its owner."""
    link = (
        ResetLink.objects.filter(token_digest=digest(token), pairing_id=pairing_id)
        .select_related("pairing__user__requester", "pairing__authenticator")
        .first()
    )
    if link is None:
        raise NotFoundError(_("This link is not valid. Check that you opened all of it."))
    if link.used or not link.pairing.is_enabled:
        raise GoneError(_("This link was used already, or the phone was removed in another way."))
    if link.expires <= now:
        raise GoneError(_("This link is too old. Ask for a new one."))
    if link.failures >= ResetLink.MOST_FAILURES:
        raise GoneError(_("There were too many wrong answers. Ask for a new link."))
    return link


def confirm(link: ResetLink, answer: str) -> None:
    """Remove the link's pairing, once. Raises ``GoneError`` and ``WrongAnswerError``.

    Each try is counted before its answer is looked at, so that tries at the same moment are as many as others.
    """
    now = timezone.now()
    if link.question:
        tried = ResetLink.objects.usable(now).filter(pk=link.pk).update(failures=F("failures") + 1)
        if not tried:
            raise GoneError
        if not check_password(_normalized(answer), link.answer):
            raise WrongAnswerError
    with transaction.atomic():
        # not `usable`: the right answer may be the last one that could be tried
        spent = ResetLink.objects.unspent(now).filter(pk=link.pk).update(used=now)
        if not spent or not pairings.deactivate(link.pairing):
            raise GoneError
