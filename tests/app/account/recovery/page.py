"""The pages for recovery codes: one is typed, new ones are read."""

from __future__ import annotations

import re

from ..page import RECOVER


def recover(computer, code):
    return computer.post(RECOVER, {"code": code})


def made(response) -> list[str]:
    return re.findall("<code>([^<]+)</code>", response.content.decode())
