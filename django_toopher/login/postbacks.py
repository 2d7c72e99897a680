"""What the service has signed, and nothing else, is believed (SECURITY.md S01, S02)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..client import PostbackError, ToopherApiError, ToopherIframe
from ..errors import InvalidPostbackError
from ..models import Attempt
from ..session.state import Pending
from . import attempts

logger = logging.getLogger(__name__)

AGE = 100
"""Seconds from the service's signature to our verification: a page that posts at once needs few, a clock may be off."""


def verified(
    iframe: ToopherIframe,
    pending: Pending | None,
    attempt: Attempt,
    fields: Mapping[str, Any],
    kind: str,
    age: int = AGE,
) -> dict[str, str]:
    """The fields that the service signed for this attempt; its signed errors become ours."""
    token = pending.token if pending else None
    try:
        return iframe.validate_postback(fields, token, ttl=age, resource_type=kind)
    except PostbackError as exc:
        logger.warning("postback refused: %s", type(exc).__name__, extra={"attempt": attempt.pk.hex})
        raise InvalidPostbackError from exc
    except ToopherApiError as exc:
        attempts.refuse(attempt, exc)
