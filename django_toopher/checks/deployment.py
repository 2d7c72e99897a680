"""What a site that others can reach has to mind."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from .. import embedded
from ..models import Attempt
from ..service_link import endpoint

_TRIED = {"sqlite", "postgresql", "mysql"}


@register("django_toopher")
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """What may be used once is spent by the database: it is one that this was tried on."""
    vendor = connections[router.db_for_write(Attempt)].vendor
    if vendor in _TRIED:
        return []
    hint = "Approvals are spent by conditional UPDATEs, which was tried on SQLite, PostgreSQL, MariaDB and MySQL only."
    return [checks.Warning(f"The database is {vendor}.", hint=hint, id="django_toopher.W012")]


@register("django_toopher", deploy=True)
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """Credentials that are derived from ``SECRET_KEY`` are worth as much as it is."""
    try:
        is_derived = endpoint.credentials()[0] == embedded.CONSUMER_KEY
    except ImproperlyConfigured:  # E001 or E002 says so
        return []
    key = settings.SECRET_KEY
    # as Django's own security.W009 judges a key
    if not is_derived or (len(key) >= 50 and len(set(key)) >= 5 and not key.startswith("django-insecure-")):
        return []
    hint = "Set a SECRET_KEY of 50 or more random characters: whoever guesses it says yes for everybody's phone."
    what = "SECRET_KEY can be guessed, and the credentials of the embedded service are derived from it."
    return [checks.Warning(what, hint=hint, id="django_toopher.W013")]
