"""What a site can listen to: one signal for each thing that happens to somebody's second factor.

They are sent once it is written down, behind the commit of the transaction around it, by ``send_robust``: what a
receiver raises is logged by Django (logger ``django.dispatch``) and stops nobody's login. Each comes with one record of
the logger ``django_toopher.events``, whose ``extra`` has the same keys each time; neither tells a secret.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import models, router, transaction
from django.dispatch import Signal

events = logging.getLogger("django_toopher.events")

asked = Signal()
"""Somebody is asked for a second factor: a login or a step-up (``attempt.kind``). Arguments: ``attempt``, ``user``. So
with the next three. The sender is ``Attempt``."""

granted = Signal()
"""The person confirmed. ``attempt.action`` says what."""

denied = Signal()
"""The person said no, or answered wrongly too often."""

failed = Signal()
"""There was no answer that counts; ``attempt.reason`` says why. With the outcome ``"let_in"``, the person got in
without one (``TOOPHER_FAIL_OPEN``)."""

paired = Signal()
"""A phone was paired. Arguments: ``account``, ``user``. So with the next. The sender is ``ToopherAccount``."""

unpaired = Signal()
"""A phone was removed; ``account.paired`` says whether another is left."""

enabled = Signal()
"""Support switched somebody's second factor on. Arguments: ``account``, ``user`` (whose), ``by`` (a user, or None: a
command). So with the next two. The sender is ``ToopherAccount``."""

disabled = Signal()
"""Support switched somebody's second factor off."""

reset = Signal()
"""Support removed all of somebody's phones."""

_NAMES = {
    asked: "asked",
    granted: "granted",
    denied: "denied",
    failed: "failed",
    paired: "paired",
    unpaired: "unpaired",
    enabled: "enabled",
    disabled: "disabled",
    reset: "reset",
}
_WARNINGS = {denied, failed, disabled, reset}


def announce(signal: Signal, record: dict[str, Any], **told: Any) -> None:
    """Tell the log and who listens, once what was written is committed.

    ``told`` are the signal's arguments; the first one is what it is about, and has the ``user``, which is read only
    when somebody listens. ``record`` goes into the log.
    """
    about: models.Model = next(iter(told.values()))

    def tell() -> None:
        level = logging.WARNING if signal in _WARNINGS else logging.INFO
        events.log(level, "second factor %s", _NAMES[signal], extra={"event": _NAMES[signal], **record})
        if signal.has_listeners(type(about)):
            signal.send_robust(type(about), **told, user=about.user)  # type: ignore[attr-defined]

    transaction.on_commit(tell, using=router.db_for_write(type(about), instance=about), robust=True)
