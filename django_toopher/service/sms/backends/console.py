"""Writes messages to standard output, for development."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import SmsMessage
from .base import BaseSmsBackend


class SmsBackend(BaseSmsBackend):
    """One paragraph for each message."""

    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        for message in messages:
            sys.stdout.write(f"SMS to {message.to}\n{message.text}\n\n")
        sys.stdout.flush()
        return len(messages)
