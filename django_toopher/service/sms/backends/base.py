"""What every back end is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .. import SmsMessage


class BaseSmsBackend(ABC):
    """Made with the ``OPTIONS`` of ``TOOPHER_SERVICE_SMS`` for each call of ``sms.send``, and by the system checks.

    So ``__init__`` takes the options as keyword arguments and opens nothing. ``ImproperlyConfigured`` for a value that
    can't be used, without showing it.
    """

    @abstractmethod
    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Send them; how many were sent. Raises ``SmsError``, and ``OptedOutError`` for a number that wants none."""
