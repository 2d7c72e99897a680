"""How the published clients of each generation send: PROTOCOL.md §1 and §7 as a table, and a sender that follows it.

Signed by ``callers.oauth_signature`` (RFC 5849 alone), not by oauthlib, and not by this project's client.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, quote_plus, urlsplit

from .callers import FORM, body_hash, oauth_signature, percent
from .sockets import Connection, Reply, connect, head

Fields = Sequence[tuple[str, str]]

DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"


def some(alphabet: str, shortest: int, longest: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(shortest + secrets.randbelow(longest - shortest + 1)))


def quote_lower(text: str, **how: str) -> str:
    """As .NET escapes a form: ``%c3%a9``."""
    return re.sub("%..", lambda escape: escape[0].lower(), quote_plus(text, **how))


@dataclass(frozen=True)
class Generation:
    """One row of PROTOCOL.md §7. What is left out is what most do."""

    name: str
    user_agent: str = ""

    # How it signs and sends
    nonce: Callable[[], str] = lambda: some(DIGITS, 28, 29)
    post: str = "header"
    get: str = "header"
    separator: str = ", "
    trailing_comma: bool = False
    realm: bool = False
    body_hash: bool = False
    doubled: bool = False
    expect: bool = False
    escape: Callable[..., str] = quote_plus
    charset: str = "utf-8"
    content_type: str = FORM
    lower_case_url: bool = False
    empty_post: str = "length"

    # What it says
    phrase: str = "pairing_phrase"
    subject: str = "pairing_id"
    terminal_id: str = "terminal_name_extra"
    asks: Fields = ()
    true: str = "true"
    false: str = "false"
    creates_users: bool = False
    creates_terminals: tuple[str, str] | None = None
    enters_codes: bool = True
    find: str = ""
    flag: str = ""
    reset: str = ""

    def word(self, truth: bool) -> str:
        return self.true if truth else self.false

    def as_decoded(self, text: str) -> str:
        """``text`` as this client signs it."""
        return text.encode(self.charset).decode("utf-8", "replace")


BLANKS = [("pairing_id", ""), ("terminal_name", "")]
CAMEL = [("terminalName", "Büro"), ("requesterSpecifiedId", "x"), ("actionName", "Log In")]
G3 = {
    "terminal_id": "requester_specified_terminal_id",
    "subject": "user_name",
    "creates_users": True,
    "flag": "toopher_authentication_enabled",
}

_py105 = Generation(
    "py105", "Python-httplib2/0.22.0 (gzip)", lambda: str(secrets.randbelow(10**8)), post="body", get="query",
    body_hash=True, escape=quote, true="True", false="False", enters_codes=False,
)  # fmt: skip
_py110 = Generation(
    "py110", "Toopher-Python/1.1.0 (Python 2.7.18)", subject="user_name", asks=BLANKS, true="True", false="False",
    creates_terminals=("name", "name_extra"), find="name", flag="disable_toopher_auth", empty_post="no length",
)  # fmt: skip
_seed = replace(
    _py110, name="seed", user_agent="Toopher-Python/2.0.0 (Python 2.7.18)", asks=[], find="user_name", reset="name",
    creates_users=True,
)  # fmt: skip
_java1 = Generation(
    "java1", "ToopherJava/1.0.0", lambda: f"-{secrets.randbits(62)}", charset="latin-1",
    content_type=f"{FORM}; charset=ISO-8859-1", empty_post="no type", enters_codes=False,
)  # fmt: skip
_java11 = replace(
    _java1, name="java11", user_agent="Toopher-Java/1.0.0", enters_codes=True, subject="user_name", find="name",
    creates_terminals=("name", "name_extra"), flag="disable_toopher_auth",
)  # fmt: skip
_php1 = Generation(
    "php1", "HTTP_Request2/2.5.1 (https://pear.php.net/package/http_request2) PHP/7.4", lambda: secrets.token_hex(16),
    realm=True, escape=quote, empty_post="no type", enters_codes=False,
)  # fmt: skip
_rb1 = Generation("rb1", "OAuth gem v0.4.7", lambda: some(DIGITS + LOWER + LOWER.upper(), 39, 43), enters_codes=False)
_rb11 = replace(
    _rb1, name="rb11", user_agent="Toopher-Ruby/1.1.0 (Ruby 2.7.8) (OAuth gem v0.4.7)", enters_codes=True,
    subject="user_name", asks=BLANKS, creates_terminals=("name", "name_extra"), find="name",
    flag="disable_toopher_auth",
)  # fmt: skip
_net1 = Generation(
    "net1", "", lambda: some(DIGITS + LOWER, 16, 16), separator=",", trailing_comma=True, doubled=True, expect=True,
    escape=quote_lower, enters_codes=False,
)  # fmt: skip
_net11 = replace(
    _net1, name="net11", user_agent="Toopher-DotNet/1.1.0 (DotNet 4.0.30319.42000)", enters_codes=True,
    subject="user_name", asks=BLANKS, creates_terminals=("name", "name_extra"), find="user_name",
    flag="disable_toopher_auth",
)  # fmt: skip
_perl = Generation(
    "perl", "toopher-perl/1.1.0 (perl v5.36.0 on linux)", lambda: some(DIGITS, 14, 16), separator=",",
    subject="user_name", asks=BLANKS, creates_terminals=("name", "name_extra"), find="name",
    flag="disable_toopher_auth",
)  # fmt: skip

GENERATIONS = [
    _py105,
    replace(_py105, name="py-master"),
    _py110,
    replace(_py110, name="pam", subject="pairing_id", asks=[("action_name", "sshd"), ("automation_allowed", "False")]),
    _seed,
    replace(_seed, name="seed by pairing", subject="pairing_id"),
    replace(
        _seed, name="pyref", reset="user_name", find="name", creates_terminals=("name", "requester_specified_id"), **G3,
    ),
    replace(_py110, name="pyoath", reset="name"),
    _java1,
    _java11,
    replace(
        _java11, name="javaref", user_agent="Toopher-Java/2.0.0", charset="utf-8", asks=CAMEL, reset="name",
        creates_terminals=("name", "requester_specified_id"), **G3,
    ),
    _php1,
    replace(_php1, name="php106", user_agent="Toopher-PHP/1.0.6 (PHP 5.6.40)"),
    replace(
        _php1, name="phpref", user_agent="Toopher-PHP/2.0.0 (PHP 5.6.40)", lower_case_url=True, enters_codes=True,
        creates_terminals=("name", "name_extra"), find="user_name", **G3,
    ),
    _rb1,
    _rb11,
    replace(
        _rb11, name="rbref", user_agent="Toopher-Ruby/2.0.0 (Ruby 2.7.8) (OAuth gem v0.4.7)", asks=CAMEL, reset="name",
        creates_terminals=("name", "requester_specified_id"), **G3,
    ),
    _net1,
    _net11,
    replace(_net11, name="net-rdp", find="name"),
    replace(
        _net11, name="netref", user_agent="Toopher-DotNet/2.0.0 (DotNet 4.0.30319.42000)", asks=CAMEL, find="name",
        reset="name", creates_terminals=("terminal_name", "requester_specified_id"), **G3,
    ),
    _perl,
    replace(
        _perl, name="radius", phrase="pairing_token", reset="user_name", creates_terminals=None,
        asks=[*BLANKS, ("terminal_name_extra", ""), ("otp", "")],
    ),
    replace(_php1, name="wp", asks=[("automation_allowed", "false")]),
]  # fmt: skip

BY_NAME = {generation.name: generation for generation in GENERATIONS}


@dataclass
class Sender:
    """A requester's site with a client of one generation, at the API's ``root``."""

    generation: Generation
    root: str
    key: str = "key"
    secret: str = "secret"

    def get(self, path: str, fields: Fields = (), **changes: str) -> Reply:
        return self.deliver("GET", *self.request("GET", path, list(fields), **changes))

    def post(self, path: str, fields: Fields = (), **changes: str) -> Reply:
        return self.deliver("POST", *self.request("POST", path, list(fields), **changes))

    def deliver(self, method: str, *pieces: bytes, on: Connection | None = None) -> Reply:
        """Send these very bytes, on a connection of their own if none is given."""
        if on is not None:
            return on.send(method, *pieces)
        with connect(self.root) as connection:
            return connection.send(method, *pieces)

    def request(self, method: str, path: str, fields: Fields, **changes: str) -> tuple[bytes, ...]:
        """The request, in the pieces in which it is sent. ``changes`` go to the OAuth parameters."""
        how = self.generation
        path, bare_mark, _ = path.partition("?")
        oauth = self.signed(method, f"{self.root}/{path}", fields, **changes)
        query, body = (fields, []) if method == "GET" else ([], fields)
        authorization = []
        where = how.get if method == "GET" else how.post
        if where == "header":
            authorization = [("Authorization", self.header(oauth))]
        elif where == "query":
            query = [*query, *oauth]
        else:
            body = [*body, *oauth]
        search = self.doubled(body) if how.doubled and method == "POST" else self.encoded(query)
        target = f"{urlsplit(self.root).path}/{path}" + (f"?{search}" if search or bare_mark else "")
        headers = [("Host", urlsplit(self.root).netloc), *self.agent(), ("Connection", "keep-alive"), *authorization]
        if method == "GET":
            return (head(method, target, headers),)
        return self.with_body(target, headers, self.encoded(body).encode("ascii"))

    def with_body(self, target: str, headers: Fields, body: bytes) -> tuple[bytes, ...]:
        how = self.generation
        if not body and how.empty_post == "no length":
            return head("POST", target, [*headers, ("Content-Type", FORM)]), b"0\r\n\r\n"
        if body or how.empty_post == "length":
            headers = [*headers, ("Content-Type", how.content_type)]
        if how.expect:
            headers = [*headers, ("Expect", "100-continue")]
        return head("POST", target, [*headers, ("Content-Length", str(len(body)))]), body

    def agent(self) -> Fields:
        return [("User-Agent", self.generation.user_agent)] if self.generation.user_agent else []

    def signed(self, method: str, url: str, fields: Fields, **changes: str) -> Fields:
        """The OAuth parameters with the signature."""
        how = self.generation
        oauth = {
            "oauth_nonce": how.nonce(),
            "oauth_timestamp": str(int(time.time())),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_consumer_key": self.key,
            "oauth_version": "1.0",
            **changes,
        }
        if how.body_hash and method == "GET":
            oauth["oauth_body_hash"] = body_hash("")
        pairs = [*((how.as_decoded(name), how.as_decoded(value)) for name, value in fields), *oauth.items()]
        url = url.lower() if how.lower_case_url else url
        return [*oauth.items(), ("oauth_signature", oauth_signature(method, url, pairs, self.secret))]

    def header(self, oauth: Fields) -> str:
        how = self.generation
        parts = [f'{percent(name)}="{percent(value)}"' for name, value in oauth]
        if how.realm:
            parts = [f'realm="http://{urlsplit(self.root).hostname}/"', *parts]
        return f"OAuth {how.separator.join(parts)}" + ("," if how.trailing_comma else "")

    def encoded(self, fields: Fields) -> str:
        escape, charset = self.generation.escape, self.generation.charset
        return "&".join(f"{escape(name)}={escape(value, safe='', encoding=charset)}" for name, value in fields)

    def doubled(self, fields: Fields) -> str:
        """The form again, as .NET puts it into the query: joined without escaping, then made a URL."""
        return quote("&".join(f"{name}={value}" for name, value in fields), safe="&=+%,;:/@")
