"""Who is paired with which phone, and the links that end that."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...encryption import EncryptedTextField
from ..shown import PairingTexts
from .authenticators import Authenticator
from .rows import NAME_LENGTH, Dated
from .users import User


class PairingQuerySet(models.QuerySet["Pairing"]):
    """Which of them can answer, and which may come to."""

    def enabled(self) -> PairingQuerySet:
        """Those that can answer, newest first."""
        return self.filter(state=Pairing.State.ENABLED).order_by("-answered", "-created")

    def any_enabled(self, user: str) -> Exists:
        """Whether there is one of the user whom an outer query has in the column ``user``."""
        return Exists(self.filter(state=Pairing.State.ENABLED, user=OuterRef(user)))

    def waiting(self, now: datetime) -> PairingQuerySet:
        """Those that a phone may still say yes to."""
        return self.filter(state=Pairing.State.PENDING, expires__gt=now)

    def agreed(self, now: datetime) -> PairingQuerySet:
        """Those that the site may still confirm."""
        return self.filter(state=Pairing.State.AGREED, expires__gt=now)

    def asked(self, user_id: UUID, pairing_id: UUID | None, now: datetime) -> PairingQuerySet:
        """Those that may answer a request of this user: all enabled ones, or the one that it asks alone."""
        if pairing_id is None:
            return self.enabled().filter(user=user_id)
        return (self.enabled() | self.agreed(now)).filter(user=user_id, pk=pairing_id)


class Pairing(Dated):
    """One user bound to one authenticator, by a yes on that authenticator."""

    class State(models.TextChoices):
        """Pending turns enabled or denied; enabled turns deactivated; nothing turns back.

        Where the site confirms, agreed stands between pending and enabled, and turns deactivated as well.
        """

        PENDING = "pending", _("waiting for a yes on the phone")
        AGREED = "agreed", _("waiting for the site")
        ENABLED = "enabled", _("enabled")
        DENIED = "denied", _("denied")
        DEACTIVATED = "deactivated", _("removed")

    WAITING = (State.PENDING, State.AGREED)
    """Somebody's yes is missing, the phone's or the site's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="pairings", verbose_name=_("user"))
    authenticator = models.ForeignKey(
        Authenticator,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="pairings",
        verbose_name=_("authenticator"),
        help_text=_("None until a phone has opened the pairing link."),
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.PENDING)
    only_first = models.BooleanField(
        _("only as the first phone"),
        default=False,
        help_text=_("Begun at a login, with the password alone: void once the user has a phone or codes."),
    )
    site_confirms = models.BooleanField(
        default=False,
        editable=False,
        help_text="After the phone's yes it is for the site to enable it (SECURITY.md S39).",
    )
    otp_seed = EncryptedTextField(_("seed of the one-time code"), blank=True, help_text=_("Base32, 160 bits."))
    otp_last_step = models.BigIntegerField(_("last time step used"), null=True, blank=True)
    expires = models.DateTimeField(_("expires"), help_text=_("When a pending pairing can no longer be confirmed."))
    # here and not at the phone: no other site learns what it is called at this one (S21)
    label = models.CharField(
        _("label"), max_length=100, blank=True, help_text=_("What the user calls the phone; blank: its own name.")
    )
    answered = models.DateTimeField(_("answered"), null=True, blank=True)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = PairingQuerySet.as_manager()

    class Meta:
        verbose_name = _("pairing")
        verbose_name_plural = _("pairings")
        indexes: ClassVar = [
            models.Index(fields=["authenticator", "state"]),
            models.Index(fields=["user", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_state_display()})"

    @property
    def phone_name(self) -> str:
        """What the phone is called at this site; blank while there is none."""
        return self.label or (self.authenticator.name if self.authenticator else "")

    @property
    def texts(self) -> PairingTexts:
        """What the phone shows before it is paired."""
        return PairingTexts(self.user.requester.name, self.user.name)

    @property
    def is_enabled(self) -> bool:
        """Whether this authenticator may answer for the user."""
        return self.state == self.State.ENABLED

    def is_late(self, now: datetime) -> bool:
        """Whether it waited for somebody's yes until its time was over."""
        return self.state in self.WAITING and self.expires <= now

    def is_pending(self, now: datetime) -> bool:
        """Whether a phone may still say yes."""
        return self.state == self.State.PENDING and self.expires > now

    def is_agreed(self, now: datetime) -> bool:
        """Whether the phone has said yes and the site has not, which it still can."""
        return self.state == self.State.AGREED and self.expires > now


class ResetLinkQuerySet(models.QuerySet["ResetLink"]):
    """Which of them can be used."""

    def unspent(self, now: datetime) -> ResetLinkQuerySet:
        """Those that were not used and are in time."""
        return self.filter(used__isnull=True, expires__gt=now)

    def usable(self, now: datetime) -> ResetLinkQuerySet:
        """Of those, the ones at which another answer may be tried."""
        return self.unspent(now).filter(failures__lt=ResetLink.MOST_FAILURES)


class ResetLink(models.Model):
    """A link that removes one pairing when its holder confirms that (SECURITY.md S29)."""

    MOST_FAILURES = 5
    """Answers that may be tried."""

    pairing = models.ForeignKey(Pairing, models.CASCADE, related_name="reset_links")
    token_digest = models.CharField(max_length=64, unique=True)
    question = models.CharField(max_length=NAME_LENGTH, blank=True)
    answer = models.CharField(max_length=255, blank=True, help_text="As Django stores passwords.")
    failures = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(db_index=True)
    used = models.DateTimeField(null=True)

    objects = ResetLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"reset link of {self.pairing_id}"
