"""The sites that ask for approvals, and what they may ask approval for."""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import embedded
from ...encryption import EncryptedTextField
from .rows import NAME_LENGTH, Dated, digest


def validate_origins(text: str) -> None:
    """``ValidationError`` unless every line is an origin (RFC 6454): scheme, host, perhaps a port, and nothing else."""
    for origin in text.split():
        # strict, as they go into a Content-Security-Policy as they are
        if not re.fullmatch(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", origin):
            raise ValidationError(
                _("%(origin)s is not an origin like https://www.example.org"), params={"origin": origin}
            )


class Requester(Dated):
    """A site that asks for approvals."""

    class PostbackEncoding(models.TextChoices):
        """How the postback's fields are encoded for its signature (PROTOCOL.md §3.5)."""

        PYTHON_PHP = "python-php", _("Python 2 and PHP (canonical)")
        JAVA_RUBY = "java-ruby", _("Java and Ruby")
        DOTNET_PY3 = "dotnet-py3", _(".NET and Python 3")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, help_text=_("What the phone shows."))
    consumer_key = models.CharField(_("consumer key"), max_length=100, unique=True)
    consumer_secret = EncryptedTextField(
        _("consumer secret"), blank=True, help_text=_("Blank for the embedded requester, which derives it.")
    )
    previous_secret = EncryptedTextField(_("previous secret"), blank=True, editable=False)
    previous_secret_expires = models.DateTimeField(
        _("previous secret valid until"), null=True, blank=True, editable=False
    )
    origins = models.TextField(
        _("origins"),
        blank=True,
        validators=[validate_origins],
        help_text=_("Origins that may frame the pages, one a line: https://www.example.org"),
    )
    postback_encoding = models.CharField(
        _("postback encoding"),
        max_length=20,
        choices=PostbackEncoding.choices,
        default=PostbackEncoding.PYTHON_PHP,
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Off answers every call with 403."))
    question_limit = models.PositiveIntegerField(
        _("question limit"),
        null=True,
        blank=True,
        help_text=_("Sign-in requests to all its users together in one period; blank is no limit."),
    )
    shows_number = models.BooleanField(
        _("shows the number"),
        default=True,
        help_text=_(
            "Off only for a client that can't show it, such as PAM or RADIUS. One tap approves its requests then, and "
            "people can be tricked into approving a sign-in that is not theirs. Our own pages show it in any case."
        ),
    )
    permitted_challenge_required = models.BooleanField(
        _("may demand an answer in person"), default=True, help_text=_("The parameter challenge_required.")
    )
    permitted_sms_authentication = models.BooleanField(_("may pair by text message"), default=True)
    permitted_opt_out = models.BooleanField(
        _("users may opt out"),
        default=False,
        help_text=_("On the page for their phones, users may switch their second factor off."),
    )

    class Meta:
        verbose_name = _("requester")
        verbose_name_plural = _("requesters")

    def __str__(self) -> str:
        return self.name

    @property
    def is_embedded(self) -> bool:
        """Whether this is the site that the service shares its project with."""
        return self.consumer_key == embedded.CONSUMER_KEY

    @property
    def is_own_site(self) -> bool:
        """Whether its users are people of this project, each of a rank here: embedded, or with a key of its own."""
        return embedded.is_own(self.consumer_key)

    def consumer_secrets(self) -> list[str]:
        """Every secret that verifies now, none of them blank; the first one signs postbacks."""
        if self.is_embedded:
            return embedded.consumer_secrets()
        expires = self.previous_secret_expires
        secrets = [self.consumer_secret, self.previous_secret if expires and expires > timezone.now() else ""]
        return [secret for secret in secrets if secret]  # a blank one would verify what anybody signs (S20)

    def origin_list(self) -> list[str]:
        """The origins that may frame this requester's pages and receive their postbacks; never ``*``."""
        return self.origins.split()


class Action(Dated):
    """What is approved, by the requester's name for it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requester = models.ForeignKey(Requester, models.CASCADE, related_name="actions")
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    name_digest = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["requester", "name_digest"], name="toopher_action_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the name."""
        self.name_digest = digest(self.name)
        super().save(*args, **kwargs)
