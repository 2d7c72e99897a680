"""``manage.py toopher_status``: whether the service answers, and how people stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q
from django.utils import timezone

from ... import connection
from ...client import ToopherApiError
from ...models import Attempt, SupportItem, SupportRun, ToopherAccount
from ...service_link import endpoint
from ..support import FAILED, FormatCommand, named


class Command(FormatCommand):
    """Of the whole site, or of the users named. Exit codes: 0, or 1 where the service does not answer."""

    help = "Says whether the service answers, and how many people (or the people named) stand how."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("names", nargs="*", metavar="name", help="user names; without, the whole site is counted")

    def handle(self, *args: Any, **options: Any) -> None:
        error = _service_error()
        service = "embedded" if endpoint.is_embedded() else endpoint.base_url()
        told: dict[str, Any] = {"service": service, "answers": error is None, "error": error or ""}
        if options["names"]:
            told["people"] = [_person(account) for account in named(options["names"])]
        else:
            told |= {"accounts": _accounts(), "attempts of the last day": _attempts(), "unfinished runs": _unfinished()}
        self.show(told, _lines(told), options)
        if error:
            raise CommandError("The service does not answer as it should.", returncode=FAILED)


def _service_error() -> str | None:
    """What is wrong with a signed question; None where it is answered."""
    try:
        connection.api().get("users", user_name="-")
    except ToopherApiError as error:
        return str(error)
    return None


def _accounts() -> dict[str, int]:
    on = Q(enabled=True)
    return ToopherAccount.objects.aggregate(
        total=Count("pk"),
        with_phone=Count("pk", filter=on & Q(paired=True)),
        without_phone=Count("pk", filter=on & Q(paired=False)),
        switched_off=Count("pk", filter=~on),
    )


def _attempts() -> dict[str, int]:
    since = timezone.now() - timedelta(days=1)
    rows = Attempt.objects.filter(created__gte=since).order_by().values_list("outcome").annotate(Count("pk"))
    return dict(rows)


def _unfinished() -> int:
    pending = SupportItem.objects.filter(outcome=SupportItem.Outcome.PENDING).order_by()
    return SupportRun.objects.exclude(confirmed=None).filter(pk__in=pending.values("run")).count()


def _person(account: ToopherAccount) -> dict[str, Any]:
    names = ["name", "enabled", "paired", "device", "pairing_id", "toopher_user_id", "last_used"]
    return {name: getattr(account, name) for name in names}


def _lines(told: dict[str, Any]) -> Iterator[str]:
    for name, value in told.items():
        if isinstance(value, dict):
            yield f"{name}: " + ", ".join(f"{each.replace('_', ' ')} {count}" for each, count in value.items())
        elif isinstance(value, list):
            yield from ("  ".join(f"{key}={text}" for key, text in person.items()) for person in value)
        elif value != "":
            yield f"{name}: {value}"
