"""What people have decided once, and is answered so from then on."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from .pairings import Pairing
from .requesters import Action
from .rows import Dated
from .users import Terminal, User


class AutomationQuerySet(models.QuerySet["Automation"]):
    """Which of them are given."""

    def in_force(self, now: datetime) -> AutomationQuerySet:
        """Those that hold: not over, made by a phone that still is its user's, for a terminal with the same secret.

        A removed pairing never comes back, so its automations are gone in the same statement that removes it.
        """
        return self.filter(
            expires__gt=now, pairing__state=Pairing.State.ENABLED, terminal__extra_digest=F("terminal_digest")
        )


class Automation(Dated):
    """What a person has decided once for the same action from the same terminal."""

    class Answer(models.TextChoices):
        ALLOW = "allow", _("allow")
        DENY = "deny", _("deny")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="automations", verbose_name=_("user"))
    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="+", verbose_name=_("terminal"))
    # compared with the terminal's own: with another secret it may be another computer (S27)
    terminal_digest = models.CharField(max_length=64, editable=False, help_text=_("Of its secret at that time."))
    action = models.ForeignKey(Action, models.CASCADE, related_name="+", verbose_name=_("action"))
    pairing = models.ForeignKey(
        Pairing, models.CASCADE, related_name="+", verbose_name=_("pairing"), help_text=_("Whose phone decided.")
    )
    answer = models.CharField(_("answer"), max_length=5, choices=Answer.choices)
    network = models.CharField(
        _("network"), max_length=43, blank=True, help_text=_("Where the terminal must be; blank is anywhere.")
    )
    expires = models.DateTimeField(_("expires"), db_index=True)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = AutomationQuerySet.as_manager()

    class Meta:
        verbose_name = _("automation")
        verbose_name_plural = _("automations")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terminal", "action", "network"], name="toopher_automation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_answer_display()}: {self.action} / {self.user}"
