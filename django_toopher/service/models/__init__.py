"""What the service knows: requesters and their users, authenticators, pairings, terminals, requests.

Names that people choose are found by a SHA-256 digest beside them, never by the text itself: collations that fold case,
accents or trailing spaces (MariaDB's default does) must not make one user another (SECURITY.md S12).
"""

from .authenticators import Authenticator, PairingPhrase, PushSubscription
from .automations import Automation
from .counts import SpentNonce, Tally
from .frames import Frame
from .pairings import Pairing, ResetLink
from .requesters import Action, Requester, validate_origins
from .requests import Alarm, AuthenticationRequest
from .rows import NAME_LENGTH, Dated, digest, only
from .users import PregeneratedCode, Terminal, User

__all__ = [
    "NAME_LENGTH",
    "Action",
    "Alarm",
    "AuthenticationRequest",
    "Authenticator",
    "Automation",
    "Dated",
    "Frame",
    "Pairing",
    "PairingPhrase",
    "PregeneratedCode",
    "PushSubscription",
    "Requester",
    "ResetLink",
    "SpentNonce",
    "Tally",
    "Terminal",
    "User",
    "digest",
    "only",
    "validate_origins",
]
