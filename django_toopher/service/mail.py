"""Mail to a user about their phones (SECURITY.md S30).

Sent with Django's mail, from ``DEFAULT_FROM_EMAIL``, after the transaction that did what they tell. A mail server that
fails is logged and changes nothing. A user whose address the service was never told gets none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import Pairing, User

logger = logging.getLogger(__name__)


def phone_added(pairing: Pairing) -> None:
    """A phone was paired."""
    subject = _("A phone was paired with your account at %(site)s")
    _tell(pairing.user, "phone_added", subject, [pairing])


def phones_removed(user: User, pairings: Sequence[Pairing]) -> None:
    """These phones were removed, by whatever way."""
    subject = ngettext(
        "A phone was removed from your account at %(site)s",
        "Phones were removed from your account at %(site)s",
        len(pairings),
    )
    _tell(user, "phones_removed", subject, pairings)


def deliver(address: str, user: User, template: str, subject: str, **context: Any) -> None:
    """Send ``toopher_service/mail/<template>.txt`` and ``.html``; raises what Django's mail raises, mostly ``OSError``.

    ``subject`` may say ``%(site)s``.
    """
    site = printable(user.requester.name)
    context = {"site": site, "user": printable(user.name), **context}
    text, html = (render_to_string(f"toopher_service/mail/{template}.{kind}", context) for kind in ("txt", "html"))
    message = EmailMultiAlternatives(subject % {"site": site}, text, None, [address])
    message.attach_alternative(html, "text/html")
    message.send()


def printable(name: str) -> str:
    """``name`` on one line, without the invisible characters that could make a mail read as something else."""
    return "".join(character for character in " ".join(name.split()) if character.isprintable())


def _tell(user: User, template: str, subject: str, pairings: Sequence[Pairing]) -> None:
    if not user.email or not pairings:
        return
    address, when = user.email, timezone.now()
    phones = [printable(pairing.phone_name) for pairing in pairings if pairing.authenticator]

    def deliver_notice() -> None:
        try:
            deliver(address, user, template, subject, phones=phones, when=when)
        except OSError as exc:  # smtplib's errors are ones
            logger.warning("mail %s to user %s was not sent: %s", template, user.pk, type(exc).__name__)

    transaction.on_commit(deliver_notice, robust=True)
