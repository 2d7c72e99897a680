"""The clock by which a session is compared now and then."""

from __future__ import annotations

import time


def later(seconds, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
