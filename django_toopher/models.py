"""What the app remembers: who is known to the service under which name and ids, and every attempt."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import signals


def digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def moved_on() -> dict[str, Any]:
    """For an UPDATE of accounts whose second factor changes: what was known, and earned, before it is void."""
    return {"generation": models.F("generation") + 1, "found_without": None}


def forget_computers(*users: Any) -> None:
    """The second factor of these users is gone: what it has granted makes no computer known (SECURITY.md S46)."""
    Attempt.objects.filter(user__in=users).exclude(terminal_digest="").update(terminal_digest="")


class ToopherAccountManager(models.Manager["ToopherAccount"]):
    def for_user(self, user: AbstractBaseUser) -> ToopherAccount:
        """The user's account, made when there is none yet.

        Its name is the user name of this moment, and stays: a later user who takes over the name is called
        ``"name (primary key)"`` instead, and never reaches the first one's phone (SECURITY.md S12).
        """
        account: ToopherAccount | None = getattr(user, "toopher_account", None)  # read once for each user object
        if account is not None:
            return account
        name = str(user.get_username())  # a site's own may be a number
        while self.filter(name_digest=digest(name)).exists():  # the name that was made up may be taken, too
            name = f"{name} ({user.pk})"
        account, _created = self.get_or_create(user_id=user.pk, defaults={"name": name})
        account.user = user  # type: ignore[assignment]  # which has it from now on
        return account

    def for_users(self, users: models.QuerySet[Any]) -> models.QuerySet[ToopherAccount]:
        """The accounts of these users; those who have none yet get one, in few statements."""
        missing = list(users.filter(toopher_account=None).order_by())
        for chunk in (missing[start : start + 500] for start in range(0, len(missing), 500)):
            new = [ToopherAccount(user=user, name=str(user.get_username())) for user in chunk]
            for account in new:
                account.name_digest = digest(account.name)  # bulk_create calls no save()
            self.bulk_create(new, ignore_conflicts=True)  # a name that is taken makes no row
        for user in users.filter(toopher_account=None).order_by():
            self.for_user(user)
        return self.filter(user__in=users.order_by().values("pk"))

    def with_last_use(self) -> models.QuerySet[ToopherAccount]:
        """Accounts with ``used``, what ``last_used`` says, in the same query."""
        granted = Attempt.objects.filter(user=models.OuterRef("user"), outcome=Attempt.Outcome.GRANTED)
        newest = granted.order_by("-created").values("finished")[:1]
        return self.annotate(used=models.Subquery(newest))


class ToopherAccount(models.Model):
    """A Django user as the service knows them: a cache of ids and state, and support's switch."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="toopher_account",
        verbose_name=_("user"),
        help_text=_("None: the user was deleted. The account stays, so that nobody inherits the name and its phone."),
    )
    name = models.CharField(_("name at the service"), max_length=255)
    name_digest = models.CharField(max_length=64, unique=True, editable=False)
    toopher_user_id = models.CharField(_("user id at the service"), max_length=36, blank=True)
    paired = models.BooleanField(_("phone paired"), default=False, help_text=_("As far as the service told us."))
    pairing_id = models.CharField(_("pairing id"), max_length=36, blank=True, help_text=_("Of the phone used last."))
    device = models.CharField(
        _("phone"), max_length=255, blank=True, help_text=_("The name of that phone, when the service was last asked.")
    )
    enabled = models.BooleanField(
        _("second factor enabled"), default=True, help_text=_("Off: the user has opted out, through support.")
    )
    generation = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Counts changes of the second factor; an attempt, and what a session earned, from before is void.",
    )
    found_without = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the service last said, to the day, that there is no second factor to ask, or that it is off.",
    )
    failures = models.PositiveSmallIntegerField(
        _("wrong codes and passwords"), default=0, editable=False, help_text=_("In a row.")
    )
    blocked_until = models.DateTimeField(_("blocked until"), null=True, editable=False)
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = ToopherAccountManager()

    class Meta:
        verbose_name = _("Toopher account")
        verbose_name_plural = _("Toopher accounts")
        permissions: ClassVar = [
            ("enable_account", _("Can switch people's second factor on")),
            ("disable_account", _("Can switch people's second factor off")),
            ("reset_account", _("Can remove people's phones")),
            ("lift_wait", _("Can end the time that people have to wait")),
            ("send_reset_link", _("Can mail people a link that removes a lost phone")),
            ("refresh_account", _("Can ask the service how accounts stand")),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the name: names are told apart exactly, whatever the collation."""
        self.name_digest = digest(self.name)
        super().save(*args, **kwargs)

    def change(self, **fields: Any) -> None:
        """Write down a change of the second factor, which ends what other sessions earned and voids open attempts."""
        # not save(): this object may have been read before others wrote to its other fields
        ToopherAccount.objects.filter(pk=self.pk).update(**(fields | moved_on()))
        if fields.get("paired") is False:
            forget_computers(self.user_id)
        self.refresh_from_db()

    def change_as_read(self) -> bool:
        """As ``change``, unless somebody else has changed it since this row was read: then nothing happens."""
        this = ToopherAccount.objects.filter(pk=self.pk, generation=self.generation)
        changed = this.update(**moved_on()) == 1
        self.refresh_from_db()
        return changed

    def announce(self, signal: Signal, **told: Any) -> None:
        """Send one of ``signals``' signals about this account, and log it."""
        by = {name: getattr(who, "pk", None) for name, who in told.items()}
        signals.announce(signal, {"account": self.pk, "user": self.user_id, **by}, account=self, **told)

    @property
    def last_used(self) -> datetime | None:
        """When a second factor of this user was last granted. One query."""
        granted = Attempt.objects.filter(user=self.user_id, outcome=Attempt.Outcome.GRANTED)
        return granted.order_by("-created").values_list("finished", flat=True).first()


class Attempt(models.Model):
    """One second factor that somebody was asked for, from its one-time token to its outcome."""

    class Kind(models.TextChoices):
        LOGIN = "login", _("login")
        PAIRING = "pairing", _("change of phones")
        STEP_UP = "step_up", _("step-up")

    class Outcome(models.TextChoices):
        """Only ``PENDING`` changes."""

        PENDING = "pending", _("pending")
        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")
        FAILED = "failed", _("failed")
        LET_IN = "let_in", _("let in without")

    class Method(models.TextChoices):
        """How it was answered; blank while it was not, and where nobody told."""

        PHONE = "phone", _("phone")
        CODE = "code", _("one-time code")
        AUTOMATION = "automation", _("automatic answer")
        RECOVERY = "recovery", _("recovery code")
        PASSWORD = "password", _("password only")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.LOGIN)
    # SET_NULL: the record outlives the user (S18)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("user")
    )
    username = models.CharField(_("user name"), max_length=255, help_text=_("At the time."))
    toopher_name = models.CharField(_("name at the service"), max_length=255)
    generation = models.PositiveIntegerField(editable=False)
    auth_digest = models.CharField(max_length=64, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    action = models.CharField(_("action"), max_length=255)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    method = models.CharField(_("method"), max_length=10, choices=Method.choices, blank=True)
    request_id = models.CharField(_("request id at the service"), max_length=36, blank=True)
    pairing_id = models.CharField(
        max_length=36, blank=True, editable=False, help_text="Of the phone that is being paired on the way."
    )
    terminal_id = models.CharField(_("computer's id at the service"), max_length=36, blank=True)
    terminal_name = models.CharField(_("computer"), max_length=255, blank=True)
    terminal_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of the computer's secret id, by which it is recognised."
    )
    address = models.CharField(_("address"), max_length=45, blank=True)  # IPv6 with an IPv4 address in it
    browser = models.CharField(_("browser"), max_length=255, blank=True)
    created = models.DateTimeField(_("created"), default=timezone.now)
    expires = models.DateTimeField(_("expires"))
    finished = models.DateTimeField(_("finished"), null=True)
    request_digest = models.CharField(max_length=64, blank=True, editable=False)
    spent = models.DateTimeField(
        _("carried out"), null=True, help_text=_("When the request that a step-up stopped was carried out.")
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes: ClassVar = [models.Index(fields=["user", "-created"]), models.Index(fields=["-created"])]

    def __str__(self) -> str:
        return f"{self.action} / {self.username} ({self.get_outcome_display()})"

    def finish(self, outcome: Outcome, now: datetime, *, reason: str = "", method: str = "", **told: str) -> bool:
        """Spend the attempt, in one UPDATE. False when it was spent before or its time is over (SECURITY.md S04).

        ``told`` is what the service told of it: ``request_id``, and of the computer ``terminal_id`` and so on.
        """
        texts = {"reason": reason, "method": method, **{name: value for name, value in told.items() if value}}
        # a service may say anything, and PostgreSQL refuses what is longer than its column
        kept = {name: value[: Attempt._meta.get_field(name).max_length] for name, value in texts.items()}  # type: ignore[union-attr]
        won = Attempt.objects.filter(pk=self.pk, outcome=self.Outcome.PENDING, expires__gt=now).update(
            outcome=outcome, finished=now, **kept
        )
        if won:
            self.outcome, self.reason, self.method, self.finished = outcome, kept["reason"], kept["method"], now
            self.announce(_SIGNALS[outcome])
        return bool(won)

    def announce(self, signal: Signal) -> None:
        """Send one of ``signals``' signals about this attempt, and log it.

        A change of phones tells ``paired`` and ``unpaired`` instead.
        """
        if self.kind == self.Kind.PAIRING:
            return
        names = ("kind", "action", "outcome", "reason", "method", "address")
        record = {"attempt": self.pk.hex, "user": self.user_id, **{name: str(getattr(self, name)) for name in names}}
        signals.announce(signal, record, attempt=self)

    def spend(self, now: datetime) -> bool:
        """Use up a granted step-up, in one UPDATE. False when it was used before or is too old (SECURITY.md S13)."""
        granted = Attempt.objects.filter(pk=self.pk, outcome=self.Outcome.GRANTED, expires__gt=now)
        return bool(granted.filter(spent=None).update(spent=now))


class RecoveryCode(models.Model):
    """One of the codes with which a person without the phone signs in, once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    encoded = models.CharField(max_length=128, editable=False, help_text="As Django's password hashers write it.")
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    used = models.DateTimeField(_("used"), null=True, editable=False)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return f"{self.created:%Y-%m-%d}"


class SupportRun(models.Model):
    """One thing that support does to some people, however many; each of them is a ``SupportItem``."""

    class Verb(models.TextChoices):
        ENABLE = "enable", _("Switch the second factor on")
        DISABLE = "disable", _("Switch the second factor off")
        RESET = "reset", _("Reset: remove all phones")
        LIFT = "lift", _("Lift the wait")
        SEND_RESET_LINK = "send_reset_link", _("Send a reset link")
        REFRESH = "refresh", _("Refresh from the service")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verb = models.CharField(_("what"), max_length=15, choices=Verb.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    by_name = models.CharField(_("by whom"), max_length=255, help_text=_("At the time."))
    created = models.DateTimeField(_("begun"), default=timezone.now)
    confirmed = models.DateTimeField(_("confirmed"), null=True, help_text=_("Until then nothing is done."))

    class Meta:
        verbose_name = _("support run")
        verbose_name_plural = _("support runs")
        indexes: ClassVar = [models.Index(fields=["-created"])]

    def __str__(self) -> str:
        return self.get_verb_display()

    def confirm(self, now: datetime) -> None:
        """From now on it may be carried out."""
        SupportRun.objects.filter(pk=self.pk, confirmed=None).update(confirmed=now)
        self.refresh_from_db(fields=["confirmed"])

    def discard(self) -> bool:
        """Forget it, unless it was confirmed; whether that was so."""
        return bool(SupportRun.objects.filter(pk=self.pk, confirmed=None).delete()[0])


class SupportItem(models.Model):
    """One person of a run, and what came of it. Claimed by conditional UPDATE, so that two tabs never do one twice."""

    class Outcome(models.TextChoices):
        """Only ``PENDING`` changes; and ``FAILED``, back to it, when it is tried again."""

        PENDING = "pending", _("waiting")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        FAILED = "failed", _("failed")

    run = models.ForeignKey(SupportRun, models.CASCADE, related_name="items")
    account = models.ForeignKey(ToopherAccount, models.CASCADE, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=7, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.CharField(_("reason"), max_length=20, blank=True, help_text=_("Why it was skipped, or failed."))
    detail = models.CharField(_("detail"), max_length=255, blank=True)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    finished = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("person of a support run")
        verbose_name_plural = _("people of support runs")
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "account"], name="toopher_support_once")]
        indexes: ClassVar = [models.Index(fields=["run", "outcome"]), models.Index(fields=["claim"])]

    def __str__(self) -> str:
        return f"{self.account} ({self.get_outcome_display()})"


_SIGNALS = {
    Attempt.Outcome.GRANTED: signals.granted,
    Attempt.Outcome.DENIED: signals.denied,
    Attempt.Outcome.FAILED: signals.failed,
    Attempt.Outcome.LET_IN: signals.failed,
}
