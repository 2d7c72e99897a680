"""Phone numbers as people write them, to E.164 as gateways want them."""

from __future__ import annotations

import re

from ..errors import BadParameterError

NORTH_AMERICA = "1"

_PUNCTUATION = re.compile(r"[\s()./\u2010-\u2015-]+")


def normalized(number: str, country: str = NORTH_AMERICA) -> str:
    """``number`` in E.164, ``+`` and 8 to 15 digits; ``BadParameterError`` for one that can't be.

    ``country`` is a calling code, digits only (PROTOCOL.md §2.2); it counts unless ``number`` begins with ``+``. Which
    zeros of a number are left out after the calling code differs from country to country, so none is.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,2}", country):
        raise BadParameterError("phone_country must be a calling code: 1 to 3 digits, such as 1 or 44.")
    digits = _PUNCTUATION.sub("", number)
    international = digits.removeprefix("+") if digits.startswith("+") else country + _national(digits, country)
    if not re.fullmatch(r"[1-9][0-9]{7,14}", international):
        raise BadParameterError("phone_number must be a phone number.")
    if international.startswith(NORTH_AMERICA) and len(international) != 11:
        raise BadParameterError("phone_number must have ten digits after the country's 1.")
    return f"+{international}"


def _national(digits: str, country: str) -> str:
    """In North America the 1 before long-distance calls is often written: it is the calling code."""
    is_long_distance = country == NORTH_AMERICA and len(digits) == 11 and digits.startswith("1")
    return digits[1:] if is_long_distance else digits
