"""``manage.py toopher_phone``: the command-line phone, for people without a browser at hand.

It shows what is asked word for word as the service wrote it (but for control characters, which it escapes), and sends
the answer (docs/authenticator.rst). The phone lives in one state file; no database is needed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import time
import unicodedata
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...device.cli_phone import Automate, CommandLinePhone, is_private
from ...device.cli_replies import TIMES, Entry, PhoneError, RefusedError
from ...shown import RequestTexts

INTERVAL = 2.0  # seconds between two looks at what waits
YES, NO, MORE = ("y", "yes"), ("n", "no"), ("m", "more")

SHOWN = {"id", *(text.name for text in fields(RequestTexts)), "answer", "network", "note", *TIMES}
MISSING = "This phone has no such account. Run `list` to see its accounts."
LABELS = {"requester": "Site", "terminal": "Computer", "last_used": "Last used"}


class Command(BaseCommand):
    """The command-line phone. ``call_command`` also takes ``stdin``, ``session``, ``clock``, ``sleep``."""

    help = "A phone on the command line: pair it with a site, answer sign-in requests, show one-time codes."
    requires_system_checks = []
    stealth_options = ("stdin", "session", "clock", "sleep")

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of every phone, then a parser for each method that does something."""
        parser.add_argument("--state", metavar="FILE", help="default: ~/.config/django-toopher/phone.json")
        parser.add_argument("--service", metavar="URL", help="the address of the service, ending in /phone/")
        parser.add_argument("--name", help="what to call the phone when it is new")
        parser.add_argument("--insecure", action="store_true", help="use a service without https")
        parsers = parser.add_subparsers(dest="subcommand", required=True)
        verbs = {name[3:]: method.__doc__ for name, method in vars(Command).items() if name.startswith("do_")}
        add = {verb: parsers.add_parser(verb, help=does, description=does).add_argument for verb, does in verbs.items()}
        add["pair"]("link", nargs="?", help="omit it to answer the pairing that is waiting")
        add["phrase"]("--wait", type=int, default=600, metavar="SECONDS", help="how long to wait for the site (600)")
        for verb in ("approve", "deny", "report"):
            add[verb]("request", nargs="?", help="id, its first characters, or user (default: the newest)")
        add["approve"]("number", nargs="?", help="the number that the computer shows (asked for if omitted)")
        for verb in ("approve", "deny"):
            add[verb]("--days", type=int, help="answer requests like this one automatically for so many days")
            add[verb]("--network", action="store_true", help="with --days: only for requests from the same network")
        add["forget"]("automation", help="id, its first characters, or user")
        add["code"]("account", nargs="?", help="user, user@site, id, or its first characters (default: the only)")
        add["remove"]("account", help="user, user@site, id, or its first characters")
        for verb in ("list", "automations"):
            add[verb]("--format", choices=("text", "json"), default="text")
        for verb in ("pair", "phrase", "approve", "report", "remove"):
            add[verb]("--yes", action="store_true", help="don't ask for confirmation (a number is asked for)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one thing. What goes wrong becomes a ``CommandError`` in plain words."""
        self.given = Namespace(**{"stdin": sys.stdin, "sleep": time.sleep, "yes": False, **options})
        try:
            self.phone = self._load()
            getattr(self, f"do_{self.given.subcommand}")()
        except (PhoneError, OSError) as error:
            raise CommandError(printable(str(error))) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None

    def do_pair(self) -> None:
        """Pair with the site that shows a link."""
        if self.given.link:
            self.phone.follow(self.given.link)
            self._register()
            offer = self.phone.offer(self.given.link)
        else:
            offer = _find(None, self.phone.pending().pairings, "No pairing is waiting. Add the link from the site.")
        self._show(offer)
        self._decide_pairing(offer)

    def do_phrase(self) -> None:
        """Show a phrase to type on a site, and pair with it."""
        self._register()
        earlier = {offer.id for offer in self.phone.pending().pairings}
        phrase = self.phone.phrase()
        seconds = min(self.given.wait, int(phrase.expires - self.phone.now()))
        self._say(f"Type this phrase on the site, once, in the next {seconds} seconds: {phrase.phrase}")
        for pending in self._polls(seconds):
            for offer in pending.pairings:
                if offer.id not in earlier:
                    self._show(offer)
                    return self._decide_pairing(offer)
        raise CommandError("No site used the phrase in time. Nothing was paired.")

    def do_list(self) -> None:
        """Show the accounts, and what is waiting for an answer."""
        self._list(**vars(self.phone.pending()), accounts=self.phone.listed_accounts())

    def do_approve(self) -> None:
        """Approve a sign-in request."""
        request = self._shown_request()
        automate = self._automate(request)
        typed = self.given.number or ("y" if self.given.yes and not request.number_length else "")
        if typed:
            self._approve(request, typed, automate)
        else:
            self._decide(request, automate)

    def do_deny(self) -> None:
        """Deny a sign-in request."""
        request = self._shown_request()
        self._deny(request, self._automate(request))

    def do_report(self) -> None:
        """Deny a request that you did not make, and tell the site's support."""
        request = self._shown_request()
        if self._sure("Report it? For a while nobody can sign in with this account's phone."):
            self.phone.report(request)
            self._say(f"Reported and denied. Change your password at {request.requester}.")

    def do_automations(self) -> None:
        """Show the automatic approvals and denials."""
        self._list(automations=self.phone.automations())

    def do_forget(self) -> None:
        """Remove an automatic approval or denial."""
        missing = "There is no such automatic approval or denial. Run `automations` to see them."
        self.phone.remove_automation(_find(self.given.automation, self.phone.automations(), missing).id)
        self._say("You are asked again from now on.")

    def do_code(self) -> None:
        """Show the one-time code of an account (works offline)."""
        wanted, now = self.given.account, self.phone.now()
        account = _find(wanted, self.phone.accounts, MISSING) if wanted else self.phone.account()
        left = account.period - int(now) % account.period
        self._say(account.code_at(now))  # and nothing else on stdout
        self.stderr.write(printable(f"{account.user} at {account.requester}, valid for {left} more seconds"), str)

    def do_remove(self) -> None:
        """Remove an account from the phone."""
        account = _find(self.given.account, self.phone.listed_accounts(), MISSING)
        if self._sure(f"Remove {account.user} at {account.requester} from this phone?"):
            self.phone.remove(account.id)
            self._say("Removed.")

    def do_watch(self) -> None:
        """Wait for pairings and sign-in requests, and ask about each (Ctrl-C to stop)."""
        self._say("Waiting for sign-in requests (Ctrl-C to stop).")
        settled: set[str] = set()
        try:
            for pending in self._polls():
                for account, is_paired in self.phone.settle():
                    self._say(f"{'Paired' if is_paired else 'Not paired'} with {account.requester} as {account.user}.")
                for offered in (*pending.pairings, *pending.requests):
                    if offered.id not in settled and self._settles(offered):
                        settled.add(offered.id)
        except KeyboardInterrupt:
            self._say("Stopped.")

    def _settles(self, offered: Entry) -> bool:
        """Ask about it; whether nothing more can be done. An answer that fails is said, not raised."""
        self._show(offered)
        try:
            (self._decide if "action" in vars(offered) else self._decide_pairing)(offered)
        except PhoneError as error:
            if error.reason == "bad_signature":
                raise
            self._say(str(error))
            return isinstance(error, RefusedError)
        return True

    def _decide_pairing(self, offer: Entry) -> None:
        allowed = self._sure(f"Pair with {offer.requester} as {offer.user}?")
        if not allowed:
            self.phone.decline(offer)
            self._say("Denied.")
        elif self.phone.pair(offer).agreed:
            self._say("Not paired yet: finish at the computer. Run `list` or `watch` to see what became of it.")
        else:
            self._say("Paired.")

    def _decide(self, request: Entry, automate: Automate | None = None) -> None:
        """Ask until the person has answered; a wrong number is asked for again while tries remain."""
        length = request.number_length
        what = f"The {length} digits that the computer shows" if length else "Approve? y = yes"
        while answer := self._ask(f"{what} (n = deny, m = more time, Enter = skip): "):
            try:
                if answer in MORE:
                    self._show(self.phone.extend(request))
                elif answer in NO:
                    return self._deny(request, automate)
                else:
                    return self._approve(request, answer, automate)
            except CommandError as error:
                self._say(str(error))
            except RefusedError as refused:
                if refused.reason != "wrong_number" or not refused.attempts_left:
                    raise
                self._say(str(refused))
        return self._say("Left unanswered.")

    def _approve(self, request: Entry, typed: str, automate: Automate | None) -> None:
        """Approve with what was typed, if that can be the answer: a wrong number costs a try."""
        number, length = "".join(typed.split()), request.number_length
        if length and not re.fullmatch(f"[0-9]{{{length}}}", number):
            raise CommandError(f"The number has {length} digits.")
        if not length and typed not in YES:
            raise CommandError("No number is needed: type y or n.")
        state = self.phone.approve(request, number if length else "", automate)
        self._say("Approved." if state == "granted" else f"Not approved: {state}")

    def _deny(self, request: Entry, automate: Automate | None) -> None:
        self.phone.deny(request, automate)
        self._say("Denied.")

    def _automate(self, request: Entry) -> Automate | None:
        """What ``--days`` and ``--network`` ask for, where this request can have it."""
        days, most = self.given.days, request.automate // 86400
        if (days is None and self.given.network) or (days is not None and not 1 <= days <= most):
            raise CommandError(f"--days: this request can be answered automatically for at most {most} days.")
        return None if days is None else Automate(days * 86400, self.given.network)

    def _polls(self, seconds: float = float("inf")) -> Iterator[Entry]:
        """What waits, again and again. A service that is away, or wants to be left alone, is waited for."""
        end, trouble = self.phone.now() + seconds, ""
        while self.phone.now() < end:
            wait = INTERVAL
            try:
                self.phone = self._load()  # another program may have changed it
                yield self.phone.pending()
                trouble = ""
            except PhoneError as error:
                if error.reason not in ("unreachable", "bad_reply", "too_many"):
                    raise
                if trouble != str(error):
                    trouble = str(error)
                    self._say(trouble)
                wait = max(wait, getattr(error, "retry_after", 0))
            self.given.sleep(wait)

    def _shown_request(self) -> Entry:
        """The request that was named, or the newest; the person has seen it."""
        request: Entry = _find(self.given.request, self.phone.pending().requests, "No such sign-in request is waiting.")
        self._show(request)
        return request

    def _load(self) -> CommandLinePhone:
        """The phone in its file; a new one where it can be paired now."""
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        path = Path(self.given.state or config / "django-toopher" / "phone.json")
        how = {name: value for name, value in vars(self.given).items() if name in ("session", "clock")}
        try:
            phone = CommandLinePhone.load(path, **how)
        except FileNotFoundError:
            if self.given.subcommand not in ("pair", "phrase"):
                raise CommandError(f"There is no phone in {path} yet. Make one with `pair` or `phrase`.") from None
            phone = CommandLinePhone(path=path, **how)
        if self.given.service:
            phone.use_service(self.given.service)
        return phone

    def _register(self) -> None:
        """Make the phone known to its service, if it isn't yet and nobody can read along."""
        if self.phone.base_url is None:
            raise CommandError("Add the address of the service: --service https://example.org/toopher/phone/")
        if not (self.given.insecure or is_private(self.phone.base_url)):
            raise CommandError("That is not https: others could read your codes. On a test network, add --insecure.")
        if self.phone.id is None:
            self.phone.register((self.given.name or f"Command-line phone on {platform.node()}")[:100])

    def _list(self, **entries: Sequence[Entry]) -> None:
        if self.given.format == "json":
            self.stdout.write(json.dumps(entries, indent=2, default=vars))
            return
        for name, listed in entries.items():
            self._say(f"{name.capitalize()}: {len(listed)}")
            for entry in listed:
                self._show(entry)

    def _show(self, entry: Entry) -> None:
        """Every text that an answer to it would sign, and its times."""
        for name, value in vars(entry).items():
            if name in TIMES and value is not None:
                seconds = round(value - self.phone.now())
                nearness = f"in {seconds} s" if seconds >= 0 else f"{-seconds} s ago"
                value = f"{datetime.fromtimestamp(value, tz=timezone.utc):%Y-%m-%d %H:%M:%S} UTC ({nearness})"
            if value and name in SHOWN:
                self._say(f"  {LABELS.get(name, name.capitalize()) + ':':<10} {value}")

    def _say(self, line: str, ending: str = "\n") -> None:
        """Print text from anybody, without what a screen would obey, and in letters that it can show."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(printable(line).encode(encoding, "backslashreplace").decode(encoding), ending=ending)
        self.stdout.flush()

    def _ask(self, question: str) -> str:
        self._say(question, ending="")
        line: str = self.given.stdin.readline()
        if not line:
            raise CommandError("There is nobody to ask: the input is closed.")
        return line.strip().lower()

    def _sure(self, question: str) -> bool:
        answer = "y" if self.given.yes else ""
        while answer not in YES + NO:
            answer = self._ask(f"{question} [y/n] ")
        return answer in YES


def printable(text: str) -> str:
    r"""Escape, as ``\x1b``, what could move the cursor, hide or reorder text. All other text stays as it is."""
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else each.encode("unicode_escape").decode()
        for each in text
    )


def _find(wanted: str | None, named: Sequence[Any], missing: str) -> Any:
    """The one with that user, user@site or id, or whose id begins like that; the first where nothing is wanted."""
    found = [one for one in named if wanted in (None, one.id, one.user, f"{one.user}@{one.requester}")]
    found = found or [one for one in named if one.id.startswith(str(wanted))]
    if not found:
        raise CommandError(missing)
    if wanted is not None and len(found) > 1:
        choices = ", ".join(f"{one.user}@{one.requester} ({one.id})" for one in found)
        raise CommandError(printable(f"More than one matches: {choices}"))
    return found[0]
