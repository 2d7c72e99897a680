"""House-keeping of the service; for cron."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...upkeep import purge


class Command(BaseCommand):
    """``manage.py toopher_service_purge``: deletes expired nonces, phrases, pages and old requests; safe any time."""

    help = "Deletes what has expired at the service. Run it once a day."

    def add_arguments(self, parser: CommandParser) -> None:
        """The form of what is printed."""
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how much."""
        if options["format"] == "json":
            self.stdout.write(json.dumps(dict(purge.purge())))
            return
        for name, deleted in purge.purge():
            self.stdout.write(f"{name}: {deleted}")
