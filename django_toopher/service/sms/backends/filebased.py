"""Writes each message to a file of its own below the option ``path``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from .. import SmsMessage
from .base import BaseSmsBackend


class SmsBackend(BaseSmsBackend):
    """Files are named by time, so they sort."""

    def __init__(self, *, path: str | PathLike[str]) -> None:
        if not isinstance(path, str | PathLike) or not str(path).strip():
            raise ImproperlyConfigured("path must be the path of a folder.")
        self._folder = Path(path)

    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Write them; the folder is made when it is missing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for message in messages:
            name = f"{timezone.now():%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.txt"
            (self._folder / name).write_text(f"SMS to {message.to}\n{message.text}\n", encoding="utf-8")
        return len(messages)
