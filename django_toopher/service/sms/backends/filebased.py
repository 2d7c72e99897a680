"""Writes each message to a file of its own below ``TOOPHER_SERVICE_SMS_FILE_PATH``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from ...conf import conf
from .. import SmsMessage
from .base import BaseSmsBackend


class SmsBackend(BaseSmsBackend):
    """Files are named by time, so they sort."""

    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Write them; the folder is made when it is missing."""
        if conf.TOOPHER_SERVICE_SMS_FILE_PATH is None:
            raise ImproperlyConfigured("TOOPHER_SERVICE_SMS_FILE_PATH is not set.")
        folder = Path(conf.TOOPHER_SERVICE_SMS_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for message in messages:
            name = f"{timezone.now():%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.txt"
            (folder / name).write_text(f"SMS to {message.to}\n{message.text}\n", encoding="utf-8")
        return len(messages)
