"""Tells support what a person has reported: a row in the admin, mail to ``ADMINS``, a signal (SECURITY.md S24)."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from ...printable import printable
from .. import mail
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
    with translation.override(settings.LANGUAGE_CODE):  # support's, whatever the phone's is
        mail.tell_support(*_texts(alarm))
    transaction.on_commit(lambda: _signal(alarm))
    return alarm


def _texts(alarm: Alarm) -> tuple[str, str]:
    site, user = printable(alarm.user.requester.name), printable(alarm.user.name)
    words = {
        "site": site,
        "user": user,
        "action": printable(alarm.action),
        "terminal": printable(alarm.terminal) or "-",
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
