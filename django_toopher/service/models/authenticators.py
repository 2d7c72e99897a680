"""Phones: their keys, how they are woken up, and the words that they show."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...encryption import EncryptedJSONField
from .rows import Dated


class Authenticator(Dated):
    """A phone: one P-256 key. It may be paired with many users of many requesters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    public_key = models.JSONField(_("public key"), help_text=_("JWK (RFC 7517)."))
    thumbprint = models.CharField(_("thumbprint"), max_length=64, unique=True, help_text=_("RFC 7638, hex."))

    class Meta:
        verbose_name = _("authenticator")
        verbose_name_plural = _("authenticators")

    def __str__(self) -> str:
        return self.name


class PushSubscription(models.Model):
    """Where an authenticator can be woken up: one each, the newest."""

    authenticator = models.OneToOneField(
        Authenticator, models.CASCADE, primary_key=True, related_name="push_subscription"
    )
    contents = EncryptedJSONField(help_text="The push service's URL, the browser's keys, our public key and host.")
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"push subscription of {self.authenticator_id}"


class PairingPhrase(models.Model):
    """Words that an authenticator shows and a person types at the site. Spent by deleting the row."""

    authenticator = models.ForeignKey(Authenticator, models.CASCADE, related_name="phrases")
    phrase_digest = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"phrase of {self.authenticator_id}"
