"""What the service has told about pairings, authentication requests, terminals and users (PROTOCOL §2.4).

Each object is a snapshot. Keys of a reply without an attribute of their own can be read as attributes too. A
reply without a field that its object needs raises `InvalidReplyError`, and changes nothing where it should
have refreshed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from .exceptions import InvalidReplyError

_Kind = TypeVar("_Kind")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Api(Protocol):
    """What these objects need of a `ToopherApi`, which makes them: neither module has to know the other."""

    def get(self, endpoint: str, **kwargs: Any) -> Any:
        """Decoded JSON."""

    def post(self, endpoint: str, **kwargs: Any) -> Any:
        """Decoded JSON."""

    def get_bytes(self, endpoint: str, **kwargs: Any) -> bytes:
        """Something else than JSON."""

    def path(self, *segments: str) -> str:
        """An endpoint, of ids and names."""

    def reset_user(self, username: str) -> bool:
        """Remove all pairings of a user."""


class Resource:
    """One thing that the service knows by its ``id``; ``raw`` is all that it told.

    Two are equal if they are of one kind and the service told the same of both.
    """

    id: str
    raw: dict[str, Any]

    def __init__(self, reply: Any) -> None:
        self._update(reply)

    def __getattr__(self, name: str) -> Any:
        raw = self.__dict__.get("raw", {})  # none yet while it is unpickled
        if name.startswith("_") or name not in raw:
            raise AttributeError(f"{type(self).__name__!r} has no {name!r}")
        return raw[name]

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, type(self)) else NotImplemented

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def _update(self, reply: Any) -> None:
        """Take over what the service told, all of it or nothing."""
        if not isinstance(reply, dict):
            raise InvalidReplyError(f"The service described no {type(self).__name__}")
        fields = {"id": _field(reply, "id", str), "raw": reply, **self._parse(reply)}
        if self.__dict__.get("id", fields["id"]) != fields["id"]:
            raise InvalidReplyError(f"The service described another {type(self).__name__}")
        self.__dict__.update(fields)

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class User(Resource):
    """A user of this requester.

    ``toopher_authentication_enabled`` and its opposite ``disable_toopher_auth`` are read from whichever of
    the two the service sent.
    """

    name: str
    toopher_authentication_enabled: bool
    disable_toopher_auth: bool

    def refresh_from_server(self, api: Api) -> None:
        """Ask for this user again."""
        self._update(api.get(api.path("users", self.id)))

    def enable(self, api: Api) -> None:
        """Switch the second factor on for this user."""
        self._set_disabled(api, disabled=False)

    def disable(self, api: Api) -> None:
        """Switch the second factor off for this user."""
        self._set_disabled(api, disabled=True)

    def reset(self, api: Api) -> bool:
        """Remove all the user's pairings; the user has to pair again. True, as the reference client has it."""
        return api.reset_user(self.name)

    def _set_disabled(self, api: Api, *, disabled: bool) -> None:
        self._update(api.post(api.path("users", self.id), disable_toopher_auth=disabled))

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        enabled = _is_enabled(reply)
        return {
            "name": _field(reply, "name", str),
            "toopher_authentication_enabled": enabled,
            "disable_toopher_auth": not enabled,
        }


class OfUser(Resource):
    """Something of a user, who can be read from it at once, as sites do that know the reference client."""

    user: User

    @property
    def user_id(self) -> str:
        return self.user.id

    @property
    def user_name(self) -> str:
        return self.user.name


class UserTerminal(OfUser):
    """A computer at which a user logs in.

    ``name_extra`` and ``requester_specified_id`` are two names of the terminal's secret id.
    """

    name: str
    name_extra: str
    requester_specified_id: str

    def refresh_from_server(self, api: Api) -> None:
        """Ask for this terminal again."""
        self._update(api.get(api.path("user_terminals", self.id)))

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        key = "name_extra" if "name_extra" in reply else "requester_specified_id"
        extra = _field(reply, key, str)
        return {
            "name": _field(reply, "name", str),
            "name_extra": extra,
            "requester_specified_id": extra,
            "user": User(reply.get("user")),
        }


class Action(Resource):
    """What an authentication request asks approval for."""

    name: str

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        return {"name": _field(reply, "name", str)}


class Pairing(OfUser):
    """One user bound to one phone. True as long as it is ``enabled``."""

    enabled: bool
    pending: bool
    deactivated: bool

    def __bool__(self) -> bool:
        return self.enabled

    def refresh_from_server(self, api: Api) -> None:
        """Ask for this pairing again, to learn whether the user has allowed it."""
        self._update(api.get(api.path("pairings", self.id)))

    def get_qr_code_image(self, api: Api) -> bytes:
        """Fetch the PNG image that the phone scans to complete this pairing."""
        image = api.get_bytes(api.path("qr", "pairings", self.id))
        if not image.startswith(_PNG_SIGNATURE):
            raise InvalidReplyError("The service sent something else than a PNG image", status=200)
        return image

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        return {
            "enabled": _field(reply, "enabled", bool),
            "pending": _field(reply, "pending", bool),
            "deactivated": _field(reply, "deactivated", bool, default=False),
            "user": User(reply.get("user")),
        }


class AuthenticationRequest(OfUser):
    """One question put to the phone. True once it was ``granted``."""

    pending: bool
    granted: bool
    automated: bool
    reason: str
    reason_code: int
    totp_valid: bool
    terminal: UserTerminal
    action: Action

    def __bool__(self) -> bool:
        return self.granted

    @property
    def terminal_id(self) -> str:
        return self.terminal.id

    @property
    def terminal_name(self) -> str:
        return self.terminal.name

    def refresh_from_server(self, api: Api) -> None:
        """Ask for this request again, to learn whether the user has answered."""
        self._update(api.get(api.path("authentication_requests", self.id)))

    def authenticate_with_otp(self, otp: str, api: Api, **kwargs: Any) -> None:
        """Answer the request with a one-time password, and take over what became of it."""
        path = api.path("authentication_requests", self.id, "otp_auth")
        self._update(api.post(path, **{"otp": otp, **kwargs}))

    def _parse(self, reply: dict[str, Any]) -> dict[str, Any]:
        return {
            "pending": _field(reply, "pending", bool),
            "granted": _field(reply, "granted", bool),
            "automated": _field(reply, "automated", bool),
            "reason": _field(reply, "reason", str),
            "reason_code": _field(reply, "reason_code", int, default=0),
            "totp_valid": _field(reply, "totp_valid", bool, default=False),
            "terminal": UserTerminal(reply.get("terminal")),
            "user": User(reply.get("user")),
            "action": Action(reply.get("action")),
        }


def _field(reply: Mapping[str, Any], name: str, kind: type[_Kind], *, default: _Kind | None = None) -> _Kind:
    value = reply.get(name, default)
    if type(value) is not kind:  # an int is no bool, though Python thinks that a bool is an int
        raise InvalidReplyError(f"The service's reply has no {name!r} that is a {kind.__name__}", status=200)
    return value


def _is_enabled(reply: Mapping[str, Any]) -> bool:
    if "toopher_authentication_enabled" in reply:
        return _field(reply, "toopher_authentication_enabled", bool)
    return not _field(reply, "disable_toopher_auth", bool)
