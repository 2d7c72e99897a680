"""``manage.py toopher_sync``: takes over from the service how accounts stand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...models import SupportItem, SupportRun, ToopherAccount
from ...support import runs
from ..support import WRONG_CALL, RunCommand


class Command(RunCommand):
    """Everybody's, or those of the users named. Killed or failed, it goes on with ``--resume``."""

    help = "Takes over from the service how accounts stand: switched on, phone paired, the phone's name."
    verb = "refresh"

    def add_arguments(self, parser: CommandParser) -> None:
        """And whether to go on with the last one."""
        super().add_arguments(parser)
        parser.add_argument("--resume", action="store_true", help="go on with the last sync, failed people included")

    def chosen(self, options: dict[str, Any]) -> list[ToopherAccount]:
        """Everybody, unless somebody is named."""
        if options["names"] or options["file"]:
            return super().chosen(options)
        return list(ToopherAccount.objects.order_by("pk"))

    def handle(self, *args: Any, **options: Any) -> None:
        """A new run, or what is left of the last one."""
        if not options["resume"]:
            super().handle(*args, **options)
            return
        run = SupportRun.objects.filter(verb=self.verb, by=None).order_by("-created").first()
        if run is None or not run.items.exclude(outcome__in=["done", "skipped"]).exists():
            raise CommandError("There is no sync to go on with.", returncode=WRONG_CALL)
        # nobody has to wait until the claim of a killed process ends
        run.items.filter(outcome=SupportItem.Outcome.PENDING).update(claim=None, claimed_until=None)
        runs.retry(run)
        self.carry_out(run, options)
