"""The users of a requester, their lists of codes, and the computers at which they sign in."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Count
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ...encryption import EncryptedTextField
from .requesters import Requester
from .rows import NAME_LENGTH, Dated, digest


class UserQuerySet(models.QuerySet["User"]):
    """Users, with what is counted of them."""

    def with_codes_left(self) -> UserQuerySet:
        """These, and ``number_of_pregenerated_otps_remaining`` of each in the same query."""
        # fills the cached property of the same name
        return self.annotate(number_of_pregenerated_otps_remaining=Count("pregenerated_codes"))  # type: ignore[no-redef]


class User(Dated):
    """Somebody with an account at a requester, who is known by the name there alone (PROTOCOL.md §5)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requester = models.ForeignKey(Requester, models.CASCADE, related_name="users", verbose_name=_("requester"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    name_digest = models.CharField(max_length=64, editable=False)
    email = models.EmailField(
        _("e-mail address"), blank=True, help_text=_("Where the user is told what happens to their phones.")
    )
    toopher_authentication_enabled = models.BooleanField(_("second factor enabled"), default=True)
    # a flag, as used codes leave no row: whoever had a list pairs no phone with the password alone (S06)
    has_had_codes = models.BooleanField(
        default=False, editable=False, help_text="A list of codes was made since the last reset, used up or not."
    )
    failures = models.PositiveIntegerField(
        _("failures in a row"),
        default=0,
        help_text=_(
            "Wrong numbers and codes since the last success, at computers from which they were never approved."
        ),
    )
    blocked_until = models.DateTimeField(_("blocked until"), null=True, blank=True)
    reported_until = models.DateTimeField(
        _("blocked by a report until"),
        null=True,
        blank=True,
        help_text=_("After a sign-in that was not theirs."),
    )
    lifted = models.DateTimeField(
        _("limits lifted"), null=True, editable=False, help_text=_("What nobody said yes to before counts no more.")
    )

    objects = UserQuerySet.as_manager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions: ClassVar = [
            ("enable_user", _("Can switch users' second factor on")),
            ("disable_user", _("Can switch users' second factor off")),
            ("reset_user", _("Can remove users' phones")),
            ("lift_wait", _("Can end the time that users have to wait")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["requester", "name_digest"], name="toopher_user_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the name."""
        self.name_digest = digest(self.name)  # who saves with `update_fields` names it there, too
        super().save(*args, **kwargs)

    @cached_property
    def number_of_pregenerated_otps_remaining(self) -> int:
        """Codes left of the user's list, counted when this object is first asked (PROTOCOL.md §4.2)."""
        return self.pregenerated_codes.count()

    @cached_property
    def has_phone(self) -> bool:
        """Whether a phone can answer, as of when this object is first asked."""
        return self.pairings.enabled().exists()


class PregeneratedCode(models.Model):
    """One code of a user's list, as a keyed digest. Spent by deleting the row."""

    user = models.ForeignKey(User, models.CASCADE, related_name="pregenerated_codes")
    code_digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "code_digest"], name="toopher_pregenerated_code"),
        ]

    def __str__(self) -> str:
        return f"code of {self.user_id}"


class Terminal(Dated):
    """A computer at which a user logs in; known again only by the secret ``extra`` that the requester gives it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="terminals", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True)
    extra = EncryptedTextField(_("requester-specified id"), blank=True)
    extra_digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 (NULL is not unique)
    approved = models.DateTimeField(
        _("approved"),
        null=True,
        editable=False,
        help_text="When a request from it was first approved, by the phone or a code.",
    )
    failures = models.PositiveIntegerField(
        _("failures in a row"), default=0, help_text=_("Wrong numbers and codes here since the last success here.")
    )
    blocked_until = models.DateTimeField(_("blocked until"), null=True, blank=True)

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "extra_digest"], name="toopher_terminal_extra"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_known(self) -> bool:
        """Whether its user was approved here before, and it can be told from others: it counts for itself."""
        return self.approved is not None and self.extra_digest is not None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the secret; an anonymous terminal has none."""
        self.extra_digest = digest(self.extra) if self.extra else None
        super().save(*args, **kwargs)
