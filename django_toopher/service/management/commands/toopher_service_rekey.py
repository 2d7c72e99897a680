"""Gives up an old ``SECRET_KEY``."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...upkeep import rekey


class Command(BaseCommand):
    """``manage.py toopher_service_rekey``: encrypts the service's secrets with the current ``SECRET_KEY``; any time."""

    help = "Encrypts the service's secrets anew, so that an old key can leave SECRET_KEY_FALLBACKS."

    def add_arguments(self, parser: CommandParser) -> None:
        """The form of what is printed."""
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Encrypt, and say how much."""
        try:
            if options["format"] == "json":
                self.stdout.write(json.dumps(dict(rekey.rekey())))
                return
            for name, count in rekey.rekey():
                self.stdout.write(f"{name}: {count}")
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
