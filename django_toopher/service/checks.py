"""System checks of the service. Ids are permanent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks, mail
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.smtp import EmailBackend
from django.urls import NoReverseMatch, reverse

from .. import typed_settings
from .conf import conf


@register("toopher_service")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Every setting has a value that can be used."""
    return typed_settings.check_values(conf, "toopher_service.E001")


@register("toopher_service")
def check_names(**kwargs: Any) -> list[CheckMessage]:
    """No setting is misspelt."""
    return typed_settings.check_names(conf, lambda name: name.startswith("TOOPHER_SERVICE"), "toopher_service.W004")


@register("toopher_service", deploy=True)
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    """Polls are counted in a cache that all processes share."""
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    if not backend.endswith(("LocMemCache", "DummyCache")):
        return []
    hint = "With several processes, use a cache that they share, such as Redis or django's DatabaseCache."
    what = 'The cache is each process\'s own: the limit "polls" of TOOPHER_SERVICE_LIMITS counts for each of them.'
    return [checks.Warning(what, hint=hint, id="toopher_service.W005")]


@register("toopher_service")
def check_number(**kwargs: Any) -> list[CheckMessage]:
    """A number that is too short, or none, lets a tired person approve a stranger's login (SECURITY.md S22)."""
    try:
        length = conf.TOOPHER_SERVICE_NUMBER_LENGTH
    except ImproperlyConfigured:  # E001 says so
        return []
    if length >= 6:
        return []
    what = f"asks for {length} digits" if length else "asks for a tap only"
    return [
        checks.Warning(
            f"The phone {what}: people may approve logins that are not theirs.",
            hint="Leave TOOPHER_SERVICE_NUMBER_LENGTH at 6 or more (NIST SP 800-63B-4 §3.1.3.2).",
            id="toopher_service.W001",
        )
    ]


@register("toopher_service", deploy=True)
def check_mail(**kwargs: Any) -> list[CheckMessage]:
    """A mail server that hangs must not hold a worker for ever (SECURITY.md S30: pairing and removing mail people)."""
    backend = _mail_backend()
    if not isinstance(backend, EmailBackend) or backend.timeout is not None:
        return []
    return [
        checks.Warning(
            "Mails have no timeout: a mail server that hangs holds a worker, and whoever waits for it, for ever.",
            hint="Set EMAIL_TIMEOUT (in MAILERS: the option timeout) to some seconds, 10 say.",
            id="toopher_service.W006",
        )
    ]


def _mail_backend() -> object:
    """What sends mails; it is made, and connects to nothing. Django 6.1 has several of them."""
    mailers = getattr(mail, "mailers", None)
    try:
        return mail.get_connection() if mailers is None else mailers.get("default")
    except (ImportError, ImproperlyConfigured):  # which is another check's
        return None


@register("toopher_service")
def check_mounted(**kwargs: Any) -> list[CheckMessage]:
    """The URLs are mounted, at a path that every published client can sign."""
    try:
        root = reverse("toopher_service:root")
    except NoReverseMatch:
        return [
            checks.Warning(
                "The Toopher service is installed, but its URLs are not mounted.",
                hint='Add path("toopher/", include("django_toopher.service.urls")) to the URLconf.',
                id="toopher_service.W002",
            )
        ]
    if root != root.lower():
        return [
            checks.Warning(
                f"The Toopher service is mounted at {root}, which is not lower-case.",
                hint="Some published clients sign the lower-cased address. Mount the service at a lower-case path.",
                id="toopher_service.W003",
            )
        ]
    return []
