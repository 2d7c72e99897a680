"""What every back end is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .. import SmsMessage


class BaseSmsBackend(ABC):
    """Made without arguments for each call of ``sms.send``."""

    @abstractmethod
    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Send them; how many were sent. Raises ``SmsError``, and ``OptedOutError`` for a number that wants none."""
