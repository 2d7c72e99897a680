"""Who can report what (SECURITY.md S25, S26)."""

from __future__ import annotations

from django_toopher.service.models import Alarm, AuthenticationRequest, User
from tests.tables import table

from ...callers import RawPhone, at_once
from .acts import refusal, shown_of


def test_S24_reported_again_nothing_more_happens(
    admins, asked, paired, question, mailoutbox, heard, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        paired.report(question)
        before = User.objects.get().reported_until
        paired.report(question)
    assert (Alarm.objects.count(), len(mailoutbox), len(heard)) == (1, 1, 1)
    assert User.objects.get().reported_until == before


def test_S24_of_two_reports_at_once_one_raises_the_alarm(threaded_db, asked, paired, question, heard):
    assert at_once(*[lambda: refusal(paired.report, question)] * 4) == [None] * 4
    assert (Alarm.objects.count(), len(heard)) == (1, 1)


def test_S25_of_yes_and_report_at_once_one_wins(threaded_db, settings, api, make_phone, pair):
    settings.TOOPHER_SERVICE_LIMITS = {"unanswered": 5}
    phones = [make_phone(), make_phone()]
    for phone in phones:
        pair(phone)
    for _ in range(5):
        asked = api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
        question = phones[0].pending().requests[0]
        yes, report = at_once(
            lambda asked=asked, question=question: refusal(phones[0].approve, question, asked.number),
            lambda question=question: refusal(phones[1].report, question),
        )
        state = AuthenticationRequest.objects.get(pk=asked.id).state
        assert (state, report) in {("granted", "gone"), ("denied", None)}, (yes, report, state)
        assert (yes == "granted") == (state == "granted")
        User.objects.update(reported_until=None, failures=0)


def test_S26_another_phone_can_not_report(asked, pair, raw_phone, question):
    pair(raw_phone, "bob")
    response = raw_phone.call("report", request=asked.id, **shown_of(vars(question)))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert AuthenticationRequest.objects.get().state == "pending"


def test_S26_a_phone_that_was_removed_can_not_report(asked, api, pair, raw_phone, question):
    removed = pair(raw_phone)
    api.post(f"pairings/{removed}", deactivated=True)
    response = raw_phone.call("report", request=asked.id, **shown_of(vars(question)))
    assert (response.status_code, response.json()["reason"]) == (409, "gone")
    assert not Alarm.objects.exists()


@table("changed", [{"user": "bob"}, {"action": "log in"}, {"terminal": ""}, {"address": "1.2.3.4"}])
def test_S26_a_phone_that_showed_something_else_is_a_mismatch(by_hand, told, changed):
    response = by_hand.call("report", request=told["id"], **shown_of(told) | changed)
    assert (response.status_code, response.json()["reason"]) == (409, "mismatch")
    assert not Alarm.objects.exists()


def test_S26_a_captured_no_is_no_report(asked, pair, raw_phone):
    pair(raw_phone)
    token = raw_phone.token(raw_phone.claims("answer", **raw_phone.answer_claims(raw_phone.question(), "", "deny")))
    assert raw_phone.send("report", token).status_code == 401


@table("name", ["request", "requester", "user", "action", "terminal", "address"])
@table("value", [None, 7, ["Log In"], "n" * 2000, "a\0"])
def test_S35_a_text_of_another_type_is_refused(by_hand, told, name, value):
    claims = {**by_hand.claims("report"), "request": told["id"], **shown_of(told), name: value}
    assert by_hand.send("report", by_hand.token(claims)).status_code == 400
    assert AuthenticationRequest.objects.get().state == "pending"


def test_an_unregistered_phone_can_not_report(asked, question):
    response = RawPhone(id="00000000-0000-4000-8000-000000000000").call("report", request=asked.id)
    assert response.status_code == 401
