"""Mail to a user about their phones (SECURITY.md S30), and to support.

Sent with Django's mail, from ``DEFAULT_FROM_EMAIL``; notices go after the transaction that did what they tell. A mail
server that fails is logged and changes nothing. A user whose address the service was never told gets none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django.core.mail import EmailMultiAlternatives, mail_admins
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..printable import printable
from .errors import ServiceError
from .models import Pairing, User

logger = logging.getLogger(__name__)


class MailError(ServiceError):
    """The mail server did not take the message."""

    status = 502
    message = gettext_lazy("The mail could not be sent.")
    reason = "mail"


def phone_added(pairing: Pairing) -> None:
    """Tell the pairing's user, once it is committed."""
    subject = _("A phone was paired with your account at %(site)s")
    _tell(pairing.user, "phone_added", subject, [pairing])


def phones_removed(user: User, pairings: Sequence[Pairing]) -> None:
    """Tell the user of these, by whatever way they were removed; all in one mail."""
    subject = ngettext(
        "A phone was removed from your account at %(site)s",
        "Phones were removed from your account at %(site)s",
        len(pairings),
    )
    _tell(user, "phones_removed", subject, pairings)


def deliver(address: str, user: User, template: str, subject: str, **context: Any) -> None:
    """Send ``toopher_service/mail/<template>.txt`` and ``.html`` now, or raise ``MailError``.

    ``subject`` may say ``%(site)s``.
    """
    site = printable(user.requester.name)
    context = {"site": site, "user": printable(user.name), **context}
    text, html = (render_to_string(f"toopher_service/mail/{template}.{kind}", context) for kind in ("txt", "html"))
    message = EmailMultiAlternatives(subject % {"site": site}, text, None, [address])
    message.attach_alternative(html, "text/html")
    _send(f"{template} to user {user.pk}", message.send)


def tell_support(subject: str, text: str) -> None:
    """Mail ``ADMINS``, as a notice."""
    _once_committed(lambda: _send("to support", lambda: mail_admins(subject, text)))


def _tell(user: User, template: str, subject: str, pairings: Sequence[Pairing]) -> None:
    if not user.email or not pairings:
        return
    address, when = user.email, timezone.now()
    phones = [printable(pairing.phone_name) for pairing in pairings if pairing.authenticator]
    _once_committed(lambda: deliver(address, user, template, subject, phones=phones, when=when))


def _once_committed(send: Callable[[], None]) -> None:
    def notify() -> None:
        with suppress(MailError):  # which is in the log
            send()

    transaction.on_commit(notify, robust=True)


def _send(what: str, send: Callable[[], object]) -> None:
    """The one place where mail leaves. The log has no address and no text: an error may quote them."""
    try:
        send()
    except Exception as exc:  # each back end has its own; smtplib's are ``OSError``
        logger.warning("mail %s was not sent: %s", what, type(exc).__name__)
        raise MailError from exc
