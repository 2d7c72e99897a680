"""What the service knows: requesters and their users, authenticators, pairings, terminals, requests.

Names that people choose are found by a SHA-256 digest beside them, never by the text itself: collations that fold case,
accents or trailing spaces (MariaDB's default does) must not make one user another (SECURITY.md S12).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from contextlib import nullcontext
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .. import embedded
from ..encryption import EncryptedJSONField, EncryptedTextField

Row = TypeVar("Row", bound=models.Model)

NAME_LENGTH = 255
"""Characters of a user's, terminal's or action's name."""


def digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def only(rows: models.QuerySet[Row]) -> Row | None:
    """The row of a query that finds one at the most, or ``None``. (``first`` would have the database sort.)"""
    return next(iter(rows), None)


def validate_origins(text: str) -> None:
    """``ValidationError`` unless every line is an origin (RFC 6454): scheme, host, perhaps a port, and nothing else."""
    for origin in text.split():
        if not re.fullmatch(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", origin):
            raise ValidationError(
                _("%(origin)s is not an origin like https://www.example.org"), params={"origin": origin}
            )


class Dated(models.Model):
    """When a row was made and last saved; told in most representations (PROTOCOL.md §2.4)."""

    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified = models.DateTimeField(_("modified"), auto_now=True)

    class Meta:
        abstract = True


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
        help_text=_("Questions to all its users together in one TOOPHER_SERVICE_LIMIT_PERIOD; blank is no limit."),
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

    def consumer_secrets(self) -> list[str]:
        """Every secret that verifies now, none of them blank; the first one signs postbacks."""
        if self.is_embedded:
            return embedded.consumer_secrets()
        expires = self.previous_secret_expires
        secrets = [self.consumer_secret, self.previous_secret if expires and expires > timezone.now() else ""]
        return [secret for secret in secrets if secret]

    def origin_list(self) -> list[str]:
        """The origins that may frame this requester's pages and receive their postbacks; never ``*``."""
        return self.origins.split()


class User(Dated):
    """A requester's user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requester = models.ForeignKey(Requester, models.CASCADE, related_name="users", verbose_name=_("requester"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    name_digest = models.CharField(max_length=64, editable=False)
    email = models.EmailField(
        _("e-mail address"), blank=True, help_text=_("Where the user is told what happens to their phones.")
    )
    toopher_authentication_enabled = models.BooleanField(_("second factor enabled"), default=True)
    has_had_codes = models.BooleanField(
        default=False, editable=False, help_text="A list of codes was made since the last reset, used up or not."
    )
    failures = models.PositiveIntegerField(
        _("failures in a row"), default=0, help_text=_("Wrong numbers and codes since the last success.")
    )
    blocked_until = models.DateTimeField(_("blocked until"), null=True, blank=True)
    reported_until = models.DateTimeField(
        _("blocked by a report until"),
        null=True,
        blank=True,
        help_text=_("After a sign-in that was not theirs; blank lifts the block."),
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["requester", "name_digest"], name="toopher_user_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the name."""
        self.name_digest = digest(self.name)
        super().save(*args, **kwargs)

    @cached_property
    def number_of_pregenerated_otps_remaining(self) -> int:
        """Codes left of the user's list, counted when this object is first asked (PROTOCOL.md §4.2)."""
        return self.pregenerated_codes.count()


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


class PairingQuerySet(models.QuerySet["Pairing"]):
    """Named queries."""

    def enabled(self) -> PairingQuerySet:
        """Those that can answer, newest first."""
        return self.filter(state=Pairing.State.ENABLED).order_by("-answered", "-created")

    def waiting(self, now: datetime) -> PairingQuerySet:
        """Those that a phone may still say yes to."""
        return self.filter(state=Pairing.State.PENDING, expires__gt=now)


class Pairing(Dated):
    """One user bound to one authenticator, by a yes on that authenticator."""

    class State(models.TextChoices):
        """Pending turns enabled or denied; enabled turns deactivated; nothing turns back."""

        PENDING = "pending", _("waiting for a yes on the phone")
        ENABLED = "enabled", _("enabled")
        DENIED = "denied", _("denied")
        DEACTIVATED = "deactivated", _("removed")

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
    otp_seed = EncryptedTextField(_("seed of the one-time code"), blank=True, help_text=_("Base32, 160 bits."))
    otp_last_step = models.BigIntegerField(_("last time step used"), null=True, blank=True)
    expires = models.DateTimeField(_("expires"), help_text=_("When a pending pairing can no longer be confirmed."))
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
    def is_enabled(self) -> bool:
        """Whether this authenticator may answer for the user."""
        return self.state == self.State.ENABLED


class ResetLinkQuerySet(models.QuerySet["ResetLink"]):
    """Named queries."""

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


class Terminal(Dated):
    """A computer at which a user logs in; known again only by the secret ``extra`` that the requester gives it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="terminals", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH, blank=True)
    extra = EncryptedTextField(_("requester-specified id"), blank=True)
    extra_digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 (NULL is not unique)

    class Meta:
        verbose_name = _("terminal")
        verbose_name_plural = _("terminals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "extra_digest"], name="toopher_terminal_extra"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest true to the secret; an anonymous terminal has none."""
        self.extra_digest = digest(self.extra) if self.extra else None
        super().save(*args, **kwargs)


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


class AuthenticationRequestQuerySet(models.QuerySet["AuthenticationRequest"]):
    """Named queries."""

    def waiting(self, now: datetime) -> AuthenticationRequestQuerySet:
        """Those that can still be answered."""
        return self.filter(state=AuthenticationRequest.State.PENDING, expires__gt=now)


class AuthenticationRequest(Dated):
    """One question put to the phone. It leaves ``PENDING`` once, by a conditional UPDATE (SECURITY.md S25)."""

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
    expires = models.DateTimeField(_("expires"))
    answered = models.DateTimeField(_("answered"), null=True)

    objects = AuthenticationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("authentication request")
        verbose_name_plural = _("authentication requests")
        indexes: ClassVar = [models.Index(fields=["user", "state", "expires"]), models.Index(fields=["-created"])]

    def __str__(self) -> str:
        return f"{self.action} / {self.user} ({self.get_state_display()})"

    def is_waiting(self, now: datetime) -> bool:
        """Whether it can still be answered."""
        return self.state == self.State.PENDING and self.expires > now

    def is_granted(self) -> bool:
        """Whether it was approved."""
        return self.state == self.State.GRANTED

    def reason_at(self, now: datetime) -> Reason:
        """Why it is not waiting any more; ``NONE`` while it is and after a plain yes."""
        if self.state == self.State.PENDING and self.expires <= now:
            return self.Reason.EXPIRED
        return self.Reason(self.reason_code)


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


class SpentNonce(models.Model):
    """A nonce that was used; the primary key is what makes a second use fail."""

    digest = models.CharField(primary_key=True, max_length=64)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest

    @classmethod
    def spend(cls, nonce: str, expires: datetime) -> bool:
        """Use up ``nonce``, any text. False when it was used before, by whatever process."""
        lone = not connection.in_atomic_block  # then the INSERT is a transaction by itself, and needs none around it
        try:
            with nullcontext() if lone else transaction.atomic():
                cls.objects.create(digest=digest(nonce), expires=expires)
        except IntegrityError:
            return False
        return True


class AutomationQuerySet(models.QuerySet["Automation"]):
    """Named queries."""

    def standing(self, now: datetime) -> AutomationQuerySet:
        """Those that hold: not over, made by a phone that still is its user's, for a terminal with the same secret.

        A removed pairing never comes back, so its automations are gone in the same statement that removes it.
        """
        return self.filter(
            expires__gt=now, pairing__state=Pairing.State.ENABLED, terminal__extra_digest=F("terminal_digest")
        )


class Automation(Dated):
    """A standing answer: what a person has decided once for the same action from the same terminal."""

    class Answer(models.TextChoices):
        """What is answered."""

        ALLOW = "allow", _("allow")
        DENY = "deny", _("deny")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="automations", verbose_name=_("user"))
    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="+", verbose_name=_("terminal"))
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


class Tally(models.Model):
    """How often something happened since a moment. One UPDATE counts and checks, so it holds across processes."""

    key = models.CharField(primary_key=True, max_length=64)
    count = models.PositiveIntegerField(default=1)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} until {self.expires}"


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
