"""Whatever is sent to the support desk: a clear answer, never a fault of ours, and nothing changed."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ..acts import undone
from ..admin.desk import ACCOUNTS, ATTEMPTS, RUNS
from .input import everything, forms, fuzzed, values

pytestmark = [
    pytest.mark.slow,
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


@fuzzed
@given(fields=forms("press", "verb", "action", "_selected_action"), query=forms("page", "outcome"))
def test_S16_whatever_is_pressed(fields, query, support_desk, account, run, before):
    page = f"{RUNS}{run.pk}/change/"
    with undone(support_desk):
        assert support_desk.post(page, fields).status_code == 400
        assert support_desk.post(f"{ACCOUNTS}{account.pk}/support/", fields).status_code == 404
        assert support_desk.get(page, data=query).status_code == 200
        assert everything() == before


FILTERS = [
    "q",
    "p",
    "o",
    "all",
    "outcome__exact",
    "kind__exact",
    "method__exact",
    "created__gte",
    "created__year",
    "used",
]
FILTERS += ["verb__exact", "enabled__exact", "user__isempty", "deleted", "created__day", "e", "nonsense", "outcome__in"]


@settings(fuzzed, max_examples=30)
@given(query=st.dictionaries(st.sampled_from(FILTERS), values, max_size=3))
@example(query={"created__year": "9" * 30})
@example(query={"created__year": "0", "created__day": "9" * 30})
@example(query={"outcome__exact": "\0"})
def test_S16_whatever_a_list_is_filtered_by(query, support_desk):
    for page in (ATTEMPTS, f"{ATTEMPTS}export/", ACCOUNTS, RUNS):
        response = support_desk.get(page, data=query)
        assert response.status_code in {200, 302, 400, 404}
        if response.streaming and not response.is_async:
            assert b"".join(response.streaming_content)
