"""The settings of the service, one typed property each, read at every access."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ..typed_settings import Settings, limits, natural, text, text_that_begins


@dataclass(frozen=True)
class Limits:
    """How often something may happen (SECURITY.md S23, S24; PROTOCOL.md §8.9), times in seconds."""

    number_tries: int = 3
    """Wrong numbers or codes after which one authentication request is denied."""

    failures: int = 10
    """Wrong numbers and codes in a row, across requests, after which a user waits."""

    failure_wait: int = 60
    """How long; doubled with every further one."""

    requests: int = 10
    """Authentication requests to a user in one period without a yes, those that were taken back included."""

    unanswered: int = 3
    """Denied or unanswered requests in a row in one period, after which a user is asked nothing new."""

    phrases: int = 10
    """Wrong pairing phrases for one user in one period."""

    registrations: int = 30
    """Phones registered from one public address in one period."""

    frames: int = 300
    """Iframe pages opened from one public address in one period."""

    period: int = 600
    """What one period is."""

    polls: int = 5
    """Polls of one authentication request in a second, counted in the cache."""

    report_wait: int = 3600
    """How long a user is asked nothing new after a sign-in was reported."""


_LEAST = {"period": 10, "polls": 2, "report_wait": 60}
"""Where 1, which any limit may be, would stop people who do nothing wrong, or protect nobody."""


class Conf(Settings):
    """``TOOPHER_SERVICE_*``. A wrong value raises ``ImproperlyConfigured`` naming the setting."""

    @property
    def TOOPHER_SERVICE_NAME(self) -> str | None:
        """What the phone calls the embedded requester; ``None`` takes the host's name, which the admin may change."""
        return text("TOOPHER_SERVICE_NAME")

    @property
    def TOOPHER_SERVICE_NUMBER_LENGTH(self) -> int:
        """Digits shown at the terminal and typed on the phone; 0 asks for a tap only (SECURITY.md S22)."""
        return natural("TOOPHER_SERVICE_NUMBER_LENGTH", 6, most=12)  # 12 fit the column

    @property
    def TOOPHER_SERVICE_REQUEST_AGE(self) -> int:
        """Seconds that an authentication request, and its number, wait for the answer (PROTOCOL.md §8.8).

        The person can prolong that. At most ten minutes (SECURITY.md S22, NIST SP 800-63B-4 §3.1.3.2).
        """
        return natural("TOOPHER_SERVICE_REQUEST_AGE", 120, least=30, most=600)

    @property
    def TOOPHER_SERVICE_KEEP_DAYS(self) -> int:
        """Days that the house-keeping keeps answered and unanswered requests, for support and audit."""
        return natural("TOOPHER_SERVICE_KEEP_DAYS", 90, least=1)

    @property
    def TOOPHER_SERVICE_AUTOMATION_DAYS(self) -> int:
        """Days that an automation holds at the longest; 0 offers none, and those that were made do not count."""
        return natural("TOOPHER_SERVICE_AUTOMATION_DAYS", 30)

    @property
    def TOOPHER_SERVICE_LIMITS(self) -> Limits:
        """A dict overrides those that it names."""
        return limits("TOOPHER_SERVICE_LIMITS", Limits, _LEAST)

    @property
    def TOOPHER_SERVICE_SMS(self) -> Any:
        """What sends text messages, made with its options; ``None`` sends none, and pairing by SMS is refused.

        Set as ``{"BACKEND": dotted path, "OPTIONS": {…}}``. No error shows a value of the options: they have secrets.
        """
        given = getattr(settings, "TOOPHER_SERVICE_SMS", None)
        return None if given is None else _made(given)

    @property
    def TOOPHER_SERVICE_PUSH_HOSTS(self) -> list[str] | None:
        """Hosts of push services, as in ``ALLOWED_HOSTS``; ``None`` are the browsers', ``[]`` switches push off."""
        hosts = getattr(settings, "TOOPHER_SERVICE_PUSH_HOSTS", None)
        if hosts is None:
            return None
        if not isinstance(hosts, list | tuple) or not all(isinstance(host, str) and host for host in hosts):
            raise ImproperlyConfigured(f"TOOPHER_SERVICE_PUSH_HOSTS must be a list of host names, not {hosts!r}.")
        return [host.lower() for host in hosts]

    @property
    def TOOPHER_SERVICE_PUSH_CONTACT(self) -> str | None:
        """Whom a push service may write to, ``mailto:`` or ``https:``; ``None`` tells it the service's address."""
        return text_that_begins("TOOPHER_SERVICE_PUSH_CONTACT", "mailto:", "https://")


def _made(given: object) -> Any:
    """The back end that ``TOOPHER_SERVICE_SMS`` describes."""
    if not isinstance(given, Mapping) or not isinstance(given.get("BACKEND"), str):
        raise ImproperlyConfigured('TOOPHER_SERVICE_SMS must be a dict with a dotted path as "BACKEND", or None.')
    if strangers := given.keys() - {"BACKEND", "OPTIONS"}:
        raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS has {', '.join(map(repr, strangers))}; options go in OPTIONS.")
    options = given.get("OPTIONS", {})
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        raise ImproperlyConfigured('TOOPHER_SERVICE_SMS["OPTIONS"] must be a dict, from names to values.')
    path = given["BACKEND"]
    try:
        backend = import_string(path)
    except ImportError as exc:
        raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS can't be imported: {exc}") from exc
    if not isinstance(backend, type):
        raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS must name a class, which {path} is not.")
    try:
        # bound, not called: a TypeError inside the back end is no wrong option
        inspect.signature(backend).bind(**options)
    except TypeError as exc:  # names the option that is missing, or too much
        raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS, options of {path}: {exc}.") from exc
    try:
        return backend(**options)
    except ImproperlyConfigured as exc:
        raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS, options of {path}: {exc}") from exc


conf = Conf()
