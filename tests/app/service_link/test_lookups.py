"""What the service tells of a person."""

from __future__ import annotations

from datetime import datetime, timezone

from django_toopher.connection import api
from django_toopher.service_link import lookups
from tests.tables import table

MOMENT = datetime(2026, 11, 24, 18, 14, 48, tzinfo=timezone.utc)


@table(
    ("told", "read"),
    [
        ("2026-11-24 18:14:48", MOMENT),
        ("2026-11-24T18:14:48Z", MOMENT),
        ("yesterday", None),
        ("2026-13-40 99:99:99", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_when_a_phone_was_paired_is_read_as_utc_or_not_at_all(elsewhere, told, read):
    elsewhere.forget()
    row = {"id": "1", "enabled": True, "created": told, "authenticator": {"name": "Pixel"}}
    elsewhere.will_answer([row])
    [phone] = lookups.phones(api(), "some-id")
    assert (phone.name, phone.created) == ("Pixel", read)


def test_standing_answers_and_computers_are_read_whatever_is_missing(elsewhere):
    whole = {
        "id": "7",
        "answer": "allow",
        "action": {"name": "Log In"},
        "terminal": {"name": "Laptop"},
        "network": "192.0.2.0/24",
        "expires": "2026-11-24 18:14:48",
        "last_used": "",
    }
    elsewhere.will_answer([whole, {"answer": "deny"}])
    assert lookups.automations(api(), "some-id") == [
        ("7", True, "Log In", "Laptop", "192.0.2.0/24", MOMENT, None),
        ("", False, "", "", "", None, None),
    ]
    elsewhere.will_answer([{"name": "Laptop", "created": "2026-11-24 18:14:48"}, {"name": None}])
    assert lookups.computers(api(), "some-id") == [("Laptop", MOMENT), ("", None)]


def test_S46_computers_that_were_asked_from_only_are_no_persons(elsewhere):
    rows = [{"name": str(each), "requester_specified_id": f"id of {each}", "approved": each} for each in (True, False)]
    rows += [{"name": "unsaid", "requester_specified_id": "unsaid"}, {"name": "strange", "approved": "yes"}]
    elsewhere.will_answer(rows)
    elsewhere.will_answer(rows)
    assert [each.name for each in lookups.computers(api(), "some-id")] == ["True", "unsaid", "strange"]
    assert lookups.approved_ids(api(), "some-id") == {"id of True"}
