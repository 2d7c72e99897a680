"""What support's commands have in common: whom they mean, progress, what they print, how they exit."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from .. import connection
from ..models import SupportItem, SupportRun, ToopherAccount
from ..support import runs
from ..support.verbs import VERBS

Outcome = SupportItem.Outcome

FAILED = 1
"""Exit code: it failed for somebody, or the service does not answer."""

WRONG_CALL = 2
"""Exit code: the command was called wrongly, and nothing was done."""


def named(names: Iterable[str]) -> list[ToopherAccount]:
    """The accounts of the users with exactly these names; ``CommandError`` naming those whom nobody has."""
    user_model: Any = get_user_model()
    wanted = list(dict.fromkeys(names))
    rows = user_model._default_manager.filter(**{f"{user_model.USERNAME_FIELD}__in": wanted})
    # exact names: a collation may find "alice" for "Alice" (S12)
    users = {str(user.get_username()): user for user in rows.select_related("toopher_account")}
    unknown = [name for name in wanted if name not in users]
    if unknown:
        raise CommandError(f"No user is called {', '.join(unknown)}. Nothing was done.", returncode=WRONG_CALL)
    return [ToopherAccount.objects.for_user(users[name]) for name in wanted]


class FormatCommand(BaseCommand):
    """A command that prints text, or with ``--format json`` one JSON document."""

    def add_arguments(self, parser: CommandParser) -> None:
        """The form of what is printed."""
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def show(self, told: Any, lines: Iterable[str], options: dict[str, Any]) -> None:
        """Print ``told`` as JSON, or else the ``lines``."""
        if options["format"] == "json":
            self.stdout.write(json.dumps(told, default=str))
        else:
            self.stdout.writelines(f"{line}\n" for line in lines)

    def progress(self, text: str) -> None:
        """Over the last one, for people at a terminal only."""
        if self.stderr.isatty():
            self.stderr.write(f"\r{text}", ending="")


class RunCommand(FormatCommand):
    """Carries out a run: one of support's verbs, for many people."""

    verb: str

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom, and how many at a time."""
        super().add_arguments(parser)
        parser.add_argument("names", nargs="*", metavar="name", help="user names")
        parser.add_argument("--file", help="a file with a user name on each line; - is the standard input")
        parser.add_argument("--workers", type=int, default=runs.WORKERS, help="calls of the service at a time")

    def chosen(self, options: dict[str, Any]) -> list[ToopherAccount]:
        """Whom the command line names."""
        names = list(options["names"])
        if options["file"]:
            text = sys.stdin.read() if options["file"] == "-" else Path(options["file"]).read_text()
            names += [line.strip() for line in text.splitlines() if line.strip()]
        if not names:
            raise CommandError("Name at least one user, or give --file.", returncode=WRONG_CALL)
        return named(names)

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask where that is due, carry out, tell."""
        accounts = self.chosen(options)
        question = VERBS[self.verb].question
        if question and options.get("interactive"):
            self.stdout.write("\n".join([*map(str, accounts), str(question), str(VERBS[self.verb].warning)]))
            if input("yes/no: ") != "yes":
                raise CommandError("Nothing was done.", returncode=WRONG_CALL)
        run = runs.create(VERBS[self.verb], accounts, by_name=f"manage.py ({getpass.getuser()})")
        run.confirm(timezone.now())
        self.carry_out(run, options)

    def carry_out(self, run: SupportRun, options: dict[str, Any]) -> None:
        """To the end; exit code 1 where it failed for somebody."""
        api = connection.api(connections=options["workers"])
        while (counts := runs.counts(run))["pending"]:
            if not runs.step(run, api, workers=options["workers"]):
                raise CommandError(f"Somebody else is at the rest of run {run.pk}.", returncode=FAILED)
            self.progress(f"{counts['total'] - runs.counts(run)['pending']} of {counts['total']}")
        self.progress("\n")
        items = run.items.select_related("account").order_by("pk")
        told = [{"name": each.account.name, "outcome": each.outcome, "why": runs.explain(each)} for each in items]
        lines = [": ".join(filter(None, [each["name"], each["outcome"], each["why"]])) for each in told]
        self.show({"run": run.pk, "verb": run.verb, **counts, **runs.counts(run), "people": told}, lines, options)
        if failed := runs.counts(run)["failed"]:
            raise CommandError(f"It failed for {failed}.", returncode=FAILED)


class ConfirmedRunCommand(RunCommand):
    """A run that asks first."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="do not ask for confirmation"
        )
