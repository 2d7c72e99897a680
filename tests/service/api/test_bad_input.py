"""REST: whatever is sent is answered (SECURITY.md S35)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ..callers import rows
from ..shapes import NOBODY
from .calls import CALLS, at, every_call

PARAMETERS = sorted({name for _, _, fields in CALLS for name in fields} | {"user_id", "pairing_id", "format", "action"})


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "n" * 3000, "True", "None", "-1", "[[[[", NOBODY, "%00", "\ufffd"]
)


@pytest.mark.slow
@every_call
def test_S35_whatever_is_sent_is_answered_with_a_result_or_a_4xx(caller, method, endpoint, fields):
    @given(extra=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4), doubled=st.booleans())
    @hypothesis_settings(max_examples=12, deadline=None)
    def send(extra, doubled):
        before = rows()
        pairs = [*fields.items(), *extra.items()] if doubled else [*{**fields, **extra}.items()]
        response = caller.send(method, at(endpoint), pairs)
        assert response.status_code == 200 or 400 <= response.status_code < 500
        if response.status_code != 200:
            told = json.loads(response.content)
            assert told.keys() >= {"error_code", "error_message"}
            made = {"Tally"} | ({"User"} if told["error_code"] == 705 else set())  # wrong phrases are counted
            assert {name for name, count in rows().items() if count != before[name]} <= made

    send()
