"""Whatever is sent to the account page: a clear answer, never a fault of ours, and nothing changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_toopher.service.models import Terminal

from ..acts import ACCOUNT_POSTBACK, LOGIN, POSTBACK, undone
from ..ways import PATH, RECOVER, STEP_UP
from .input import FIELDS, everything, forms, fuzzed, texts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]

PHONES = "/accounts/phones/change/"


@fuzzed
@given(fields=forms(*FIELDS), mix=st.booleans())
def test_S01_whatever_is_posted_in_place_of_a_change_of_phones(fields, mix, alices, changed, before):
    if mix:
        fields = {**changed, **fields, "toopher_sig": fields.get("toopher_sig", "x")}
    with undone(alices):
        assert alices.post(ACCOUNT_POSTBACK, fields).status_code == 403
        assert everything() == before


@fuzzed
@given(fields=forms("phrase", "phone"), step=st.sampled_from(["phrase", "remove", "pair", "", "x"]))
def test_S17_whatever_is_posted_to_change_phones(fields, step, alices, settings, before):
    settings.TOOPHER_EMBED = "native"
    with undone(alices):
        assert alices.post(PHONES, {**fields, "step": step}).status_code in {302, 403}
        assert everything() == before


@fuzzed
@given(fields=forms("computer", "name", "forget"))
def test_S17_whatever_is_posted_about_computers(fields, alices, before):
    with undone(alices):
        assert alices.post("/accounts/phones/computer/", fields).status_code == 302
        assert everything() == before


@fuzzed
@given(name=texts)
def test_a_computer_takes_any_name_or_keeps_its_own(name, alices):
    terminal = Terminal.objects.filter(user__name="alice").first()
    response = alices.post("/accounts/phones/computer/", {"computer": str(terminal.pk), "name": name})
    assert response.status_code == 302
    kept = Terminal.objects.get(pk=terminal.pk).name
    assert kept
    assert kept.isprintable()
    assert len(kept) <= 100
    assert alices.get("/accounts/phones/").status_code == 200


@settings(fuzzed, max_examples=15)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/json",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "",
        ]
    ),
)
def test_S35_whatever_bytes_are_posted(body, kind, alices, before):
    with undone(alices):
        for path in (POSTBACK, ACCOUNT_POSTBACK, RECOVER, PHONES, "/accounts/phones/computer/", STEP_UP, LOGIN, PATH):
            response = alices.client.post(path, body, content_type=kind, secure=True)
            assert response.status_code in {200, 302, 400, 403}, path
        assert everything() == before
