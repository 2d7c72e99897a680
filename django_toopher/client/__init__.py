"""The requester's side of the Toopher protocol, in plain Python: no Django anywhere in here.

`ToopherApi` calls the service, `ToopherIframe` shows its pages and verifies what they bring back. What the
calls return is in `resources`, what they raise in `exceptions`.
"""

from .api import ToopherApi
from .exceptions import (
    AmbiguousUserError,
    ExpiredError,
    FutureDatedError,
    InvalidReplyError,
    KindError,
    MalformedPostbackError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    PostbackError,
    RateLimitError,
    RequestRefusedError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    SignatureError,
    SignatureValidationError,
    TerminalUnknownError,
    TokenError,
    ToopherApiError,
    ToopherError,
    UserDisabledError,
    UserMismatchError,
    UserUnknownError,
)
from .iframe import ToopherIframe
from .resources import Action, AuthenticationRequest, Pairing, User, UserTerminal
from .signatures import is_signed_postback, sign_postback
from .transport import DEFAULT_BASE_URL

__all__ = [
    "DEFAULT_BASE_URL",
    "Action",
    "AmbiguousUserError",
    "AuthenticationRequest",
    "ExpiredError",
    "FutureDatedError",
    "InvalidReplyError",
    "KindError",
    "MalformedPostbackError",
    "Pairing",
    "PairingDeactivatedError",
    "PairingNotAuthorizedError",
    "PostbackError",
    "RateLimitError",
    "RequestRefusedError",
    "ServiceTimeoutError",
    "ServiceUnavailableError",
    "SignatureError",
    "SignatureValidationError",
    "TerminalUnknownError",
    "TokenError",
    "ToopherApi",
    "ToopherApiError",
    "ToopherError",
    "ToopherIframe",
    "User",
    "UserDisabledError",
    "UserMismatchError",
    "UserTerminal",
    "UserUnknownError",
    "is_signed_postback",
    "sign_postback",
]
