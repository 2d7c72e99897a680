"""What rows have in common: how they are found, and when they were made."""

from __future__ import annotations

import hashlib
from typing import TypeVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=models.Model)

NAME_LENGTH = 255
"""Characters of a user's, terminal's or action's name."""


def digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def only(rows: models.QuerySet[Row]) -> Row | None:
    """The row of a query that finds one at the most, or ``None``. (``first`` would have the database sort.)"""
    return next(iter(rows), None)


class Dated(models.Model):
    """When a row was made and last saved; told in most representations (PROTOCOL.md §2.4)."""

    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified = models.DateTimeField(_("modified"), auto_now=True)

    class Meta:
        abstract = True
