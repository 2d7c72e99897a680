"""What the service answers when it will not do what it was asked.

::

    ServiceError                    status, error_code, message, reason
    ├── BadParameterError           400
    ├── NotSignedError              401  any failure of a signature, with one text
    │   └── ReplayedError, ClockError   told apart only to an authenticator, which has proved its key
    ├── NotAllowedError             403
    │   └── WrongNumberError
    ├── NotFoundError               404
    ├── UserDisabledError           409/704
    ├── UserUnknownError            409/705
    ├── TerminalUnknownError        409/706
    ├── PairingDeactivatedError     409/707
    ├── PairingNotAuthorizedError   409/601
    ├── MismatchError               409  the authenticator showed something else
    ├── GoneError                   409  answered, expired, cancelled, removed
    ├── MethodError                 405
    ├── TooManyError                429  retry_after in seconds

``error_code`` and the texts of 401, 6xx and 7xx follow PROTOCOL.md §2.5: published clients match them, so they are not
translated; the others are for people. ``reason`` is the
slug of docs/authenticator.rst.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ServiceError(Exception):
    """The root: an HTTP ``status``, an integer ``error_code``, a ``message`` for people, a ``reason`` for programs."""

    status = 400
    error_code: int | None = None
    message: str | Promise = _("The request could not be carried out.")
    reason = "bad_request"

    def __init__(self, message: str | Promise | None = None) -> None:
        self.message = str(message or self.message)
        super().__init__(self.message)

    def details(self) -> dict[str, Any]:
        """What the reply says beside code and message."""
        return {}


class BadParameterError(ServiceError):
    """A parameter is missing or wrong."""


class NotSignedError(ServiceError):
    """The signature does not hold, for whatever cause: the caller learns no more (SECURITY.md S20)."""

    status = 401
    message = "Not a valid OAuth signed request"
    reason = "bad_signature"


class ReplayedError(NotSignedError):
    """A nonce was used before."""

    reason = "replayed"


class ClockError(NotSignedError):
    """The caller's clock is too far off."""

    reason = "clock"


class MethodError(ServiceError):
    """The call knows another HTTP method only."""

    status = 405


class NotAllowedError(ServiceError):
    """The caller may not do this."""

    status = 403
    message = _("Not allowed.")
    reason = "not_allowed"


class WrongNumberError(NotAllowedError):
    """The number typed on the phone is not the one shown at the terminal."""

    message = _("That is not the number at the computer.")
    reason = "wrong_number"

    def __init__(self, attempts_left: int) -> None:
        self.attempts_left = attempts_left
        super().__init__()

    def details(self) -> dict[str, Any]:
        """How many tries remain."""
        return {"attempts_left": self.attempts_left}


class NotFoundError(ServiceError):
    """No such thing for this caller."""

    status = 404
    message = _("Not found.")
    reason = "not_found"


class UserDisabledError(ServiceError):
    """The user's second factor is switched off."""

    status = 409
    error_code = 704
    message = "The specified user has disabled Toopher authentication."


class UserUnknownError(ServiceError):
    """The requester has no such user, or the user never paired."""

    status = 409
    error_code = 705
    message = "No matching user exists."


class TerminalUnknownError(ServiceError):
    """The user has no such terminal, and no name to create one with was given."""

    status = 409
    error_code = 706
    message = "No matching terminal exists."


class PairingDeactivatedError(ServiceError):
    """The pairing was removed."""

    status = 409
    error_code = 707
    message = "Not allowed: This pairing has been deactivated."


class PairingNotAuthorizedError(ServiceError):
    """The pairing was never confirmed on the phone."""

    status = 409
    error_code = 601
    message = "Pairing has not been authorized to authenticate"


class LastPhoneError(ServiceError):
    """The site wants its user to keep a phone, and this is the only one."""

    status = 409
    message = _("This is the only phone. Pair another one before you remove it.")
    reason = "last_phone"


class MismatchError(ServiceError):
    """What the authenticator says it showed is not what was asked (SECURITY.md S26)."""

    status = 409
    message = _("What the phone showed is not what was asked. Nothing was changed.")
    reason = "mismatch"


class GoneError(ServiceError):
    """It was answered already, or its time is over."""

    status = 409
    message = _("This was answered already, or its time is over.")
    reason = "gone"


class TooManyError(ServiceError):
    """Too many tries; ``retry_after`` is in seconds."""

    status = 429
    message = _("Too many tries. Please wait a moment.")
    reason = "too_many"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()
