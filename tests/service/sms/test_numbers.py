"""Phone numbers as people write them."""

from __future__ import annotations

import pytest

from django_toopher.service.errors import BadParameterError
from django_toopher.service.sms.numbers import normalized
from tests.tables import table

from .acts import NUMBER


@table(
    ("number", "country", "expected"),
    [
        ("555-555-5555", "1", NUMBER),
        ("(555) 555.5555", "1", NUMBER),
        ("1 555 555 5555", "1", NUMBER),
        ("+1 555/555-5555", "1", NUMBER),
        ("+1 (555) 555\u20115555", "44", NUMBER),
        ("5555555555", "1", NUMBER),
        ("\t555 555\u00a05555 ", "1", NUMBER),
        ("7911 123456", "44", "+447911123456"),
        ("+447911123456", "1", "+447911123456"),
        ("06 1234 5678", "39", "+390612345678"),
        ("151 23456789", "49", "+4915123456789"),
    ],
)
def test_a_number_is_taken_as_people_write_it(number, country, expected):
    assert normalized(number, country) == expected


@table(
    "number",
    ["", "+", "++15555555555", "1+5555555555", "555555555", "+1555555555", "+0155555555", "1" * 16, "abc", "5;5"],
)
def test_what_is_no_number_is_refused(number):
    with pytest.raises(BadParameterError):
        normalized(number)
