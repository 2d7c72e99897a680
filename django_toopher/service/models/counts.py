"""What may happen once, or so often."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

from django.db import IntegrityError, connection, models, transaction

from .rows import digest


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


class Tally(models.Model):
    """How often something happened since a moment. One UPDATE counts and checks, so it holds across processes."""

    key = models.CharField(primary_key=True, max_length=64)
    count = models.PositiveIntegerField(default=1)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} until {self.expires}"
