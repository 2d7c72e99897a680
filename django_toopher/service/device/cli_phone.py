"""An authenticator without a browser: the phone's side of docs/authenticator.rst as a class, free of Django.

:class:`TerminalAuthenticator` is one phone at one service. It holds the key, the ids and the seeds, speaks
the calls of the contract, and keeps itself in one file. It asks nobody anything: whoever uses it shows the
texts and brings the yes.

The errors::

    AuthenticatorError       the root: reason, status, message
    ├── RefusedError         the service said no; ``reason`` is one of the contract's
    ├── UnreachableError     no connection, no certificate, no answer in time ("unreachable")
    ├── ReplyError           an answer unknown to the contract: HTML, 5xx, a redirect, too long ("bad_reply")
    ├── LinkError            not a pairing link ("bad_link"), or another service's ("other_service")
    ├── StateError           the state file is broken or others may read it ("bad_state")
    └── UnpairedError        there is no service, no registration or no account for this yet ("unpaired")

What the service writes (names, actions, error messages) is kept as it came, because the answer is signed over
those very texts. Pass it through :func:`printable` before it reaches a terminal.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shlex
import stat
import tempfile
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NoReturn, TypeGuard
from urllib.parse import unquote, urlsplit, urlunsplit

import jwt
import pyotp
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

TIMEOUT = 10.0
"""Seconds that one call may wait for a connection, and then for each part of the answer."""

REPLY_LIMIT = 1024 * 1024
"""Bytes of a reply that are read at most."""

CLOCK_SLACK = 5
"""Seconds that this clock and the service's may differ before this one is corrected."""

STATE_VERSION = 1

_LAST_SECOND = 253402300799  # the end of the year 9999, the last that datetime knows
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SECONDS = re.compile(r"[0-9]{1,9}")
_TOKEN = re.compile(r"[A-Za-z0-9._~:=-]{1,512}")


class AuthenticatorError(Exception):
    """Something that this authenticator could not do.

    ``reason`` is a slug, ``status`` the HTTP status if there was an answer, ``message`` a sentence for the
    person, ``attempts_left`` how many numbers may still be tried (with ``wrong_number``), ``retry_after``
    seconds (with ``too_many``).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        status: int | None = None,
        attempts_left: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.status = status
        self.attempts_left = attempts_left
        self.retry_after = retry_after


class RefusedError(AuthenticatorError):
    """The service refused a call; ``reason`` and ``status`` are in the table of docs/authenticator.rst."""


class UnreachableError(AuthenticatorError):
    """No answer came. Whether the call was carried out is not known."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="unreachable")


class ReplyError(AuthenticatorError):
    """An answer came that the contract does not know."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, reason="bad_reply", status=status)


class LinkError(AuthenticatorError):
    """A text that is no pairing link, or the link of a service other than this phone's."""

    def __init__(self, message: str, *, reason: str = "bad_link") -> None:
        super().__init__(message, reason=reason)


class StateError(AuthenticatorError):
    """The state can't be read, or may be read by others."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="bad_state")


class UnpairedError(AuthenticatorError):
    """A call that needs a service, a registration or an account which this phone does not have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="unpaired")


@dataclass(frozen=True)
class Request:
    """One question that waits for an answer. Times are seconds since the epoch."""

    id: str
    requester: str
    user: str
    action: str
    terminal: str
    address: str
    created: int
    expires: int
    number_length: int
    automate: int = 0
    """Seconds for which the answer may be made a standing one at the most; 0 where it may not."""
    latest: int = 0
    """Until when it can be prolonged."""


@dataclass(frozen=True)
class Automate:
    """That an answer be given silently from now on, for so many seconds; ``network`` binds it to where it was asked."""

    seconds: int
    network: bool = False


@dataclass(frozen=True)
class Automation:
    """A standing answer (``"allow"`` or ``"deny"``). Times are seconds since the epoch."""

    id: str
    requester: str
    user: str
    action: str
    terminal: str
    answer: str
    network: str
    created: int
    expires: int
    last_used: int | None


@dataclass(frozen=True)
class PairingOffer:
    """A pairing that waits for a yes. ``link`` is the token it was found by, if it was."""

    id: str
    requester: str
    user: str
    expires: int
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Pending:
    """All that waits for this person, newest first."""

    requests: tuple[Request, ...] = ()
    pairings: tuple[PairingOffer, ...] = ()


@dataclass(frozen=True)
class Phrase:
    """A pairing phrase to be typed at the site, and the second until which it holds."""

    phrase: str = field(repr=False)
    expires: int


@dataclass(frozen=True)
class Pairing:
    """One account as the service knows it. ``created`` and ``last_used`` are seconds since the epoch."""

    id: str
    requester: str
    user: str
    created: int
    last_used: int | None


@dataclass(frozen=True)
class Account:
    """One account as this phone keeps it, with the base32 seed of its code; ``period`` is in seconds."""

    id: str
    requester: str
    user: str
    secret: str = field(repr=False)
    digits: int
    period: int

    def code_at(self, seconds: float) -> str:
        """The one-time code at that time since the epoch (RFC 6238, HMAC-SHA1)."""
        return pyotp.TOTP(self.secret, digits=self.digits, interval=self.period).at(int(seconds))


@dataclass(frozen=True)
class PairingLink:
    """The parts of a pairing link: the service's phone URL (``None`` for a bare token) and the token."""

    base_url: str | None
    token: str = field(repr=False)


def parse_base_url(text: str) -> str:
    """The one spelling of a phone URL ``{mount}/phone/``: host in lower case, no default port, / at the end.

    Raises :class:`LinkError` for anything else. The spelling matters, because ``aud`` is compared as text.
    """
    try:
        prepared = requests.Request("POST", text.strip()).prepare()
        parts = urlsplit(str(prepared.url))
        host, port = parts.hostname, parts.port
    except (requests.RequestException, ValueError) as exc:
        raise LinkError("That is not the address of a service.") from exc
    path = parts.path.rstrip("/") + "/"
    if parts.scheme not in _DEFAULT_PORTS or not host or not path.endswith("/phone/"):
        raise LinkError("The address of a service looks like https://example.org/toopher/phone/")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise LinkError("The address of a service has no name, password, ? or # in it.")
    return urlunsplit((parts.scheme, _netloc(host, port, parts.scheme), path, "", ""))


def _netloc(host: str, port: int | None, scheme: str) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port in (None, _DEFAULT_PORTS[scheme]) else f"{bracketed}:{port}"


def parse_pairing_link(text: str) -> PairingLink:
    """Take apart ``{mount}/phone/#pair=<token>``, or a bare token. Raises :class:`LinkError`."""
    address, hash_mark, fragment = text.strip().partition("#")
    if not hash_mark:
        return PairingLink(None, _token(address))
    key, _, token = fragment.partition("=")
    if key != "pair":
        raise LinkError("That is not a pairing link: one ends in #pair= and a long code.")
    return PairingLink(parse_base_url(address), _token(unquote(token)))


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise LinkError("That is not a pairing link: one ends in #pair= and a long code.")
    return text


def printable(text: str) -> str:
    r"""Escape, as ``\x1b``, what could move the cursor, hide or reorder text.

    These are control, format and unassigned characters, line and paragraph separators and lone surrogates.
    All other text stays as it is.
    """
    return "".join(_escape(character) if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def _escape(character: str) -> str:
    if ord(character) < 128:
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The JWK of a P-256 key (RFC 7518 §6.2.1: ``x`` and ``y`` are 32 bytes each, leading zeros kept)."""
    numbers = key.public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


class TerminalAuthenticator:
    """One phone at one service, by the contract in docs/authenticator.rst.

    ``base_url`` is the phone URL ``{mount}/phone/``; without it the first pairing link says where the
    service is. ``session`` carries the calls (tests mount an adapter on it), ``clock`` returns seconds since
    the epoch, ``timeout`` is in seconds, ``key`` is a P-256 key (made on first use when left out).

    Every call may raise :class:`RefusedError`, :class:`UnreachableError`, :class:`ReplyError` or
    :class:`UnpairedError`. None is ever repeated, but for the one case that the contract asks for: ``clock``.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        self.base_url = None if base_url is None else parse_base_url(base_url)
        self.id: str | None = None
        self.clock_offset = 0
        self._accounts: dict[str, Account] = {}
        self._session = _session_without_cookies() if session is None else session
        self._clock = clock
        self._timeout = timeout
        self._key = key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id or 'unregistered'} at {self.base_url or 'no service'}>"

    # What this phone knows by itself

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The P-256 private key, made when it is first asked for."""
        if self._key is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
        return self._key

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts whose seeds this phone holds, oldest first."""
        return tuple(self._accounts.values())

    def now(self) -> float:
        """Seconds since the epoch by the service's clock, as far as this phone knows it."""
        return self._clock() + self.clock_offset

    def code(self, pairing_id: str | None = None) -> str:
        """The one-time code of an account (without an id: of the only one), computed without the network.

        Raises :class:`UnpairedError` where there is no such account, or more than one and no id.
        """
        return self.account(pairing_id).code_at(self.now())

    def account(self, pairing_id: str | None = None) -> Account:
        """The account with that pairing id, or the only one. Raises :class:`UnpairedError`."""
        if pairing_id is None:
            return self._only_account()
        try:
            return self._accounts[pairing_id]
        except KeyError:
            raise UnpairedError("This phone has no code for that account.") from None

    def _only_account(self) -> Account:
        if not self._accounts:
            raise UnpairedError("This phone has no account.")
        if len(self._accounts) > 1:
            raise UnpairedError("This phone has more than one account: say which.")
        return self.accounts[0]

    def follow(self, link: str) -> str:
        """The token of a pairing link (or a bare token). Takes the service from it when there is none yet.

        Raises :class:`LinkError`: ``bad_link`` when it is neither, ``other_service`` when it leads elsewhere.
        """
        parsed = parse_pairing_link(link)
        if parsed.base_url is not None:
            self.use_service(parsed.base_url)
        return parsed.token

    def use_service(self, base_url: str) -> None:
        """Say where the service is.

        Raises :class:`LinkError`: ``bad_link`` for no address, ``other_service`` when this phone has another.
        """
        wanted = parse_base_url(base_url)
        if self.base_url not in (None, wanted):
            raise LinkError(
                f"This phone belongs to the service at {self.base_url}, not to {wanted}. "
                "Use another state file for another service.",
                reason="other_service",
            )
        self.base_url = wanted

    # The calls of the contract

    def register(self, name: str) -> str:
        """Make this phone known under that name (1 to 100 characters). Returns its id; may be repeated."""
        header = {"jwk": public_jwk(self.key.public_key())}
        self.id = self._call("register", {"name": name}, header).text("id")
        return self.id

    def phrase(self) -> Phrase:
        """Ask for a pairing phrase: to be typed at the site, once, within ten minutes."""
        reply = self._call("phrase", {})
        return Phrase(reply.text("phrase"), reply.time("expires"))

    def offer(self, link: str) -> PairingOffer:
        """What a pairing link (or its bare token) leads to. Changes nothing. May raise :class:`LinkError`."""
        token = self.follow(link)
        return _offer(self._call("offer", {"link": token}), link=token)

    def pair(self, offer: PairingOffer) -> Account:
        """Say yes to a pairing. Returns and keeps the account with its seed, which the service tells once."""
        reply = self._decide(offer, "allow")
        account = _account(reply, id=offer.id, requester=offer.requester, user=offer.user)
        self._accounts[account.id] = account
        return account

    def decline(self, offer: PairingOffer) -> None:
        """Say no to a pairing."""
        self._decide(offer, "deny")

    def pair_link(self, link: str) -> Account:
        """Follow a pairing link and say yes, where nobody needs to be asked. May raise :class:`LinkError`."""
        return self.pair(self.offer(link))

    def _decide(self, offer: PairingOffer, decision: str) -> _Fields:
        claims = {
            "pairing": offer.id,
            "requester": offer.requester,
            "user": offer.user,
            "decision": decision,
        }
        if offer.link is not None:
            claims["link"] = offer.link
        return self._call("pair", claims)

    def pending(self) -> Pending:
        """What waits for this person, newest first."""
        reply = self._call("pending", {})
        return Pending(
            tuple(_request(entry) for entry in reply.entries("requests")),
            tuple(_offer(entry) for entry in reply.entries("pairings")),
        )

    def approve(self, request: Request, number: str = "", automate: Automate | None = None) -> str:
        """Say yes, with the number that the computer shows. Returns the state, ``"granted"``.

        Raises :class:`RefusedError`: ``wrong_number`` with ``attempts_left``, ``gone``, ``too_many``.
        """
        return self._answer(request, "allow", number, automate)

    def deny(self, request: Request, automate: Automate | None = None) -> str:
        """Say no. Returns the state, ``"denied"``."""
        return self._answer(request, "deny", "", automate)

    def report(self, request: Request) -> None:
        """Say that it was somebody else who asked: denies, blocks the account for a while, tells support."""
        self._call("report", _shown(request))

    def extend(self, request: Request) -> int:
        """Take more time, up to ``latest``. Returns when the request expires now."""
        return self._call("extend", {"request": request.id}).time("expires")

    def automations(self) -> tuple[Automation, ...]:
        """The standing answers of the accounts on this phone, newest first."""
        return tuple(_automation(entry) for entry in self._call("automations", {}).entries("automations"))

    def remove_automation(self, automation_id: str) -> None:
        """Be asked again. Raises :class:`RefusedError`: ``not_found``."""
        self._call("automation-remove", {"automation": automation_id})

    def pairings(self) -> tuple[Pairing, ...]:
        """The accounts on this phone, as the service knows them."""
        return tuple(_pairing(entry) for entry in self._call("pairings", {}).entries("pairings"))

    def remove(self, pairing_id: str) -> None:
        """Remove an account from the service and its seed from here, also when the service has it no more."""
        try:
            self._call("remove", {"pairing": pairing_id})
        except RefusedError as refused:
            if refused.reason not in ("not_found", "gone") or pairing_id not in self._accounts:
                raise
        self._accounts.pop(pairing_id, None)

    def _answer(self, request: Request, decision: str, number: str, automate: Automate | None) -> str:
        claims: dict[str, object] = {**_shown(request), "decision": decision, "number": number}
        if automate is not None:
            claims["automate"] = asdict(automate)
        return self._call("answer", claims).text("state")

    # How a call looks

    def _call(self, call: str, claims: Mapping[str, object], header: Mapping[str, object] | None = None) -> _Fields:
        """Make one call; once more, with its own ``iat`` and ``jti``, if the only fault was this clock."""
        if self.base_url is None:
            raise UnpairedError("This phone does not know its service yet.")
        if header is None:
            header = {"kid": self._registered_id()}
        url = f"{self.base_url}v1/{call}"
        status, retry_after, reply = self._post(url, claims, header)
        if status != 200 and reply.get("reason") == "clock" and self._follow_clock(reply):
            status, retry_after, reply = self._post(url, claims, header)
        self._follow_clock(reply)
        if status != 200:
            _refuse(status, retry_after, reply)
        return _Fields(reply, ReplyError)

    def _registered_id(self) -> str:
        if self.id is None:
            raise UnpairedError("This phone is not registered at its service yet.")
        return self.id

    def _post(
        self, url: str, claims: Mapping[str, object], header: Mapping[str, object]
    ) -> tuple[int, str | None, dict[str, Any]]:
        token = self._sign(url, claims, header)
        try:
            with self._session.post(
                url,
                data=token.encode("ascii"),
                headers={"Content-Type": "application/jose", "Accept": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response)
        except requests.RequestException as exc:
            raise UnreachableError(self._explain(exc)) from exc
        return response.status_code, response.headers.get("Retry-After"), _parse(response.status_code, body)

    def _sign(self, url: str, claims: Mapping[str, object], header: Mapping[str, object]) -> str:
        common = {"aud": url, "iat": int(self.now()), "jti": secrets.token_urlsafe(16)}
        # An empty "typ" keeps PyJWT from adding one: the contract's header has none.
        return jwt.encode({**claims, **common}, self.key, algorithm="ES256", headers={**header, "typ": ""})

    def _follow_clock(self, reply: Mapping[str, object]) -> bool:
        """Correct this clock by the reply's ``now``; returns whether that changed anything."""
        told = reply.get("now")
        if not _is_time(told) or abs(told - self.now()) <= CLOCK_SLACK:
            return False
        self.clock_offset = round(told - self._clock())
        return True

    def _explain(self, exc: requests.RequestException) -> str:
        if isinstance(exc, requests.exceptions.SSLError):
            return f"The service at {self.base_url} has no valid certificate."
        if isinstance(exc, requests.Timeout):
            return f"The service at {self.base_url} did not answer in time."
        return f"The service at {self.base_url} can't be reached."

    # The state

    def to_dict(self) -> dict[str, object]:
        """The whole state as JSON types. It holds the private key and the seeds: nobody else may see it."""
        return {
            "version": STATE_VERSION,
            "service": self.base_url,
            "id": self.id,
            "clock_offset": self.clock_offset,
            "key": self._pem(),
            "accounts": [asdict(account) for account in self.accounts],
        }

    def _pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    @classmethod
    def from_dict(
        cls,
        state: Mapping[str, object],
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT,
    ) -> TerminalAuthenticator:
        """The phone that :meth:`to_dict` described. Raises :class:`StateError`."""
        fields = _Fields(state, StateError)
        if fields.integer("version") != STATE_VERSION:
            raise StateError("The phone's state was written by another version of this program.")
        phone = cls(
            _stored_service(fields),
            session=session,
            clock=clock,
            timeout=timeout,
            key=_stored_key(fields.text("key")),
        )
        phone.id = fields.text_or_none("id")
        phone.clock_offset = fields.integer("clock_offset")
        phone._accounts = {account.id: account for account in map(_stored_account, fields.entries("accounts"))}
        return phone

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a file that only this user may read, whole or not at all.

        Missing folders are made, for this user alone. Raises :class:`OSError`.
        """
        target = Path(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(self.to_dict(), stream, indent=2)
                stream.flush()
                os.fsync(stream.fileno())
            Path(scratch).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(scratch).unlink()
            raise

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT,
    ) -> TerminalAuthenticator:
        """The phone that :meth:`save` wrote.

        Raises :class:`StateError` when the file is broken or when others may read it, :class:`OSError` (with
        :class:`FileNotFoundError`) when it can't be read.
        """
        with Path(path).open(encoding="utf-8") as stream:
            _refuse_readable_by_others(path, os.fstat(stream.fileno()).st_mode)
            try:
                state = json.load(stream)
            except (ValueError, RecursionError) as exc:
                raise StateError(f"The phone's state in {os.fspath(path)} can't be understood.") from exc
        if not isinstance(state, dict):
            raise StateError(f"The phone's state in {os.fspath(path)} can't be understood.")
        return cls.from_dict(state, session=session, clock=clock, timeout=timeout)


def _session_without_cookies() -> requests.Session:
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


# Reading what the service wrote


class _Fields:
    """An object out of JSON whose fields are believed only after a look at their type."""

    def __init__(self, entry: object, fault: Callable[[str], AuthenticatorError]) -> None:
        if not isinstance(entry, Mapping):
            raise fault("An entry is not an object.")
        self._entry = entry
        self.fault = fault

    def text(self, name: str) -> str:
        value = self._entry.get(name)
        if not isinstance(value, str):
            raise self.fault(f"The field {name} is missing or not a text.")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._entry.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        value = self._entry.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fault(f"The field {name} is missing or not an integer.")
        return value

    def integer_or_zero(self, name: str) -> int:
        return 0 if self._entry.get(name) is None else self.integer(name)

    def time(self, name: str) -> int:
        value = self._entry.get(name)
        if not _is_time(value):
            raise self.fault(f"The field {name} is missing or not a time.")
        return value

    def time_or_none(self, name: str) -> int | None:
        return None if self._entry.get(name) is None else self.time(name)

    def entries(self, name: str) -> list[_Fields]:
        value = self._entry.get(name)
        if not isinstance(value, list):
            raise self.fault(f"The field {name} is missing or not a list.")
        return [_Fields(entry, self.fault) for entry in value]


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_SECOND


def _request(entry: _Fields) -> Request:
    return Request(
        id=entry.text("id"),
        requester=entry.text("requester"),
        user=entry.text("user"),
        action=entry.text("action"),
        terminal=entry.text("terminal"),
        address=entry.text("address"),
        created=entry.time("created"),
        expires=entry.time("expires"),
        number_length=entry.integer("number_length"),
        automate=entry.integer_or_zero("automate"),
        latest=entry.integer_or_zero("latest"),
    )


def _shown(request: Request) -> dict[str, str]:
    """The request and every text of it that a person was shown."""
    return {
        "request": request.id,
        "requester": request.requester,
        "user": request.user,
        "action": request.action,
        "terminal": request.terminal,
        "address": request.address,
    }


def _automation(entry: _Fields) -> Automation:
    return Automation(
        id=entry.text("id"),
        requester=entry.text("requester"),
        user=entry.text("user"),
        action=entry.text("action"),
        terminal=entry.text("terminal"),
        answer=entry.text("answer"),
        network=entry.text("network"),
        created=entry.time("created"),
        expires=entry.time("expires"),
        last_used=entry.time_or_none("last_used"),
    )


def _offer(entry: _Fields, link: str | None = None) -> PairingOffer:
    return PairingOffer(entry.text("id"), entry.text("requester"), entry.text("user"), entry.time("expires"), link)


def _pairing(entry: _Fields) -> Pairing:
    return Pairing(
        id=entry.text("id"),
        requester=entry.text("requester"),
        user=entry.text("user"),
        created=entry.time("created"),
        last_used=entry.time_or_none("last_used"),
    )


def _account(seed: _Fields, *, id: str, requester: str, user: str) -> Account:  # noqa: A002 - the dataclass's name
    """The account with the seed in that object, if a code can be made of it."""
    account = Account(id, requester, user, seed.text("secret"), seed.integer("digits"), seed.integer("period"))
    try:
        account.code_at(0)
    except (ValueError, ZeroDivisionError) as exc:
        raise seed.fault("The seed of the one-time code is of no use.") from exc
    return account


def _read(response: requests.Response) -> bytes:
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > REPLY_LIMIT:
            raise ReplyError("The service's answer is too long.", status=response.status_code)
    return body


def _parse(status: int, body: bytes) -> dict[str, Any]:
    """The JSON object of a reply with status 200 or 4xx; anything else is not the contract's."""
    if status >= 500:
        raise ReplyError(f"The service has a fault (status {status}). Try again later.", status=status)
    try:
        reply = json.loads(body) if status == 200 or status >= 400 else None
    except (ValueError, RecursionError) as exc:
        raise _not_a_service(status) from exc
    if not isinstance(reply, dict):
        raise _not_a_service(status)
    return reply


def _not_a_service(status: int) -> ReplyError:
    return ReplyError(f"There is no service for phones at this address (status {status}).", status=status)


def _refuse(status: int, retry_after: str | None, reply: Mapping[str, object]) -> NoReturn:
    reason, message, left = reply.get("reason"), reply.get("error_message"), reply.get("attempts_left")
    if not isinstance(reason, str):
        raise _not_a_service(status)
    raise RefusedError(
        message if isinstance(message, str) and message else f"The service refused ({reason}).",
        reason=reason,
        status=status,
        attempts_left=left if isinstance(left, int) else None,
        retry_after=int(retry_after) if retry_after and _SECONDS.fullmatch(retry_after) else None,
    )


# Reading the state file


def _refuse_readable_by_others(path: str | os.PathLike[str], mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise StateError(
            f"Others on this computer may read {os.fspath(path)}, which holds the phone's key. "
            f"Take that away first: chmod 600 {shlex.quote(os.fspath(path))}"
        )


def _stored_service(state: _Fields) -> str | None:
    base_url = state.text_or_none("service")
    try:
        return None if base_url is None else parse_base_url(base_url)
    except LinkError as exc:
        raise StateError("The phone's state names no service that can be used.") from exc


def _stored_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise StateError("The key in the phone's state can't be read.") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StateError("The key in the phone's state is of another kind than P-256.")
    return key


def _stored_account(entry: _Fields) -> Account:
    return _account(entry, id=entry.text("id"), requester=entry.text("requester"), user=entry.text("user"))
