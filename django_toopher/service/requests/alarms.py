"""Tells support what a person has reported: a row in the admin, mail to ``ADMINS``, a signal (SECURITY.md S24)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import mail_admins
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from ..models import Alarm, AuthenticationRequest
from ..signals import sign_in_reported

logger = logging.getLogger(__name__)


def raise_alarm(request: AuthenticationRequest) -> Alarm:
    """Keep that ``request`` was not its user's, and tell of it once the transaction around is through.

    A mail server or receiver that fails is logged; the report holds.
    """
    alarm = Alarm.objects.create(
        user=request.user,
        request=request,
        action=request.action.name,
        terminal=request.terminal.name,
        address=request.address,
    )
    logger.warning("Sign-in reported as not theirs: user %s, request %s", request.user_id, request.pk)
    transaction.on_commit(lambda: _mail(alarm))
    transaction.on_commit(lambda: _signal(alarm))
    return alarm


def _mail(alarm: Alarm) -> None:
    """In the site's own language, whatever the phone's is. Each mail back end has errors of its own."""
    try:
        with translation.override(settings.LANGUAGE_CODE):
            mail_admins(*_texts(alarm))
    except Exception:
        logger.exception("Support could not be mailed of alarm %s", alarm.pk)


def _texts(alarm: Alarm) -> tuple[str, str]:
    site, user = _line(alarm.user.requester.name), _line(alarm.user.name)
    words = {
        "site": site,
        "user": user,
        "action": _line(alarm.action),
        "terminal": _line(alarm.terminal) or "-",
        "address": alarm.address or "-",
        "time": f"{alarm.created:%Y-%m-%d %H:%M} UTC",
    }
    text = _(
        "%(user)s of %(site)s says that they did not start this sign-in:\n\n"
        "Action: %(action)s\nComputer: %(terminal)s\nAddress: %(address)s\nTime: %(time)s\n\n"
        "Whoever did knows the password. The user is asked nothing new for a while. "
        "Ask them to change the password, and look for other sign-ins from that address."
    )
    return _("Reported sign-in: %(user)s at %(site)s") % words, text % words


def _signal(alarm: Alarm) -> None:
    sign_in_reported.send_robust(sender=Alarm, alarm=alarm)


def _line(text: str) -> str:
    """On one line, without invisible characters: a name can't become a header or another paragraph."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
