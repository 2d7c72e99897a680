"""The requester's side of the REST API (PROTOCOL §2)."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote
from uuid import UUID

import requests
from urllib3.exceptions import HTTPError

from .exceptions import (
    AmbiguousUserError,
    InvalidReplyError,
    RateLimitError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    UserUnknownError,
    refusal,
)
from .resources import AuthenticationRequest, Pairing, User, UserTerminal
from .transport import MAX_REPLY_BYTES, ServiceSession, service_root

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_TOO_SLOW = "The service did not answer in time"


class ToopherApi:
    """Calls a Toopher service in the name of one requester.

    ``api_url`` is the API's root with its version, as in ``https://2fa.example.org/toopher/v1``. ``timeout``
    is how many seconds one call may take in all, from looking up the host's name to the last byte of the
    reply.

    Further keywords of a method are sent as they are, and win over what the method would send by itself.

    Every method raises a `ToopherApiError` when there is no good answer, and never asks twice by itself:
    whether a request that failed half-way was carried out is not known here. No redirect is followed.

    ``session`` is an `OAuth1Session`, on which callers may ``mount()`` a transport adapter of their own, best
    at ``base_url``. Several threads may use one `ToopherApi` at the same time: signing keeps no state between
    requests, the session keeps no cookies, and its pool of connections has a lock.
    """

    def __init__(self, key: str, secret: str, api_url: str | None = None, *, timeout: float = 5.0) -> None:
        if not key or not secret:
            raise ValueError("A requester needs a key and a secret")
        self.base_url = service_root(api_url)
        self.timeout = timeout
        self.session = ServiceSession(key, secret)

    def pair(self, username: str, phrase_or_num: str | None = None, **kwargs: Any) -> Pairing:
        """Begin to pair a phone with a user: by the phrase that the phone shows, by SMS, or by QR code.

        What contains a digit is a phone number (phrases never do); with neither it is a QR code, see
        `Pairing.get_qr_code_image`. The pairing is pending until the user allows it on the phone.
        """
        if not phrase_or_num:
            return Pairing(self.post("pairings/create/qr", **{"user_name": username, **kwargs}))
        by_sms = any(character.isdigit() for character in phrase_or_num)
        path, name = ("pairings/create/sms", "phone_number") if by_sms else ("pairings/create", "pairing_phrase")
        return Pairing(self.post(path, **{"user_name": username, name: phrase_or_num, **kwargs}))

    def get_pairing_by_id(self, pairing_id: str) -> Pairing:
        """Fetch a pairing."""
        return Pairing(self.get(self.path("pairings", pairing_id)))

    def authenticate(
        self, id_or_username: str, terminal: str, action_name: str | None = None, **kwargs: Any
    ) -> AuthenticationRequest:
        """Ask a user's phone to approve an action; returns at once, while the request is pending.

        With a pairing's id (anything that parses as a UUID), ``terminal`` is the terminal's name. With a
        user's name it is the terminal's secret id, and ``terminal_name=`` says what to call the terminal.
        Further keywords are those of PROTOCOL §2.3, such as ``automation_allowed=False``. Where names of
        users may be UUIDs, ``post`` to ``authentication_requests/initiate`` with ``user_name=`` says
        unmistakably who is meant.
        """
        if _is_uuid(id_or_username):
            subject = {"pairing_id": id_or_username, "terminal_name": terminal}
        else:
            subject = {"user_name": id_or_username, "terminal_name_extra": terminal}
        path = "authentication_requests/initiate"
        return AuthenticationRequest(self.post(path, **{**subject, "action_name": action_name, **kwargs}))

    def get_authentication_request_by_id(self, authentication_request_id: str) -> AuthenticationRequest:
        """Fetch an authentication request, to learn whether it was answered."""
        path = self.path("authentication_requests", authentication_request_id)
        return AuthenticationRequest(self.get(path))

    def create_user(self, username: str, **kwargs: Any) -> User:
        """Make a user known to the service."""
        return User(self.post("users/create", **{"name": username, **kwargs}))

    def reset_user(self, username: str) -> bool:
        """Remove all pairings of a user, who has to pair again. True, as the reference client has it."""
        self.post("users/reset", name=username)  # the seed's word; others say user_name (PROTOCOL §2.1, row 19)
        return True

    def get_user_by_id(self, user_id: str) -> User:
        """Fetch a user."""
        return User(self.get(self.path("users", user_id)))

    def create_user_terminal(
        self, username: str, terminal_name: str, requester_terminal_id: str, **kwargs: Any
    ) -> UserTerminal:
        """Name the terminal with this secret id for a user; renames it if the user has it already."""
        terminal = {"user_name": username, "name": terminal_name, "name_extra": requester_terminal_id}
        return UserTerminal(self.post("user_terminals/create", **{**terminal, **kwargs}))

    def get_user_terminal_by_id(self, terminal_id: str) -> UserTerminal:
        """Fetch a terminal."""
        return UserTerminal(self.get(self.path("user_terminals", terminal_id)))

    def enable_user(self, username: str) -> User:
        """Switch the second factor on for a user.

        Raises `UserUnknownError` or `AmbiguousUserError` where not exactly one user has that very name.
        """
        user = self._find_user(username)
        user.enable(self)
        return user

    def disable_user(self, username: str) -> User:
        """Switch the second factor off for a user; raises as `enable_user` does."""
        user = self._find_user(username)
        user.disable(self)
        return user

    def get_pairing_reset_link(self, pairing_id: str, **kwargs: Any) -> str:
        """Make a link by which a user who lost the phone removes the pairing.

        Keywords: ``security_question`` and ``security_answer``.
        """
        reply = self.post(self.path("pairings", pairing_id, "generate_reset_link"), **kwargs)
        url = reply.get("url") if isinstance(reply, dict) else None
        if not isinstance(url, str):
            raise InvalidReplyError("The service's reply has no 'url' that is a str", status=200)
        return url

    def email_pairing_reset_link_to_user(self, pairing_id: str, email: str, **kwargs: Any) -> bool:
        """Have the service mail such a link to the user. True, as the reference client has it."""
        self.post(self.path("pairings", pairing_id, "send_reset_link"), **{"reset_email": email, **kwargs})
        return True

    def get(self, endpoint: str, **kwargs: Any) -> Any:
        """GET any endpoint of the API, such as ``users``, with the keywords as its query.

        Returns the decoded JSON, a dict or a list. Keywords that are None are left out, True and False are
        sent as those words.
        """
        return _decoded(self._request("GET", endpoint, query=kwargs))

    def post(self, endpoint: str, **kwargs: Any) -> Any:
        """POST to any endpoint of the API, with the keywords as its form; otherwise as `get`."""
        return _decoded(self._request("POST", endpoint, form=kwargs))

    def get_bytes(self, endpoint: str, **kwargs: Any) -> bytes:
        """GET an endpoint that answers something else than JSON, an image for one."""
        return self._request("GET", endpoint, query=kwargs)

    @staticmethod
    def path(*segments: str) -> str:
        """Join ids and names to an endpoint. Whatever an id contains, it stays one segment of the path.

        Raises `ValueError` for a segment that can't be written as one: an empty one, ``.`` and ``..``.
        """
        if not {"", ".", ".."}.isdisjoint(segments):
            raise ValueError("An id is empty, or made of dots alone")
        return "/".join(quote(segment, safe="") for segment in segments)

    def _find_user(self, username: str) -> User:
        found = self.get("users", user_name=username)  # the seed's word; others say name (PROTOCOL §2.1, row 16)
        if not isinstance(found, list):
            raise InvalidReplyError("The service's reply is not a list of users", status=200)
        # whatever the service lists, nobody of another name is meant (S12)
        users = [user for user in map(User, found) if user.name == username]
        if not users:
            raise UserUnknownError("No user has that name")
        if len(users) > 1:
            raise AmbiguousUserError(f"{len(users)} users have that name")
        return users[0]

    def _request(
        self,
        method: str,
        endpoint: str,
        query: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Send one request and return the body of its reply, if that is a success."""
        endpoint = endpoint.lstrip("/")
        started = time.monotonic()
        try:
            with self.session.request(
                method,
                f"{self.base_url}/{endpoint}",
                params=_texts(query or {}),
                data=_texts(form or {}),
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(response, started)
        except (requests.RequestException, HTTPError) as exc:
            raise self._failure(exc, started) from exc
        logger.debug("%s %s: %d", method, endpoint, response.status_code)
        if response.status_code != 200:  # success is exactly 200 (PROTOCOL §1.5)
            _raise_reported_error(response, body)
        return body

    def _read(self, response: requests.Response, started: float) -> bytes:
        """Read the body, within limits of time and size that a mounted adapter may not know of."""
        # unpacking could make very many bytes of a few (S15)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise InvalidReplyError("The service's reply is compressed", status=response.status_code)
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                raise InvalidReplyError("The service's reply is too long", status=response.status_code)
            if self._is_late(started):
                raise ServiceTimeoutError(_TOO_SLOW)
        return bytes(body)

    def _failure(self, exc: Exception, started: float) -> ServiceUnavailableError:
        # a timeout while the body is read is a ConnectionError to requests
        if isinstance(exc, requests.Timeout) or self._is_late(started):
            return ServiceTimeoutError(_TOO_SLOW)
        return ServiceUnavailableError(f"The service can't be reached ({type(exc).__name__})")

    def _is_late(self, started: float) -> bool:
        return time.monotonic() - started >= self.timeout


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if value is not None}


def _decoded(body: bytes, status: int = 200) -> Any:
    """Decode a reply, which has to be an object or a list (PROTOCOL §1.5)."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError) as exc:  # RecursionError: lists within lists, without end
        raise InvalidReplyError("The service's reply is not JSON", status=status) from exc
    if not isinstance(reply, dict | list):
        raise InvalidReplyError("The service's reply is neither an object nor a list", status=status)
    return reply


def _raise_reported_error(response: requests.Response, body: bytes) -> NoReturn:
    """Raise the error that a reply other than 200 stands for (PROTOCOL §2.5)."""
    status = response.status_code
    if status < 400:
        raise InvalidReplyError(f"The service answered {status}, no result and no error", status=status)
    code, message = _error_fields(_decoded(body, status), status)
    if status >= 500:
        raise ServiceUnavailableError(message, status=status, code=code)
    error = refusal(code, message, status=status)
    if isinstance(error, RateLimitError):
        error.retry_after = _retry_after(response)
    raise error


def _error_fields(reply: Any, status: int) -> tuple[int, str]:
    if isinstance(reply, dict):
        code, message = reply.get("error_code"), reply.get("error_message")
        if type(code) is int and isinstance(message, str):
            return code, message
    raise InvalidReplyError("The service reported an error, but not which", status=status)


def _retry_after(response: requests.Response) -> int | None:
    seconds = response.headers.get("Retry-After", "")
    return int(seconds) if re.fullmatch("[0-9]{1,9}", seconds) else None
