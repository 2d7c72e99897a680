"""Opened iframe pages."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...encryption import EncryptedJSONField
from .pairings import Pairing
from .requesters import Requester
from .requests import AuthenticationRequest
from .rows import digest
from .users import Terminal, User


class Frame(models.Model):
    """One opened iframe page: what its signed URL asked for, and how far it has come.

    The primary key is the digest of the URL's signature, so one URL is one frame however often it is opened. ``binder``
    is the digest of a secret that the page which opened it first keeps to itself: the same URL opened elsewhere gets
    nothing.
    """

    class Page(models.TextChoices):
        """The iframe pages of PROTOCOL.md §3.1."""

        AUTHENTICATE = "authenticate", _("authenticate")
        MANAGE_USER = "manage_user", _("manage user")

    id = models.CharField(primary_key=True, max_length=64)
    binder = models.CharField(max_length=64)
    page = models.CharField(max_length=12, choices=Page.choices)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    terminal = models.ForeignKey(Terminal, models.CASCADE, null=True, related_name="+")
    request = models.ForeignKey(AuthenticationRequest, models.CASCADE, null=True, related_name="+")
    pairing = models.ForeignKey(Pairing, models.CASCADE, null=True, related_name="+")
    # the terminal's secret and the session token are among them (S34)
    parameters = EncryptedJSONField(help_text="The verified parameters of the URL, names to texts.")
    session_digest = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="Of the requester's session token: one login, several pages.",
    )
    address = models.CharField(max_length=45, blank=True)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.page} for {self.user_id}"

    @staticmethod
    def session_digest_of(requester: Requester, token: str) -> str:
        """``session_digest`` for a session token; ``""`` for a blank one, which no two pages share."""
        return digest(f"{requester.pk.hex}\n{token}") if token else ""
