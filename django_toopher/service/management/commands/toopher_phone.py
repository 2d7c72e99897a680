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
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...device.cli_phone import Account, Automate, CommandLinePhone, is_private
from ...device.cli_replies import TIMES, Entry, PhoneError, RefusedError

INTERVAL = 2.0  # seconds between two looks at what waits
DAY = 24 * 3600
YES, NO = ("y", "yes"), ("n", "no")

TEXTS = ("id", "requester", "user", "action", "terminal", "address", "answer", "network")
SHOWN = (*TEXTS, "created", "expires", "last_used", "known", "has_code")
LABELS = {"requester": "Site", "terminal": "Computer", "last_used": "Last used", "has_code": "Has codes"}

Named = TypeVar("Named", Entry, Account)


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
        verbs = {
            name.removeprefix("do_"): method.__doc__ for name, method in vars(Command).items() if name[:3] == "do_"
        }
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
            raise CommandError(_printable(str(error))) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None

    # What the phone can do

    def do_pair(self) -> None:
        """Pair with the site that shows a link."""
        if self.given.link is None:
            offers = self.phone.pending().pairings
            if not offers:
                raise CommandError("No pairing is waiting. Add the link that the site shows.")
            return self._decide_pairing(offers[0])
        self.phone.follow(self.given.link)
        self._register()
        self._decide_pairing(self.phone.offer(self.given.link))

    def do_phrase(self) -> None:
        """Show a phrase to type on a site, and pair with it."""
        self._register()
        earlier = {offer.id for offer in self.phone.pending().pairings}
        phrase = self.phone.phrase()
        seconds = min(self.given.wait, int(phrase.expires - self.phone.now()))
        self._say(f"Type this phrase on the site: {phrase.phrase}")
        self._say(f"It works once, in the next {seconds} seconds. Waiting (Ctrl-C to stop).")
        for pending in self._polls(seconds):
            for offer in pending.pairings:
                if offer.id not in earlier:
                    return self._decide_pairing(offer)
        raise CommandError("No site used the phrase in time. Nothing was paired.")

    def do_list(self) -> None:
        """Show the sign-in requests and pairings that wait for an answer, and the accounts."""
        pending = self.phone.pending()
        accounts = self.phone.listed_accounts()
        self._list(requests=pending.requests, pairings=pending.pairings, accounts=accounts)

    def do_approve(self) -> None:
        """Approve a sign-in request."""
        request, automate = self._shown_request(), self._automate()
        typed = self.given.number or ("y" if self.given.yes and not request.number_length else "")
        if typed:
            self._approve(request, typed, automate)
        else:
            self._decide(request, automate)

    def do_deny(self) -> None:
        """Deny a sign-in request."""
        self._deny(self._shown_request(), self._automate())

    def do_report(self) -> None:
        """Deny a request that you did not make, and tell the site's support."""
        request = self._shown_request()
        if not self._sure("Report it? For a while nobody can sign in with this account's phone."):
            return self._say("Nothing was reported.")
        self.phone.report(request)
        self._say(f"Reported and denied. Change your password at {request.requester}.")

    def do_automations(self) -> None:
        """Show the automatic approvals and denials."""
        self._list(automations=self.phone.automations())

    def do_forget(self) -> None:
        """Remove an automatic approval or denial."""
        self.phone.remove_automation(_find(self.given.automation, self.phone.automations(), "automations").id)
        self._say("You are asked again from now on.")

    def do_code(self) -> None:
        """Show the one-time code of an account (works offline)."""
        wanted, now = self.given.account, self.phone.now()
        account = self.phone.account() if wanted is None else _find(wanted, self.phone.accounts, "list")
        left = account.period - int(now) % account.period
        self._say(account.code_at(now))  # and nothing else on stdout
        self.stderr.write(_printable(f"{account.user} at {account.requester}, valid for {left} more seconds"), str)

    def do_remove(self) -> None:
        """Remove an account from the phone."""
        account = _find(self.given.account, self.phone.listed_accounts(), "list")
        name = f"{account.user} at {account.requester}"
        if not self._sure(f"Remove {name} from this phone?"):
            return self._say("Nothing was removed.")
        self.phone.remove(account.id)
        self._say(f"{name} was removed.")

    def do_watch(self) -> None:
        """Wait for pairings and sign-in requests, and ask about each (Ctrl-C to stop)."""
        self._say("Waiting for sign-in requests (Ctrl-C to stop).")
        settled: set[str] = set()
        try:
            for pending in self._polls():
                for offered in (*pending.pairings, *pending.requests):
                    if offered.id not in settled and self._settles(offered):
                        settled.add(offered.id)
        except KeyboardInterrupt:
            self._say("Stopped.")

    # Asking and answering

    def _settles(self, offered: Entry) -> bool:
        """Ask about it; whether nothing more can be done. An answer that fails is said, not raised."""
        try:
            self._decide(offered) if "action" in vars(offered) else self._decide_pairing(offered)
        except PhoneError as error:
            if error.reason == "bad_signature":
                raise
            self._say(str(error))
            return isinstance(error, RefusedError)
        return True

    def _decide_pairing(self, offer: Entry) -> None:
        self._show(offer)
        if self._sure(f"Pair with {offer.requester} as {offer.user}?"):
            self.phone.pair(offer)
            return self._say("Paired.")
        self.phone.decline(offer)
        self._say("Denied.")

    def _decide(self, request: Entry, automate: Automate | None = None) -> None:
        """Ask until the person has answered; a wrong number is asked for again while tries remain."""
        length = request.number_length
        what = f"The {length} digits that the computer shows" if length else "Approve? y = yes"
        while answer := self._ask(f"{what} (n = deny, m = more time, Enter = skip): "):
            try:
                if answer in NO:
                    return self._deny(request, automate)
                if answer not in ("m", "more"):
                    return self._approve(request, answer, automate)
                request = self.phone.extend(request)
                self._show(request)
            except CommandError as error:
                self._say(str(error))
            except RefusedError as error:
                if error.reason != "wrong_number" or not error.attempts_left:
                    raise
                self._say(str(error))
        self._say("Left unanswered.")

    def _approve(self, request: Entry, typed: str, automate: Automate | None) -> None:
        """Approve with what was typed, once it can be the answer: a wrong number costs a try."""
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

    def _automate(self) -> Automate | None:
        """What ``--days`` and ``--network`` ask for; the service says whether the request can have it."""
        if self.given.network and self.given.days is None:
            raise CommandError("--network needs --days.")
        return None if self.given.days is None else Automate(self.given.days * DAY, self.given.network)

    # Looking for what waits

    def _polls(self, seconds: float = float("inf")) -> Iterator[Entry]:
        """What waits, again and again. A service that is away, or wants to be left alone, is waited for."""
        end, trouble = self.phone.now() + seconds, ""
        while self.phone.now() <= end:
            delay = INTERVAL
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
                delay = max(delay, error.retry_after or 0)
            self.given.sleep(delay)

    def _shown_request(self) -> Entry:
        """The request that was named, or the newest; the person has seen it."""
        requests = self.phone.pending().requests
        if not requests:
            raise CommandError("No sign-in request is waiting.")
        request = requests[0] if self.given.request is None else _find(self.given.request, requests, "list")
        self._show(request)
        return request

    # The phone and the screen

    def _load(self) -> CommandLinePhone:
        """The phone in its file; a new one where it can be paired now."""
        settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        path = Path(self.given.state or settings / "django-toopher" / "phone.json")
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
            remedy = "others could read the seed of your codes. On a test network, add --insecure."
            raise CommandError(f"{self.phone.base_url} is not https: {remedy}")
        if self.phone.id is None:
            self.phone.register((self.given.name or f"Command-line phone on {platform.node()}")[:100])

    def _list(self, **entries: Sequence[Entry]) -> None:
        if self.given.format == "json":
            return self.stdout.write(json.dumps(entries, indent=2, default=vars))
        for name, listed in entries.items():
            self._say(f"{_label(name)}: {len(listed)}")
            for entry in listed:
                self._show(entry)

    def _show(self, entry: Entry) -> None:
        """Every text that an answer to it would sign, and what else a person wants to know."""
        for name in SHOWN:
            if name in vars(entry):
                self._say(f"  {_label(name) + ':':<11}{self._readable(name, getattr(entry, name))}")

    def _readable(self, name: str, value: Any) -> str:
        if name in TIMES and value is not None:
            seconds = round(value - self.phone.now())
            nearness = f"in {seconds} s" if seconds >= 0 else f"{-seconds} s ago"
            return f"{datetime.fromtimestamp(value, tz=timezone.utc):%Y-%m-%d %H:%M:%S} UTC ({nearness})"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return value or {"last_used": "never", "network": "any"}.get(name, "(unknown)")

    def _say(self, line: str, ending: str = "\n") -> None:
        """Print text from anybody, without what a screen would obey, and in letters that it can show."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(_printable(line).encode(encoding, "backslashreplace").decode(encoding), ending=ending)

    def _ask(self, question: str) -> str:
        self._say(question, ending="")
        self.stdout.flush()
        line = self.given.stdin.readline()
        if not line:
            raise CommandError("There is nobody to ask: the input is closed.")
        return line.strip().lower()

    def _sure(self, question: str) -> bool:
        answer = "y" if self.given.yes else ""
        while answer not in YES + NO:
            answer = self._ask(f"{question} [y/n] ")
        return answer in YES


def _find(wanted: str, named: Sequence[Named], subcommand: str) -> Named:
    """The one with that user, user@site or id, or whose id begins like that."""
    found = [one for one in named if wanted in (one.id, one.user, f"{one.user}@{one.requester}")]
    found = found or [one for one in named if one.id.startswith(wanted)]
    if len(found) != 1:
        choices = ", ".join(f"{one.user}@{one.requester} ({one.id})" for one in found)
        none = f"Nothing here is called {wanted}. Run `{subcommand}` to see what there is."
        raise CommandError(_printable(f"More than one matches: {choices}" if found else none))
    return found[0]


def _label(name: str) -> str:
    return LABELS.get(name, name.capitalize())


def _printable(text: str) -> str:
    r"""Escape, as ``\x1b``, what could move the cursor, hide or reorder text. All other text stays as it is."""
    unsafe = {each for each in text if not each.isprintable() and unicodedata.category(each) != "Zs"}
    return "".join(each.encode("unicode_escape").decode() if each in unsafe else each for each in text)
