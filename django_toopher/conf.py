"""The settings of the app, one typed property each, read at every access and cached nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

T = TypeVar("T")

Rule = str | Callable[..., bool]


def _typed(name: str, kind: type[T] | tuple[type[T], ...], default: T, what: str) -> T:
    value = getattr(settings, name, default)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ImproperlyConfigured(f"{name} must be {what}, not {value!r}.")
    return value


def _text(name: str, default: str | None) -> str | None:
    value = getattr(settings, name, None)
    if value is None or value == "":
        return default
    if not isinstance(value, str):
        raise ImproperlyConfigured(f"{name} must be a text.")  # it may be a secret: not shown
    return value


def _seconds(name: str, default: int) -> int:
    value = _typed(name, int, default, "whole seconds")
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be more than 0 seconds, not {value!r}.")
    return value


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


class Conf:
    """``TOOPHER_*``. A wrong value raises ``ImproperlyConfigured`` naming it; a system check says so earlier."""

    @property
    def TOOPHER_BASE_URL(self) -> str | None:
        """Root of the API, with its version: ``https://2fa.example.org/toopher/v1``; ``None``: the embedded service."""
        url = _text("TOOPHER_BASE_URL", None)
        if url is not None and not url.startswith(("https://", "http://")):
            raise ImproperlyConfigured("TOOPHER_BASE_URL must begin with https:// or http://.")
        return url

    @property
    def TOOPHER_CONSUMER_KEY(self) -> str | None:
        """The requester's key; ``None`` derives it, which only the embedded service understands."""
        return _text("TOOPHER_CONSUMER_KEY", None)

    @property
    def TOOPHER_CONSUMER_SECRET(self) -> str | None:
        """The requester's secret; ``None`` derives it."""
        return _text("TOOPHER_CONSUMER_SECRET", None)

    @property
    def TOOPHER_POLICY(self) -> tuple[Rule, ...]:
        """Who needs a second factor: one rule or a list, of which one is enough. They are in ``policy``."""
        value: Any = getattr(settings, "TOOPHER_POLICY", "optional")
        rules = value if isinstance(value, list | tuple) and value else [value]
        return tuple(map(_rule, rules))

    @property
    def TOOPHER_GRACE_DAYS(self) -> int:
        """Days in which people whom the policy wants to have a phone get in without one; 0: none."""
        value = _typed("TOOPHER_GRACE_DAYS", int, 0, "whole days")
        if not 0 <= value <= 3650:
            raise ImproperlyConfigured(f"TOOPHER_GRACE_DAYS must be from 0 to 3650, not {value!r}.")
        return value

    @property
    def TOOPHER_EXEMPT_PATHS(self) -> tuple[str, ...]:
        """Paths that the middleware lets through: with a ``/`` at the end all below it, else this one alone."""
        value: Any = getattr(settings, "TOOPHER_EXEMPT_PATHS", ())
        if not isinstance(value, list | tuple) or not all(isinstance(path, str) for path in value):
            raise ImproperlyConfigured(f"TOOPHER_EXEMPT_PATHS must be a list of paths, not {value!r}.")
        for path in value:
            if not re.fullmatch(r"/[^/].*", path):
                raise ImproperlyConfigured(f"TOOPHER_EXEMPT_PATHS: {path!r} is no path below / on this site.")
        return tuple(value)

    @property
    def TOOPHER_ACTION_NAME(self) -> str:
        """What the phone says a login is."""
        return _text("TOOPHER_ACTION_NAME", None) or "Log In"

    @property
    def TOOPHER_AUTOMATION_ALLOWED(self) -> bool:
        """Whether a standing answer of the person may approve a login."""
        return _typed("TOOPHER_AUTOMATION_ALLOWED", bool, True, "True or False")

    @property
    def TOOPHER_CHALLENGE_REQUIRED(self) -> bool:
        """Whether the person must always answer in person."""
        return _typed("TOOPHER_CHALLENGE_REQUIRED", bool, False, "True or False")

    @property
    def TOOPHER_IFRAME_TTL(self) -> int:
        """Seconds for the browser to open the iframe's address."""
        return _seconds("TOOPHER_IFRAME_TTL", 100)

    @property
    def TOOPHER_POSTBACK_TTL(self) -> int:
        """Seconds from the service's signature to our verification."""
        return _seconds("TOOPHER_POSTBACK_TTL", 100)

    @property
    def TOOPHER_ATTEMPT_AGE(self) -> int:
        """Seconds from the password to the approval."""
        return _seconds("TOOPHER_ATTEMPT_AGE", 600)

    @property
    def TOOPHER_ALLOW_OPT_OUT(self) -> bool:
        """Whether a user whom support disabled gets in with the password alone."""
        return _typed("TOOPHER_ALLOW_OPT_OUT", bool, True, "True or False")

    @property
    def TOOPHER_FAIL_OPEN(self) -> bool:
        """Whether people get in, unverified, when the service can't be reached."""
        return _typed("TOOPHER_FAIL_OPEN", bool, False, "True or False")

    @property
    def TOOPHER_EMBED(self) -> str:
        """``"iframe"``, ``"redirect"`` or ``"native"``."""
        embed = _typed("TOOPHER_EMBED", str, "iframe", "a text")
        if embed not in {"iframe", "redirect", "native"}:
            raise ImproperlyConfigured(f'TOOPHER_EMBED must be "iframe", "redirect" or "native", not {embed!r}.')
        return embed

    @property
    def TOOPHER_RECOVERY_CODES(self) -> int:
        """How many recovery codes a person gets at once; 0 offers none."""
        value = _typed("TOOPHER_RECOVERY_CODES", int, 10, "a whole number")
        if not 0 <= value <= 50:
            raise ImproperlyConfigured("TOOPHER_RECOVERY_CODES must be from 0 to 50.")
        return value

    @property
    def TOOPHER_RECOVERY_LIMIT(self) -> int:
        """Wrong recovery codes in a row after which a person has to wait."""
        value = _typed("TOOPHER_RECOVERY_LIMIT", int, 5, "a whole number")
        if value <= 0:
            raise ImproperlyConfigured("TOOPHER_RECOVERY_LIMIT must be 1 or more.")
        return value

    @property
    def TOOPHER_RECOVERY_WAIT(self) -> int:
        """Seconds to wait then; doubled with every further one."""
        return _seconds("TOOPHER_RECOVERY_WAIT", 60)

    @property
    def TOOPHER_SUPPORT_URL(self) -> str | None:
        """Where a person without phone and codes gets help: a page, or ``mailto:``."""
        return _text("TOOPHER_SUPPORT_URL", None)

    @property
    def TOOPHER_SESSION_CHECK(self) -> int:
        """Seconds after which a verified session is compared with the account again, at its next request."""
        return _seconds("TOOPHER_SESSION_CHECK", 60)

    @property
    def TOOPHER_TIMEOUT(self) -> float:
        """Seconds for one API call, everything included."""
        value = _typed("TOOPHER_TIMEOUT", (int, float), 5, "a number of seconds")
        if value <= 0:
            raise ImproperlyConfigured(f"TOOPHER_TIMEOUT must be more than 0 seconds, not {value!r}.")
        return float(value)

    @property
    def TOOPHER_KEEP_DAYS(self) -> int:
        """Days that ``manage.py toopher_purge`` keeps attempts and support runs."""
        days = _typed("TOOPHER_KEEP_DAYS", int, 365, "whole days")
        if days < 1:
            raise ImproperlyConfigured(f"TOOPHER_KEEP_DAYS must be 1 or more, not {days!r}.")
        return days

    @property
    def TOOPHER_TRUSTED_PROXIES(self) -> int:
        """How many proxies in front of the site append to ``X-Forwarded-For``; 0 believes the socket only."""
        value = _typed("TOOPHER_TRUSTED_PROXIES", int, 0, "a whole number")
        if value < 0:
            raise ImproperlyConfigured("TOOPHER_TRUSTED_PROXIES must be 0 or more.")
        return value


conf = Conf()
