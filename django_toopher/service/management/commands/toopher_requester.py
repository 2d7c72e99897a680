"""Registers sites at the service, changes their secrets, shuts them out."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...models import Requester
from ...people import requesters

PERMISSIONS = {
    "challenge-required": "it may demand that a person answers",
    "sms-authentication": "it may pair by text message",
    "opt-out": "its users may switch their second factor off",
}
"""What a site may, by the names of the options."""


class Command(BaseCommand):
    """``manage.py toopher_requester create|change|rotate|revoke|restore|list``. A secret is shown once."""

    help = "Registers a site that may ask phones, gives it a new secret, or shuts it out."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each."""
        parser.add_argument("--format", choices=["text", "json"], default="text")
        commands = parser.add_subparsers(dest="verb", required=True)
        create = commands.add_parser("create", help="register a site")
        create.add_argument("name", help="what the phone calls the site")
        create.add_argument(
            "--origin", action="append", default=[], help="may frame the pages; give it for each origin"
        )
        _add_properties(create)
        change = commands.add_parser("change", help="change what is given, and nothing else")
        change.add_argument("key")
        change.add_argument("--name", default=argparse.SUPPRESS, help="what the phone calls the site")
        change.add_argument("--origin", action="append", default=argparse.SUPPRESS, help="these origins instead")
        _add_properties(change)
        rotate = commands.add_parser("rotate", help="make a new secret")
        rotate.add_argument("key")
        rotate.add_argument("--overlap", type=int, default=requesters.OVERLAP, help="seconds the old one still works")
        revoke = commands.add_parser("revoke", help="answer every call of the site with 403")
        revoke.add_argument("key")
        restore = commands.add_parser("restore", help="answer its calls again")
        restore.add_argument("key")
        commands.add_parser("list", help="show the sites")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """Carry out, and say what to put into the site's settings."""
        try:
            shown = getattr(self, f"_{verb}")(options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(shown))
            return
        for row in shown if isinstance(shown, list) else [shown]:
            self.stdout.write("  ".join(f"{name}={value}" for name, value in row.items()))

    def _create(self, options: dict[str, Any]) -> dict[str, str]:
        requester = requesters.create(options["name"], options["origin"], **_properties(options))
        self._warn(requester)
        return _settings(requester, requester.consumer_secret)

    def _change(self, options: dict[str, Any]) -> dict[str, Any]:
        requester = self._by_key(options["key"])
        fields = _properties(options)
        fields |= {name: options[name] for name in ("name",) if name in options}
        fields |= {"origins": "\n".join(options["origin"])} if "origin" in options else {}
        requesters.change(requester, **fields)
        if "number" in options:
            self._warn(requester)
        return _facts(requester)

    def _warn(self, requester: Requester) -> None:
        if not requester.shows_number:
            self.stderr.write(self.style.WARNING(requesters.TAP_WARNING % requester))

    def _restore(self, options: dict[str, Any]) -> dict[str, Any]:
        requester = self._by_key(options["key"])
        requesters.restore(requester)
        return _facts(requester)

    def _rotate(self, options: dict[str, Any]) -> dict[str, str]:
        requester = self._by_key(options["key"])
        return _settings(requester, requesters.rotate(requester, options["overlap"]))

    def _revoke(self, options: dict[str, Any]) -> dict[str, Any]:
        requester = self._by_key(options["key"])
        requesters.revoke(requester)
        return _facts(requester)

    def _list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        return [_facts(requester) for requester in Requester.objects.order_by("name")]

    def _by_key(self, key: str) -> Requester:
        requester = Requester.objects.filter(consumer_key=key).first()
        if requester is None or requester.consumer_key != key:  # a collation may fold case
            raise CommandError(f"No site has the key {key}. See: manage.py toopher_requester list")
        return requester


def _add_properties(parser: CommandParser) -> None:
    """Options that are left out change nothing: the model has the defaults."""
    parser.add_argument("--encoding", choices=Requester.PostbackEncoding.values, default=argparse.SUPPRESS)
    parser.add_argument(
        "--question-limit",
        type=int,
        default=argparse.SUPPRESS,
        help="sign-in requests to all its users in one period (TOOPHER_SERVICE_LIMITS); -1 is no limit",
    )
    parser.add_argument(
        "--number",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="people type on the phone the number that the client shows; --no-number, only for one that can't show any",
    )
    for name, meaning in PERMISSIONS.items():
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=meaning)


def _properties(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of those options that were given."""
    fields = {f"permitted_{_identifier(name)}": options.get(_identifier(name)) for name in PERMISSIONS}
    given = {name: value for name, value in fields.items() if value is not None}
    if "encoding" in options:
        given["postback_encoding"] = options["encoding"]
    if "number" in options:
        given["shows_number"] = options["number"]
    if "question_limit" in options:
        given["question_limit"] = None if options["question_limit"] == -1 else options["question_limit"]
    return given


def _identifier(option: str) -> str:
    return option.replace("-", "_")


def _settings(requester: Requester, secret: str) -> dict[str, str]:
    """What the site's settings need."""
    return {"TOOPHER_CONSUMER_KEY": requester.consumer_key, "TOOPHER_CONSUMER_SECRET": secret}


def _facts(requester: Requester) -> dict[str, Any]:
    return {
        "key": requester.consumer_key,
        "name": requester.name,
        "active": requester.is_active,
        "origins": requester.origin_list(),
        "question_limit": requester.question_limit,
        "number": requester.shows_number,
        "permitted": [name for name in PERMISSIONS if getattr(requester, f"permitted_{_identifier(name)}")],
    }
