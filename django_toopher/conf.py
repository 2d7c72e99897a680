"""The settings of the app, one typed property each, read at every access and cached nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .typed_settings import Settings, flag, limits, natural, text, text_that_begins

Rule = str | Callable[..., bool]


@dataclass(frozen=True)
class Limits:
    """How often something may happen (SECURITY.md S23), times in seconds."""

    failures: int = 5
    """Wrong recovery codes and passwords in a row after which a person has to wait."""

    failure_wait: int = 60
    """How long; doubled with every further one."""


def _rule(rule: Any) -> Rule:
    """A rule of ``TOOPHER_POLICY``: one of its words, or the callable that a dotted path names."""
    if isinstance(rule, str) and re.fullmatch(r"optional|required|staff|superusers|group:.+", rule):
        return rule
    try:
        found: Any = import_string(rule)
    except (ImportError, AttributeError, TypeError) as exc:
        raise ImproperlyConfigured(
            'TOOPHER_POLICY must be "optional", "required", "staff", "superusers", "group:Name", a dotted path to a '
            f"callable, or a list of these, not {rule!r}."
        ) from exc
    if not callable(found):
        raise ImproperlyConfigured(f"TOOPHER_POLICY names {rule!r}, which can't be called.")
    policy: Callable[..., bool] = found
    return policy


class Conf(Settings):
    """``TOOPHER_*``. A wrong value raises ``ImproperlyConfigured`` naming it; a system check says so earlier."""

    @property
    def TOOPHER_BASE_URL(self) -> str | None:
        """Root of the API, with its version: ``https://2fa.example.org/toopher/v1``; ``None``: the embedded service."""
        return text_that_begins("TOOPHER_BASE_URL", "https://", "http://")

    @property
    def TOOPHER_CONSUMER_KEY(self) -> str | None:
        """The requester's key; ``None`` derives it, which only the embedded service understands."""
        return text("TOOPHER_CONSUMER_KEY")

    @property
    def TOOPHER_CONSUMER_SECRET(self) -> str | None:
        """The requester's secret; ``None`` derives it."""
        return text("TOOPHER_CONSUMER_SECRET")

    @property
    def TOOPHER_POLICY(self) -> tuple[Rule, ...]:
        """Who needs a second factor: one rule or a list, of which one is enough. They are in ``policy``."""
        value: Any = getattr(settings, "TOOPHER_POLICY", "optional")
        # an empty list is itself taken for a rule, and refused: it would ask nobody
        rules = value if isinstance(value, list | tuple) and value else [value]
        return tuple(map(_rule, rules))

    @property
    def TOOPHER_GRACE_DAYS(self) -> int:
        """Days in which people whom the policy wants to have a phone get in without one; 0: none."""
        return natural("TOOPHER_GRACE_DAYS", 0, most=3650)

    @property
    def TOOPHER_EXEMPT_PATHS(self) -> tuple[str, ...]:
        """Paths that the middleware lets through: with a ``/`` at the end all below it, else this one alone."""
        value: Any = getattr(settings, "TOOPHER_EXEMPT_PATHS", ())
        if not isinstance(value, list | tuple) or not all(isinstance(path, str) for path in value):
            raise ImproperlyConfigured(f"TOOPHER_EXEMPT_PATHS must be a list of paths, not {value!r}.")
        for path in value:
            if not re.fullmatch(r"/[^/].*", path):  # "/" would exempt the whole site
                raise ImproperlyConfigured(f"TOOPHER_EXEMPT_PATHS: {path!r} is no path below / on this site.")
        return tuple(value)

    @property
    def TOOPHER_ACTION_NAME(self) -> str:
        """What the phone says a login is."""
        return text("TOOPHER_ACTION_NAME") or "Log In"

    @property
    def TOOPHER_AUTOMATION_ALLOWED(self) -> bool:
        """Whether an automation of the person may approve a login."""
        return flag("TOOPHER_AUTOMATION_ALLOWED", True)

    @property
    def TOOPHER_CHALLENGE_REQUIRED(self) -> bool:
        """Whether the person must always answer in person."""
        return flag("TOOPHER_CHALLENGE_REQUIRED", False)

    @property
    def TOOPHER_ATTEMPT_AGE(self) -> int:
        """Seconds from the password to the approval."""
        return natural("TOOPHER_ATTEMPT_AGE", 600, least=1)

    @property
    def TOOPHER_ALLOW_OPT_OUT(self) -> bool:
        """Whether a user whom support disabled gets in with the password alone."""
        return flag("TOOPHER_ALLOW_OPT_OUT", True)

    @property
    def TOOPHER_FAIL_OPEN(self) -> bool:
        """Whether people get in, unverified, when the service can't be reached."""
        return flag("TOOPHER_FAIL_OPEN", False)

    @property
    def TOOPHER_EMBED(self) -> str:
        """``"iframe"``, ``"redirect"`` or ``"native"``."""
        embed: object = getattr(settings, "TOOPHER_EMBED", "iframe")
        if embed not in ("iframe", "redirect", "native"):
            raise ImproperlyConfigured(f'TOOPHER_EMBED must be "iframe", "redirect" or "native", not {embed!r}.')
        return str(embed)

    @property
    def TOOPHER_RECOVERY_CODES(self) -> int:
        """How many recovery codes a person gets at once; 0 offers none."""
        return natural("TOOPHER_RECOVERY_CODES", 10, most=50)

    @property
    def TOOPHER_LIMITS(self) -> Limits:
        """A dict of those that are not as ``Limits`` has them."""
        return limits("TOOPHER_LIMITS", Limits)

    @property
    def TOOPHER_SUPPORT_URL(self) -> str | None:
        """Where a person without phone and codes gets help: a page, or ``mailto:``."""
        return text("TOOPHER_SUPPORT_URL")

    @property
    def TOOPHER_SESSION_CHECK(self) -> int:
        """Seconds after which a verified session is compared with the account again, at its next request."""
        return natural("TOOPHER_SESSION_CHECK", 60, least=1)

    @property
    def TOOPHER_TIMEOUT(self) -> float:
        """Seconds for one API call, everything included."""
        seconds: object = getattr(settings, "TOOPHER_TIMEOUT", 5)
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
            raise ImproperlyConfigured(f"TOOPHER_TIMEOUT must be more than 0 seconds, not {seconds!r}.")
        return float(seconds)

    @property
    def TOOPHER_KEEP_DAYS(self) -> int:
        """Days that ``manage.py toopher_purge`` keeps attempts and support runs."""
        return natural("TOOPHER_KEEP_DAYS", 365, least=1)


conf = Conf()
