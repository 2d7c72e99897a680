"""``manage.py toopher_purge``: deletes old attempts and support runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from ...conf import conf
from ...models import Attempt, SupportRun
from ..support import WRONG_CALL, FormatCommand

BATCH = 500
"""Rows of one DELETE: short enough that nobody waits for its locks."""


class Command(FormatCommand):
    """In batches, while the site goes on; it can be stopped and run again anywhere. Run it once a day."""

    help = "Deletes attempts and support runs that are older than TOOPHER_KEEP_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many days to keep."""
        super().add_arguments(parser)
        parser.add_argument("--days", type=int, help="days to keep, instead of TOOPHER_KEEP_DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how much."""
        days = conf.TOOPHER_KEEP_DAYS if options["days"] is None else options["days"]
        if days < 1:
            raise CommandError("--days must be 1 or more.", returncode=WRONG_CALL)
        before = timezone.now() - timedelta(days=days)
        told = {
            "attempts": self._delete(
                "attempts", Attempt.objects.filter(created__lt=before, expires__lt=timezone.now())
            ),
            "runs": self._delete("runs", SupportRun.objects.filter(created__lt=before)),
        }
        self.show(told, [f"{name}: {count}" for name, count in told.items()], options)

    def _delete(self, name: str, old: QuerySet[Any]) -> int:
        deleted = 0
        while keys := list(old.order_by().values_list("pk", flat=True)[:BATCH]):
            old.model._default_manager.filter(pk__in=keys).delete()
            deleted += len(keys)
            self.progress(f"{name}: {deleted}")
        if deleted:
            self.progress("\n")
        return deleted
