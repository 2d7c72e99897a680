"""The command-line phone: the phone's side of docs/authenticator.rst as a class, free of Django.

It asks nobody anything: whoever uses it shows the texts and brings the yes. Times are seconds since the epoch.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import tempfile
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jwt
import pyotp
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ..shown import PairingTexts, RequestTexts
from .cli_replies import Entry, PhoneError, RefusedError, is_time, read

TIMEOUT = 10.0  # seconds that one call may wait for a connection, and then for each part of the answer
CLOCK_SLACK = 5  # seconds that this clock may differ from the service's before it is corrected
CURVE = ec.SECP256R1()


@dataclass(frozen=True)
class Automate:
    """That an answer be given unasked for so many seconds; ``network`` binds it to where it was asked."""

    seconds: int
    network: bool = False


@dataclass(frozen=True, kw_only=True)
class Account(PairingTexts):
    """An account with the base32 seed of its one-time codes, each of which is valid for ``period`` seconds."""

    id: str
    secret: str = field(repr=False)
    digits: int
    period: int
    agreed: bool = False
    """This phone has said yes, and the site not yet."""

    def __post_init__(self) -> None:
        try:
            self.code_at(0)
        except (TypeError, ValueError, ArithmeticError) as exc:
            raise PhoneError("The seed of the one-time codes is of no use.", "bad_reply") from exc

    def code_at(self, seconds: float) -> str:
        """The one-time code at that time (RFC 6238, HMAC-SHA1)."""
        return pyotp.TOTP(self.secret, digits=self.digits, interval=self.period).at(int(seconds))


@dataclass(eq=False)
class CommandLinePhone:
    """One phone at the service with the phone URL ``base_url``; without that, the first pairing link says it.

    ``session`` carries the calls, ``accounts`` are those whose seeds it holds, oldest first. With a ``path`` the phone
    writes itself there once it is registered, and after every change. Every method may raise :class:`PhoneError`; no
    call is repeated, but for what the contract asks for: ``clock``.
    """

    base_url: str | None = None
    _: KW_ONLY
    session: requests.Session = field(default_factory=requests.Session)
    clock: Callable[[], float] = time.time
    path: Path | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE), repr=False)
    id: str | None = None
    clock_offset: int = 0
    accounts: tuple[Account, ...] = ()

    def __post_init__(self) -> None:
        if self.base_url is not None:
            self.base_url = parse_base_url(self.base_url)

    def now(self) -> float:
        """The service's time, as far as this phone knows it."""
        return self.clock() + self.clock_offset

    def account(self, pairing_id: str | None = None) -> Account:
        """The account with that pairing id, or the only one."""
        found = [account for account in self.accounts if pairing_id in (None, account.id)]
        if len(found) != 1:
            raise PhoneError(f"This phone has {'more than one' if found else 'no such'} account.", "unpaired")
        return found[0]

    def code(self, pairing_id: str | None = None) -> str:
        """The one-time code of :meth:`account`, computed without the network."""
        return self.account(pairing_id).code_at(self.now())

    def use_service(self, base_url: str) -> None:
        """Say where the service is; it can't become another."""
        wanted = parse_base_url(base_url)
        if self.base_url not in (None, wanted):
            raise PhoneError(f"This phone belongs to {self.base_url}. Use another state file.", "other_service")
        self.base_url = wanted

    def follow(self, link: str) -> str:
        """The token of a link ``{mount}/phone/#pair=<token>``, whose service becomes this phone's, or a bare token."""
        address, is_link, fragment = link.strip().partition("#pair=")
        token = unquote(fragment) if is_link else address
        if not re.fullmatch(r"[A-Za-z0-9._~:=-]{1,512}", token):
            raise PhoneError("That is not a pairing link: one ends in #pair= and a long code.", "bad_link")
        if is_link:
            self.use_service(address)
        return token

    def register(self, name: str) -> None:
        """Make this phone known under that name (1 to 100 characters). May be repeated."""
        self.id = self._call("register", name=name).id
        self._keep()

    def phrase(self) -> Entry:
        """Ask for a pairing phrase: to be typed at the site, once, within ten minutes."""
        return self._call("phrase")

    def offer(self, link: str) -> Entry:
        """What a pairing link (or its bare token) leads to. Changes nothing at the service."""
        token = self.follow(link)
        return Entry(**{**vars(self._call("offer", link=token)), "link": token})

    def pair(self, offer: Entry) -> Account:
        """Say yes to a pairing. Returns and keeps the account with its seed, which the service tells once.

        Where the site has to confirm, the account is only ``agreed``; ``settle`` tells what becomes of it.
        """
        told, texts = self._decide(offer, "allow"), _texts(PairingTexts, offer)
        agreed = vars(told).get("state") == "agreed"
        seed = {"secret": told.secret, "digits": told.digits, "period": told.period}
        account = Account(**{**texts, **seed}, id=offer.id, agreed=agreed)
        self._keep(lambda known: (*(each for each in known if each.id != account.id), account))
        return account

    def agreed(self) -> tuple[Entry, ...]:
        """The pairings that wait for their site."""
        told: tuple[Entry, ...] = vars(self._call("pending")).get("agreed", ())
        return told

    def settle(self) -> list[tuple[Account, bool]]:
        """The accounts that their sites have confirmed, or not in time, since this was last asked; which of the two.

        Those that came to nothing are forgotten.
        """
        if not any(account.agreed for account in self.accounts):
            return []
        waiting = {each.id for each in self.agreed()}
        over = {each.id: each for each in self.accounts if each.agreed and each.id not in waiting}
        if not over:
            return []
        paired = {each.id for each in self.pairings()}
        settled = {pairing_id: replace(account, agreed=False) for pairing_id, account in over.items()}
        self._keep(
            lambda known: tuple(settled.get(each.id, each) for each in known if each.id not in over.keys() - paired)
        )
        return [(account, account.id in paired) for account in settled.values()]

    def decline(self, offer: Entry) -> None:
        """Say no to a pairing."""
        self._decide(offer, "deny")

    def pair_link(self, link: str) -> Account:
        """Follow a pairing link and say yes."""
        return self.pair(self.offer(link))

    def _decide(self, offer: Entry, decision: str) -> Entry:
        link = {"link": offer.link} if "link" in vars(offer) else {}
        return self._call("pair", pairing=offer.id, **_texts(PairingTexts, offer), decision=decision, **link)

    def pending(self) -> Entry:
        """What waits for this person: ``requests`` and ``pairings``, newest first."""
        pending = self._call("pending")
        return Entry(requests=pending.requests, pairings=pending.pairings)

    def approve(self, request: Entry, number: str = "", automate: Automate | None = None) -> str:
        """Say yes, with the number that the computer shows. Returns the state, ``"granted"``."""
        return self._answer(request, "allow", number, automate)

    def deny(self, request: Entry, automate: Automate | None = None) -> str:
        """Say no. Returns the state, ``"denied"``."""
        return self._answer(request, "deny", "", automate)

    def _answer(self, request: Entry, decision: str, number: str, automate: Automate | None) -> str:
        automatic = {"automate": asdict(automate)} if automate else {}
        said = {**_texts(RequestTexts, request), "decision": decision, "number": number, **automatic}
        return str(self._call("answer", request=request.id, **said).state)

    def report(self, request: Entry) -> None:
        """Say that it was somebody else who asked: denies, blocks the account for a while, tells support."""
        self._call("report", request=request.id, **_texts(RequestTexts, request))

    def extend(self, request: Entry) -> Entry:
        """Take more time, up to ``latest``. Returns the request with its new end."""
        return Entry(**{**vars(request), "expires": self._call("extend", request=request.id).expires})

    def automations(self) -> tuple[Entry, ...]:
        """What is answered unasked for the accounts on this phone, newest first."""
        return self._call("automations").automations

    def remove_automation(self, automation_id: str) -> None:
        """Be asked again."""
        self._call("automation-remove", automation=automation_id)

    def pairings(self) -> tuple[Entry, ...]:
        """The accounts on this phone, as the service knows them."""
        return self._call("pairings").pairings

    def listed_accounts(self) -> list[Entry]:
        """The accounts that the service knows, then those that only this phone still does, each with a ``note``."""
        self.settle()
        here = {account.id: account for account in self.accounts}
        told = [(vars(each), "" if here.pop(each.id, None) else "no one-time codes here") for each in self.pairings()]
        lost = [
            (
                {"id": each.id, **_texts(PairingTexts, each)},
                "finish at the computer" if each.agreed else "removed at the service",
            )
            for each in here.values()
        ]
        return [Entry(**{**members, "note": note}) for members, note in told + lost]

    def remove(self, pairing_id: str) -> None:
        """Remove an account from the service and its seed from here, also when the service has it no more."""
        try:
            self._call("remove", pairing=pairing_id)
        except RefusedError as refused:
            if refused.reason not in ("not_found", "gone") or all(each.id != pairing_id for each in self.accounts):
                raise
        self._keep(lambda known: tuple(each for each in known if each.id != pairing_id))

    def _call(self, call: str, **claims: object) -> Entry:
        """Make one call; once more, with its own ``iat`` and ``jti``, if the only fault was this clock."""
        offset = self.clock_offset
        response, reply = self._send(call, claims)
        if response.status_code == 401 and reply.reason == "clock" and self.clock_offset != offset:
            response, reply = self._send(call, claims)
        if response.status_code != 200:
            raise RefusedError(reply, response)
        return reply

    def _send(self, call: str, claims: dict[str, Any]) -> tuple[requests.Response, Entry]:
        """Sign and post. Follows no redirect, and sends no cookie."""
        if self.base_url is None or (self.id is None and call != "register"):
            raise PhoneError("This phone is not registered at a service yet.", "unpaired")
        url = f"{self.base_url}v1/{call}"
        signed = {**claims, "aud": url, "iat": int(self.now()), "jti": secrets.token_urlsafe(16)}
        who = {"jwk": public_jwk(self.key.public_key())} if call == "register" else {"kid": self.id}
        # An empty "typ" keeps PyJWT from adding one: the contract's header has none.
        token = jwt.encode(signed, self.key, "ES256", {**who, "typ": ""})
        headers = {"Content-Type": "application/jose", "Accept": "application/json"}
        how: Any = {"headers": headers, "timeout": TIMEOUT, "allow_redirects": False, "stream": True}
        self.session.cookies.clear()
        try:
            with self.session.post(url, token.encode(), **how) as response:
                reply = read(response)
        except requests.RequestException as exc:
            raise PhoneError(f"{self.base_url} can't be reached ({type(exc).__name__}).", "unreachable") from exc
        self._follow_clock(vars(reply).get("now"))
        return response, reply

    def _follow_clock(self, now: object) -> None:
        """Correct this clock by the service's."""
        if is_time(now) and abs(now - self.now()) > CLOCK_SLACK:
            self.clock_offset = round(now - self.clock())
            self._keep()

    def _keep(self, change: Callable[[tuple[Account, ...]], tuple[Account, ...]] = tuple) -> None:
        if self.path and self.path.exists():  # where another program may have paired meanwhile
            self.accounts = CommandLinePhone.load(self.path).accounts
        self.accounts = change(self.accounts)
        if self.path and self.id:
            self.save(self.path)

    def save(self, path: Path) -> None:
        """Write the state to a file that only this user may read, whole or not at all. Raises :class:`OSError`."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as private:
            scratch = Path(private, path.name)
            scratch.touch(mode=0o600)
            scratch.write_text(json.dumps(self.state(), indent=2), encoding="utf-8")
            scratch.replace(path)

    def state(self) -> dict[str, Any]:
        """All that the phone remembers, as JSON types; with the private key and the seeds."""
        key = f"{self.key.private_numbers().private_value:x}"
        known = {"base_url": self.base_url, "id": self.id, "clock_offset": self.clock_offset}
        return {**known, "key": key, "accounts": [asdict(account) for account in self.accounts]}

    @classmethod
    def load(cls, path: Path, **how: Any) -> CommandLinePhone:
        """The phone that :meth:`save` wrote, which keeps itself there from now on. Raises :class:`OSError`, too."""
        if os.name == "posix" and path.stat().st_mode & 0o077:
            message = f"Others can read the phone's key. Make it private first: chmod 600 {shlex.quote(str(path))}"
            raise PhoneError(message, "bad_state")
        try:
            state = json.loads(path.read_text("utf-8"))
            key = ec.derive_private_key(int(state.pop("key"), 16), CURVE)
            accounts = tuple(Account(**account) for account in state.pop("accounts"))
            return cls(**state, key=key, accounts=accounts, path=path, **how)
        except (LookupError, AttributeError, TypeError, ValueError, RecursionError, PhoneError) as exc:
            raise PhoneError(f"The phone's state in {path} can't be used.", "bad_state") from exc


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """The JWK of a P-256 key (RFC 7518 §6.2.1)."""
    return ECAlgorithm.to_jwk(key, as_dict=True)


def parse_base_url(text: str) -> str:
    """The one spelling of a phone URL ``{mount}/phone/``, which matters because ``aud`` is compared as text."""
    try:
        address = str(requests.Request("POST", text.strip()).prepare().url)
    except (requests.RequestException, ValueError):
        address = ""
    found = re.fullmatch(r"(https?)://([^/?#@]+)((?:/[^?#]*)?/phone)/*", address)
    if found is None:
        raise PhoneError("The address of a service looks like https://example.org/toopher/phone/", "bad_link")
    scheme, host, path = found.groups()
    return f"{scheme}://{host.lower().removesuffix(':443' if scheme == 'https' else ':80')}{path}/"


def is_private(base_url: str) -> bool:
    """Whether nobody on the way can read along: https, or this very computer."""
    host = urlsplit(base_url).hostname or ""
    return base_url.startswith("https:") or re.fullmatch(r"(.*\.)?localhost|127\.[0-9.]+|::1", host) is not None


def _texts(kind: type[PairingTexts], shown: object) -> dict[str, str]:
    """The texts that a person was shown, for the answer that is signed over them."""
    return asdict(kind.read(partial(getattr, shown)))
