"""What an operator sees of the service. Secrets are not among it."""

from .records import AlarmAdmin, AuthenticationRequestAdmin, AuthenticatorAdmin, AutomationAdmin, PairingAdmin
from .requesters import RequesterAdmin
from .users import UserAdmin

__all__ = [
    "AlarmAdmin",
    "AuthenticationRequestAdmin",
    "AuthenticatorAdmin",
    "AutomationAdmin",
    "PairingAdmin",
    "RequesterAdmin",
    "UserAdmin",
]
