"""Everything that the client raises.

::

    ToopherError
    ├── ToopherApiError                   a call to the service came to nothing; has status, code, message
    │   ├── RequestRefusedError           the service understood the request and said no
    │   │   ├── UserDisabledError             704
    │   │   ├── UserUnknownError              705
    │   │   ├── TerminalUnknownError          706
    │   │   ├── PairingDeactivatedError       707
    │   │   │   └── PairingNotAuthorizedError     601
    │   │   └── RateLimitError                429, has retry_after
    │   ├── AmbiguousUserError            several users answer to one name
    │   └── ServiceUnavailableError       nobody there, or nobody who can answer (5xx)
    │       ├── ServiceTimeoutError           not within the time allowed
    │       └── InvalidReplyError             HTML, a redirect, half an answer, too much of one
    └── PostbackError                     what the browser brought back is not to be believed
        ├── MalformedPostbackError            not a flat set of texts, or no usable timestamp
        ├── SignatureError                    unsigned, altered, or signed by somebody else
        ├── ExpiredError                      older than its time to live
        ├── FutureDatedError                  from a time that has not come yet
        ├── TokenError                        not the answer to this session's question
        ├── KindError                         an answer to another kind of question
        └── UserMismatchError                 about another user

A postback that is genuine and tells of an error raises the `RequestRefusedError` of that error's code.

All of them can be pickled. None carries a secret, a signature or a token.
"""

from __future__ import annotations


class ToopherError(Exception):
    """Root of everything that this package's client raises on purpose."""


class ToopherApiError(ToopherError):
    """A call to the service came to nothing.

    ``message`` is text for operators, ``code`` the ``error_code`` of PROTOCOL §2.5, ``status`` the HTTP
    status. The last two are None where there was none, as in errors that arrive by postback.
    """

    code: int | None = None

    def __init__(self, message: str = "", *, status: int | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        if code is not None:
            self.code = code


class RequestRefusedError(ToopherApiError):
    """The service understood the request and said no; ``code`` says why."""


class UserDisabledError(RequestRefusedError):
    """The second factor is switched off for this user."""

    code = 704


class UserUnknownError(RequestRefusedError):
    """The service knows no such user, or one who never paired."""

    code = 705


class TerminalUnknownError(RequestRefusedError):
    """The service knows no such terminal, and was told no name for it."""

    code = 706


class PairingDeactivatedError(RequestRefusedError):
    """The pairing was removed; the user has to pair again."""

    code = 707


class PairingNotAuthorizedError(PairingDeactivatedError):
    """The user has not (yet) allowed the pairing on the phone. The reference client raises one class for both."""

    code = 601


class RateLimitError(RequestRefusedError):
    """Too many requests. ``retry_after`` is how many seconds to wait, None where the service didn't say."""

    code = 429
    retry_after: int | None = None


class AmbiguousUserError(ToopherApiError):
    """Several users of this requester have the same name, so that none of them is meant for certain."""


class ServiceUnavailableError(ToopherApiError):
    """No usable answer: the service can't be reached, or it failed (HTTP 5xx)."""


class ServiceTimeoutError(ServiceUnavailableError):
    """The service took longer than the time allowed for one call."""


class InvalidReplyError(ServiceUnavailableError):
    """Something answered, but not as a Toopher service does (PROTOCOL §1.5, §2.4)."""


class PostbackError(ToopherError):
    """A postback that must not be believed."""


class MalformedPostbackError(PostbackError):
    """Not a flat set of texts in which every name has one value, or without a usable timestamp."""


class SignatureError(PostbackError):
    """The postback is unsigned, was altered, or was signed with another secret."""


class ExpiredError(PostbackError):
    """The postback is older than its time to live."""


class FutureDatedError(PostbackError):
    """The postback's timestamp lies further in the future than clocks may differ."""


class TokenError(PostbackError):
    """The postback does not answer the request it was held against, or there was none to hold it against."""


class KindError(PostbackError):
    """The postback is genuine, but answers another kind of question."""


class UserMismatchError(PostbackError):
    """The postback is genuine, but about another user."""


SignatureValidationError = PostbackError
"""What the reference client raises for each of them."""


_BY_CODE: dict[int | None, type[RequestRefusedError]] = {
    refusal.code: refusal
    for refusal in (
        PairingNotAuthorizedError,
        UserDisabledError,
        UserUnknownError,
        TerminalUnknownError,
        PairingDeactivatedError,
        RateLimitError,
    )
}


def refusal(code: int | None, message: str, *, status: int | None = None) -> RequestRefusedError:
    """Make the error for an ``error_code`` of PROTOCOL §2.5: of its own class, or a `RequestRefusedError`."""
    return _BY_CODE.get(code, RequestRefusedError)(message, status=status, code=code)
