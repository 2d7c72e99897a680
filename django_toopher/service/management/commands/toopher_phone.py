"""``manage.py toopher_phone``: a phone at the terminal, for people without a browser at hand.

It speaks the contract in docs/authenticator.rst. It shows what is asked, word for word as the service wrote
it (but for control characters, which it escapes), and sends the answer. The phone lives in one state file; no
database is needed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

import requests
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from django_toopher.service.device.cli_phone import (
    Account,
    AuthenticatorError,
    Automate,
    Automation,
    PairingOffer,
    Pending,
    RefusedError,
    ReplyError,
    Request,
    TerminalAuthenticator,
    UnreachableError,
    printable,
)

INTERVAL = 2.0
"""Seconds between two looks at what waits."""

_DAY = 24 * 3600

PHRASE_AGE = 600
"""Seconds that ``phrase`` waits for the site, unless told otherwise."""


@dataclass(frozen=True)
class ListedAccount:
    """An account as the service knows it (``known``, the times) and as the state file does (``has_code``)."""

    id: str
    requester: str
    user: str
    created: int | None
    last_used: int | None
    known: bool
    has_code: bool


Asked = TypeVar("Asked", Request, PairingOffer)
AnyAccount = TypeVar("AnyAccount", Account, ListedAccount)


def default_state_file() -> Path:
    """``django-toopher/phone.json`` in the user's folder for settings; ``XDG_CONFIG_HOME`` is honoured."""
    named = Path(os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", ""))
    folder = named if named.is_absolute() else Path.home() / ".config"
    return folder / "django-toopher" / "phone.json"


class Command(BaseCommand):
    """A phone at the terminal. ``call_command`` also takes ``stdin``, ``session``, ``clock``, ``sleep``."""

    help = "Be a phone: pair with a site, answer its questions, show one-time codes."
    requires_system_checks = []
    stealth_options = ("stdin", "session", "clock", "sleep")

    state: Path
    service: str | None
    name: str
    insecure: bool
    stdin: TextIO
    session: requests.Session | None
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    offset = 0
    trouble = ""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of every phone, then a parser for each thing it can do."""
        parser.add_argument("--state", metavar="FILE", help="the phone's file (default: phone.json in ~/.config)")
        parser.add_argument("--service", metavar="URL", help="the address of the service, ending in /phone/")
        parser.add_argument("--name", help="what to call the phone when it is new")
        parser.add_argument("--insecure", action="store_true", help="use a service without https")
        actions = parser.add_subparsers(dest="subcommand", required=True)

        def action(run: Callable[..., None], does: str) -> Any:
            added = actions.add_parser(run.__name__.removeprefix("do_"), help=does, description=does)
            added.set_defaults(run=run)
            return added

        pair = action(self.do_pair, "pair with the site that shows a link")
        pair.add_argument("link", nargs="?", help="left out: answer a pairing that waits for a yes")
        pair.add_argument("--yes", action="store_true", help="do not ask")
        phrase = action(self.do_phrase, "show a phrase to type at a site, and pair with it")
        phrase.add_argument("--wait", type=int, default=PHRASE_AGE, metavar="SECONDS")
        phrase.add_argument("--yes", action="store_true", help="do not ask")
        listing = action(self.do_list, "show what waits for an answer, and the accounts")
        listing.add_argument("--format", choices=("text", "json"), default="text")
        approve = action(self.do_approve, "say yes to a request")
        approve.add_argument("request", nargs="?", help="id, or how it begins; left out: the newest")
        approve.add_argument("number", nargs="?", help="the number that the computer shows; left out: ask")
        approve.add_argument("--yes", action="store_true", help="do not ask where no number is needed")
        deny = action(self.do_deny, "say no to a request")
        deny.add_argument("request", nargs="?", help="id, or how it begins; left out: the newest")
        for answer in (approve, deny):
            answer.add_argument("--days", type=int, metavar="DAYS", help="answer like this, unasked, for so many days")
            answer.add_argument("--network", action="store_true", help="with --days: only while it is in this network")
        report = action(self.do_report, "deny a request that you did not make, and tell the site's support")
        report.add_argument("request", nargs="?", help="id, or how it begins; left out: the newest")
        report.add_argument("--yes", action="store_true", help="do not ask")
        automations = action(self.do_automations, "show what is answered unasked")
        automations.add_argument("--format", choices=("text", "json"), default="text")
        forget = action(self.do_forget, "be asked again about what is answered unasked")
        forget.add_argument("automation", help="id, or how it begins")
        code = action(self.do_code, "show the one-time code of an account, without the network")
        code.add_argument("account", nargs="?", help="user, user@site, or id; left out: the only one")
        remove = action(self.do_remove, "remove an account from the phone")
        remove.add_argument("account", help="user, user@site, or id")
        remove.add_argument("--yes", action="store_true", help="do not ask")
        action(self.do_watch, "wait for requests and ask about each (Ctrl-C ends it)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one thing. What goes wrong becomes a ``CommandError`` in plain words."""
        self.state = Path(options["state"] or default_state_file())
        self.service = options["service"]
        self.name = (options["name"] or _("Terminal on %s") % platform.node())[:100]
        self.insecure = options["insecure"]
        self.stdin = options.get("stdin") or sys.stdin
        self.session = options.get("session")
        self.clock = options.get("clock") or time.time
        self.sleep = options.get("sleep") or time.sleep
        try:
            options["run"](**options)
        except AuthenticatorError as error:
            raise CommandError(_explain(error)) from error
        except OSError as error:
            raise CommandError(printable(str(error))) from error
        except KeyboardInterrupt:
            raise CommandError(_("Stopped."), returncode=130) from None

    # What the phone can do

    def do_pair(self, *, link: str | None, yes: bool, **others: Any) -> None:
        """Pair by a link; without one, answer the newest pairing that waits for a yes."""
        if link is not None:
            with self._phone(create=True) as phone:
                phone.follow(link)
                self._register(phone)
                offer = phone.offer(link)
        else:
            waiting = self._pending().pairings
            if not waiting:
                raise CommandError(_("No pairing waits for an answer. Give the link that the site shows."))
            offer = waiting[0]
        self._decide_pairing(offer, yes=yes)

    def do_phrase(self, *, wait: int, yes: bool, **others: Any) -> None:
        """Show a phrase, wait until the site has used it (at most ``wait`` seconds), then ask and pair."""
        with self._phone(create=True) as phone:
            self._register(phone)
            earlier = {offer.id for offer in phone.pending().pairings}
            phrase = phone.phrase()
            seconds = min(wait, int(phrase.expires - phone.now()))
        self._say(_("Type this at the site: %s") % phrase.phrase)
        self._say(_("It can be used once, for %d seconds. Waiting (Ctrl-C ends it).") % seconds)
        offer = self._await_pairing(earlier, seconds)
        self._decide_pairing(offer, yes=yes)

    def do_list(self, *, format: str, **others: Any) -> None:  # noqa: A002 - the option's name
        """Show what waits for an answer, and the accounts. Times in JSON are seconds since the epoch."""
        with self._phone() as phone:
            pending, accounts = phone.pending(), _accounts(phone)
        if format == "json":
            self.stdout.write(json.dumps(_as_json(pending, accounts), indent=2))
            return
        for request in pending.requests:
            self._show_request(request)
        for offer in pending.pairings:
            self._show_pairing(offer)
        if not pending.requests and not pending.pairings:
            self._say(_("Nothing waits for an answer."))
        self._say(_("Accounts: %d") % len(accounts))
        for account in accounts:
            self._say(_account_line(account))

    def do_approve(
        self, *, request: str | None, number: str | None, yes: bool, days: int | None, network: bool, **others: Any
    ) -> None:
        """Say yes to a request; asks at the prompt, unless the number (or the yes) is given."""
        wanted = self._find_request(request)
        automate = _wish(wanted, days, network)
        if number is None and yes and wanted.number_length == 0:
            number = "yes"
        if number is None:
            self._decide(wanted, automate)
        else:
            self._show_request(wanted)
            self._approve(wanted, number, automate)

    def do_deny(self, *, request: str | None, days: int | None, network: bool, **others: Any) -> None:
        """Say no to a request."""
        wanted = self._find_request(request)
        self._show_request(wanted)
        self._deny(wanted, _wish(wanted, days, network))

    def do_report(self, *, request: str | None, yes: bool, **others: Any) -> None:
        """Say that somebody else made the request."""
        wanted = self._find_request(request)
        self._show_request(wanted)
        question = _("Report it? Nobody can sign in with this account's phone for a while.")
        if not yes and not self._confirm(question):
            self._say(_("Nothing was reported."))
            return
        with self._phone() as phone:
            phone.report(wanted)
        self._say(_("Reported and denied. Change the password at %s.") % wanted.requester)

    def do_automations(self, *, format: str, **others: Any) -> None:  # noqa: A002 - the option's name
        """Show what is answered unasked. Times in JSON are seconds since the epoch."""
        with self._phone() as phone:
            automations = phone.automations()
        if format == "json":
            self.stdout.write(json.dumps([asdict(automation) for automation in automations], indent=2))
            return
        if not automations:
            self._say(_("Nothing is answered unasked."))
        for automation in automations:
            self._show_automation(automation)

    def do_forget(self, *, automation: str, **others: Any) -> None:
        """Remove a standing answer."""
        with self._phone() as phone:
            found = [one for one in phone.automations() if one.id.startswith(automation)]
        if len(found) != 1:
            raise CommandError(_("There is no such automatic answer. `automations` shows them."))
        with self._phone() as phone:
            phone.remove_automation(found[0].id)
        self._say(_("You are asked again from now on."))

    def do_code(self, *, account: str | None, **others: Any) -> None:
        """Show a one-time code on stdout, and on stderr whose it is and how long it holds."""
        phone = self._load()
        chosen = phone.account() if account is None else _find_account(account, phone.accounts)
        left = chosen.period - int(phone.now()) % chosen.period
        self._say(chosen.code_at(phone.now()))
        remark = _("%(user)s at %(site)s, for %(left)d more seconds")
        names = {"user": chosen.user, "site": chosen.requester, "left": left}
        self.stderr.write(self._shown(remark % names), lambda text: text)

    def do_remove(self, *, account: str, yes: bool, **others: Any) -> None:
        """Remove an account from the service and from the state file."""
        with self._phone() as phone:
            chosen = _find_account(account, _accounts(phone))
        names = {"user": chosen.user, "site": chosen.requester}
        if not yes and not self._confirm(_("Remove %(user)s at %(site)s from this phone?") % names):
            self._say(_("Nothing was removed."))
            return
        with self._phone() as phone:
            phone.remove(chosen.id)
        self._say(_("%(user)s at %(site)s was removed.") % names)

    def do_watch(self, **others: Any) -> None:
        """Ask about each pairing and request as it comes, until Ctrl-C."""
        self._load()  # where there is no phone, there is nothing to wait for
        self._say(_("Waiting for requests (Ctrl-C ends it)."))
        try:
            self._watch()
        except KeyboardInterrupt:
            self._say(_("Stopped."))

    # Asking and answering

    def _watch(self) -> None:
        seen: set[str] = set()
        while True:
            pending, delay = self._poll()
            for offer in pending.pairings:
                self._once(offer, seen, self._decide_pairing)
            for request in pending.requests:
                self._once(request, seen, self._decide)
            self.sleep(delay)

    def _decide_pairing(self, offer: PairingOffer, *, yes: bool = False) -> None:
        self._show_pairing(offer)
        names = {"user": offer.user, "site": offer.requester}
        allowed = yes or self._confirm(_("Pair with %(site)s as %(user)s?") % names)
        with self._phone() as phone:
            if allowed:
                phone.pair(offer)
            else:
                phone.decline(offer)
        self._say(_("Paired.") if allowed else _("Refused."))

    def _decide(self, request: Request, automate: Automate | None = None) -> None:
        """Show a request, ask, and send the answer; a wrong number is asked for again while tries remain."""
        self._show_request(request)
        while True:
            answer = self._ask(_question(request)).lower()
            if not answer:
                return self._say(_("Left unanswered."))
            if answer in ("n", "no"):
                return self._deny(request, automate)
            if answer in ("m", "more"):
                self._extend(request)
                continue
            try:
                return self._approve(request, answer, automate)
            except _NotAnAnswerError as error:
                self._say(str(error))
            except RefusedError as refused:
                if refused.reason != "wrong_number" or not refused.attempts_left:
                    raise
                self._say(_explain(refused))

    def _approve(self, request: Request, answer: str, automate: Automate | None) -> None:
        number = _number(request, answer)
        with self._phone() as phone:
            state = phone.approve(request, number, automate)
        self._say(_("Approved.") if state == "granted" else _("Not approved: %s") % state)

    def _deny(self, request: Request, automate: Automate | None) -> None:
        with self._phone() as phone:
            phone.deny(request, automate)
        self._say(_("Refused."))

    def _extend(self, request: Request) -> None:
        with self._phone() as phone:
            expires = phone.extend(request)
        self._say(_("  Expires:   %s") % self._when(expires))

    def _confirm(self, question: str) -> bool:
        while True:
            answer = self._ask(f"{question} [y/n] ").lower()
            if answer in ("y", "yes", "n", "no"):
                return answer in ("y", "yes")

    def _ask(self, question: str) -> str:
        self.stdout.write(self._shown(question), ending="")
        self.stdout.flush()
        line = self.stdin.readline()
        if not line:
            raise CommandError(_("Nobody is there to answer: the input is closed."))
        return line.strip()

    # Looking for what waits

    def _pending(self) -> Pending:
        with self._phone() as phone:
            return phone.pending()

    def _poll(self) -> tuple[Pending, float]:
        """What waits, and the seconds until the next look. A service that is away is waited for."""
        trouble, delay, pending = "", INTERVAL, Pending()
        try:
            pending = self._pending()
        except (UnreachableError, ReplyError) as error:
            trouble = _explain(error)
        except RefusedError as refused:
            if refused.reason != "too_many":
                raise
            delay = max(INTERVAL, refused.retry_after or 0)
        if trouble and trouble != self.trouble:
            self._say(trouble)
        self.trouble = trouble
        return pending, delay

    def _await_pairing(self, earlier: set[str], seconds: int) -> PairingOffer:
        end = self.clock() + seconds
        while True:
            pending, delay = self._poll()
            for offer in pending.pairings:
                if offer.id not in earlier:
                    return offer
            if self.clock() >= end:
                raise CommandError(_("No site used the phrase in time. Nothing was paired."))
            self.sleep(delay)

    def _once(self, thing: Asked, seen: set[str], decide: Callable[[Asked], None]) -> None:
        """Ask about what was not asked about before. An answer that fails is said, not raised."""
        if thing.id in seen:
            return
        seen.add(thing.id)
        try:
            decide(thing)
        except (UnreachableError, ReplyError) as error:
            self._say(_explain(error))
            seen.discard(thing.id)
        except RefusedError as refused:
            if refused.reason == "bad_signature":
                raise
            self._say(_explain(refused))

    def _find_request(self, wanted: str | None) -> Request:
        requests = self._pending().requests
        if not requests:
            raise CommandError(_("No request waits for an answer."))
        if wanted is None:
            return requests[0]
        found = [request for request in requests if request.id.startswith(wanted)]
        if len(found) != 1:
            raise CommandError(_("No such request waits for an answer. `list` shows those that do."))
        return found[0]

    # The phone in its file

    @contextmanager
    def _phone(self, *, create: bool = False) -> Iterator[TerminalAuthenticator]:
        """The phone of the state file. What changes about it is written back, also when a call fails.

        Open it for one step, and never while a person thinks: another program may use the file.
        """
        phone = self._load(create=create)
        before = phone.to_dict()
        try:
            yield phone
        finally:
            self.offset = phone.clock_offset
            if phone.id is not None and phone.to_dict() != before:
                phone.save(self.state)

    def _load(self, *, create: bool = False) -> TerminalAuthenticator:
        try:
            phone = TerminalAuthenticator.load(self.state, session=self.session, clock=self.clock)
        except FileNotFoundError:
            if not create:
                message = _("There is no phone in %s yet. `pair` or `phrase` makes one.")
                raise CommandError(message % self.state) from None
            phone = TerminalAuthenticator(session=self.session, clock=self.clock)
        if self.service is not None:
            phone.use_service(self.service)
        return phone

    def _register(self, phone: TerminalAuthenticator) -> None:
        if phone.base_url is None:
            raise CommandError(_("Say where the service is: --service https://example.org/toopher/phone/"))
        if not self.insecure and not _is_private(phone.base_url):
            raise CommandError(
                _("%s is not https: others could read your codes' seed. On a test network add --insecure.")
                % phone.base_url
            )
        if phone.id is None:
            phone.register(self.name)

    # Showing

    def _say(self, line: str) -> None:
        self.stdout.write(self._shown(line))

    def _shown(self, line: str) -> str:
        """The line without anything that the terminal would obey, in letters that it can show."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        return printable(line).encode(encoding, "backslashreplace").decode(encoding)

    def _show_request(self, request: Request) -> None:
        self._say(_("Request %s") % request.id)
        self._say(_("  Site:      %s") % request.requester)
        self._say(_("  User:      %s") % request.user)
        self._say(_("  Action:    %s") % request.action)
        self._say(_("  Computer:  %s") % (request.terminal or _("(not told)")))
        self._say(_("  Address:   %s") % (request.address or _("(not told)")))
        self._say(_("  Asked:     %s") % self._when(request.created))
        self._say(_("  Expires:   %s") % self._when(request.expires))

    def _show_automation(self, automation: Automation) -> None:
        self._say(_("Automatic answer %s") % automation.id)
        self._say(_("  Answer:    %s") % (_("approve") if automation.answer == "allow" else _("refuse")))
        self._say(_("  Site:      %s") % automation.requester)
        self._say(_("  User:      %s") % automation.user)
        self._say(_("  Action:    %s") % automation.action)
        self._say(_("  Computer:  %s") % (automation.terminal or _("(not told)")))
        self._say(_("  Network:   %s") % (automation.network or _("any")))
        self._say(_("  Expires:   %s") % self._when(automation.expires))

    def _show_pairing(self, offer: PairingOffer) -> None:
        self._say(_("Pairing %s") % offer.id)
        self._say(_("  Site:      %s") % offer.requester)
        self._say(_("  User:      %s") % offer.user)
        self._say(_("  Expires:   %s") % self._when(offer.expires))

    def _when(self, seconds: int) -> str:
        distance = round(seconds - self.clock() - self.offset)
        nearness = _("in %d s") % distance if distance >= 0 else _("%d s ago") % -distance
        return f"{_utc(seconds)} ({nearness})"


class _NotAnAnswerError(CommandError):
    """What was typed can't be the number, or the yes, that the request asks for."""


def _question(request: Request) -> str:
    if request.number_length == 0:
        return _("Approve? y = yes, n = refuse, m = more time, Enter = leave it: ")
    digits = _("The %d digits that the computer shows (n = refuse, m = more time, Enter = leave it): ")
    return digits % request.number_length


def _number(request: Request, answer: str) -> str:
    """What to send for that answer: the number, ``""`` for a yes where none is asked."""
    if request.number_length == 0:
        if answer not in ("y", "yes"):
            raise _NotAnAnswerError(_("No number is asked: the answer is y or n."))
        return ""
    number = "".join(answer.split())
    if len(number) != request.number_length or not (number.isascii() and number.isdigit()):
        raise _NotAnAnswerError(_("The number has %d digits.") % request.number_length)
    return number


def _wish(request: Request, days: int | None, network: bool) -> Automate | None:
    """What ``--days`` and ``--network`` ask for, where this request can have it."""
    if days is None:
        if network:
            raise CommandError(_("--network goes with --days."))
        return None
    if not request.automate:
        raise CommandError(_("This request can't be answered automatically from now on."))
    most = request.automate // _DAY
    if not 1 <= days <= most:
        raise CommandError(_("--days can be from 1 to %d here.") % most)
    if network and not request.address:
        raise CommandError(_("The network of this request is not known."))
    return Automate(days * _DAY, network)


def _explain(error: AuthenticatorError) -> str:
    """One line for the person: what happened, and what to do next."""
    advice = ""
    if error.attempts_left is not None:
        advice = _("Tries left: %d.") % error.attempts_left
    elif error.retry_after is not None:
        advice = _("Try again in %d seconds.") % error.retry_after
    elif error.reason == "bad_signature":
        advice = _("If the service was set up anew, remove the state file and pair again.")
    return printable(f"{error.message} {advice}".rstrip())


def _is_private(base_url: str) -> bool:
    """Whether nobody on the way can read along: https, or this very computer."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _accounts(phone: TerminalAuthenticator) -> list[ListedAccount]:
    """The accounts that the service knows, then those that only this phone still does."""
    seeds = {account.id: account for account in phone.accounts}
    listed = [
        ListedAccount(**asdict(pairing), known=True, has_code=seeds.pop(pairing.id, None) is not None)
        for pairing in phone.pairings()
    ]
    for account in seeds.values():
        listed.append(ListedAccount(account.id, account.requester, account.user, None, None, False, True))
    return listed


def _account_line(account: ListedAccount) -> str:
    line = _("  %(user)s at %(site)s (%(id)s)") % {
        "user": account.user,
        "site": account.requester,
        "id": account.id,
    }
    if not account.known:
        return line + _(", removed at the service")
    if account.last_used is not None:
        line += _(", last used %s") % _utc(account.last_used)
    return line if account.has_code else line + _(", no one-time codes here")


def _find_account(wanted: str, accounts: Sequence[AnyAccount]) -> AnyAccount:
    """The account with that user, user@site, id or beginning of an id."""
    named = [one for one in accounts if wanted in (one.id, one.user, f"{one.user}@{one.requester}")]
    found = named or [one for one in accounts if one.id.startswith(wanted)]
    if not found:
        raise CommandError(_("This phone has no such account. `list` shows those it has."))
    if len(found) > 1:
        choices = ", ".join(printable(f"{one.user}@{one.requester} ({one.id})") for one in found)
        raise CommandError(_("More than one account has that name: %s") % choices)
    return found[0]


def _as_json(pending: Pending, accounts: Sequence[ListedAccount]) -> dict[str, list[dict[str, object]]]:
    pairings = [asdict(offer) for offer in pending.pairings]
    for pairing in pairings:
        del pairing["link"]
    return {
        "requests": [asdict(request) for request in pending.requests],
        "pairings": pairings,
        "accounts": [asdict(account) for account in accounts],
    }
