"""What phones are asked, and what people report."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from ...backoff import seconds_until
from ..shown import RequestTexts
from .pairings import Pairing
from .requesters import Action
from .rows import NAME_LENGTH, Dated
from .users import PregeneratedCode, Terminal, User


class AuthenticationRequestQuerySet(models.QuerySet["AuthenticationRequest"]):
    """Which of them wait, and what a poll tells beside them."""

    def waiting(self, now: datetime) -> AuthenticationRequestQuerySet:
        """Those that can still be answered."""
        return self.filter(state=AuthenticationRequest.State.PENDING, expires__gt=now)

    def with_factors(self) -> AuthenticationRequestQuerySet:
        """These, and of each one's user ``codes_left`` and ``has_phone``, in the same query."""
        codes = PregeneratedCode.objects.filter(user=OuterRef("user")).order_by().values("user")
        counted = codes.annotate(count=Count("pk")).values("count")
        return self.annotate(  # type: ignore[no-redef]
            codes_left=Coalesce(Subquery(counted), 0), has_phone=Pairing.objects.any_enabled("user")
        )


class AuthenticationRequest(Dated):
    """What a user's phones are asked. It leaves ``PENDING`` once, by a conditional UPDATE (SECURITY.md S25)."""

    class State(models.TextChoices):
        """Only ``PENDING`` changes. One whose time is over stays pending in the table and is told as expired."""

        PENDING = "pending", _("waiting")
        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")
        CANCELLED = "cancelled", _("cancelled")

    class Reason(models.IntegerChoices):
        """Why a request ended as it did; ours (PROTOCOL.md §2.4), 0 is none."""

        NONE = 0, ""
        DENIED = 100, _("The user denied the request")
        EXPIRED = 101, _("The request was not answered in time")
        CANCELLED = 102, _("The request was cancelled")
        TOO_MANY = 103, _("Too many wrong numbers or codes")
        REPORTED = 104, _("The user did not make the request, and reported it")
        ASKED_TOO_OFTEN = 105, _("The phone was asked too often, and is not asked again for a while")
        BLOCKED = 106, _("Nobody can sign in for a while, after a report or too many wrong numbers and codes")
        SITE_BUSY = 107, _("The site asks too many people at once")
        CODE = 110, _("Approved with a one-time code")
        OTP_REQUIRED = 708, _("User requires OTP authentication")

        @property
        def untranslated(self) -> str:
            """What requesters are told, whatever language somebody's browser asks for."""
            with translation.override(None):
                return str(self.label)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="authentication_requests", verbose_name=_("user"))
    pairing = models.ForeignKey(
        Pairing,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("pairing"),
        help_text=_("Who answered."),
    )
    asked_pairing = models.ForeignKey(
        Pairing,
        models.CASCADE,
        null=True,
        editable=False,
        related_name="+",
        help_text="The one phone that is asked, before the site has confirmed it (SECURITY.md S39); none: all.",
    )
    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="+", verbose_name=_("terminal"))
    action = models.ForeignKey(Action, models.CASCADE, related_name="+", verbose_name=_("action"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PENDING)
    reason_code = models.PositiveSmallIntegerField(_("reason"), choices=Reason.choices, default=Reason.NONE)
    number = models.CharField(_("number"), max_length=12, blank=True, help_text=_("Shown only at the terminal."))
    failures = models.PositiveSmallIntegerField(_("wrong tries"), default=0)
    automated = models.BooleanField(_("automated"), default=False)
    automation_allowed = models.BooleanField(_("automation allowed"), default=True)
    challenge_required = models.BooleanField(_("challenge required"), default=False)
    address = models.CharField(_("address"), max_length=45, blank=True, help_text=_("Of the terminal."))
    evidence = models.TextField(_("evidence"), blank=True, help_text=_("The signed answer (JWS)."))
    at_known = models.BooleanField(
        _("at a known computer"),
        default=False,
        help_text=_("The user was approved there before: it counts for itself."),
    )
    withheld_until = models.DateTimeField(
        _("withheld until"), null=True, help_text=_("No phone is asked of it; then a new one may be.")
    )
    expires = models.DateTimeField(_("expires"))
    answered = models.DateTimeField(_("answered"), null=True)

    codes_left: int
    has_phone: bool
    """Both only where ``with_factors`` was asked for."""

    objects = AuthenticationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("authentication request")
        verbose_name_plural = _("authentication requests")
        indexes: ClassVar = [models.Index(fields=["user", "state", "expires"]), models.Index(fields=["-created"])]

    def __str__(self) -> str:
        return f"{self.action} / {self.user} ({self.get_state_display()})"

    @property
    def texts(self) -> RequestTexts:
        """What the phone shows of it, as it was asked."""
        return RequestTexts(
            self.user.requester.name, self.user.name, self.action.name, self.terminal.name, self.address
        )

    def is_waiting(self, now: datetime) -> bool:
        """Whether it can still be answered."""
        return self.state == self.State.PENDING and self.expires > now

    @property
    def is_withheld(self) -> bool:
        """Whether no phone is asked of it: while it waits, it waits for a one-time code."""
        return self.withheld_until is not None

    def seconds_withheld(self, now: datetime) -> int:
        """How long no phone may be asked anew, in whole seconds; 0 where one may be."""
        if self.withheld_until is None or self.withheld_until <= now:
            return 0
        return seconds_until(self.withheld_until, now)

    def is_granted(self) -> bool:
        """Whether it was approved."""
        return self.state == self.State.GRANTED

    def reason_at(self, now: datetime) -> Reason:
        """Why it is not waiting any more; ``NONE`` while it is and after a plain yes."""
        if self.state == self.State.PENDING and self.expires <= now:
            return self.Reason.EXPIRED
        return self.Reason(self.reason_code)


class Alarm(models.Model):
    """Something that support should look into: a person says that a sign-in was not theirs."""

    user = models.ForeignKey(User, models.CASCADE, related_name="alarms", verbose_name=_("user"))
    request = models.OneToOneField(
        AuthenticationRequest,
        models.SET_NULL,
        null=True,
        related_name="alarm",
        verbose_name=_("authentication request"),
        help_text=_("None once it was purged."),
    )
    # copies: an alarm outlives its request
    action = models.CharField(_("action"), max_length=NAME_LENGTH)
    terminal = models.CharField(_("terminal"), max_length=NAME_LENGTH, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True, help_text=_("Of the terminal."))
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    settled = models.DateTimeField(_("settled"), null=True, blank=True, help_text=_("When support was done with it."))

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")

    def __str__(self) -> str:
        return f"{self.user}: {self.action}"
