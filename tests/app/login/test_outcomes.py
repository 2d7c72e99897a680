"""How a login ends: granted, denied, or by an error that the service signed; and what the app then knows."""

from __future__ import annotations

from django.utils import timezone

from django_toopher.login import attempts
from django_toopher.models import Attempt, ToopherAccount
from tests.app.acts import ACCOUNT, POSTBACK, approve, known, message, outcomes, reason_of, signed, signed_parameters
from tests.tables import table


def test_a_user_whom_the_service_calls_disabled_is_remembered_as_opted_out(account, computer, embedded_api):
    computer.password()
    embedded_api.disable_user("alice")
    frame = computer.open_iframe()
    response = computer.post(POSTBACK, frame.state["postback"])
    assert (response.status_code, reason_of(response)) == (403, "disabled")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "disabled")]
    assert known(account)["enabled"] is False
    assert computer.password()["Location"] == "/"  # the next time the password is enough ...
    assert computer.is_logged_in()


def test_a_disabled_user_gets_in_nowhere_without_opt_out(account, computer, embedded_api, settings):
    settings.TOOPHER_ALLOW_OPT_OUT = False
    embedded_api.disable_user("alice")
    for _ in range(2):
        computer.password()
        assert reason_of(computer.post(POSTBACK, computer.open_iframe().state["postback"])) == "disabled"
        assert not computer.is_logged_in()


def test_a_phone_that_was_removed_at_the_service_is_remembered_as_gone(account, computer, embedded_api):
    computer.password()
    embedded_api.reset_user("alice")
    response = computer.post(POSTBACK, computer.open_iframe().state["postback"])
    assert (response.status_code, reason_of(response)) == (403, "phone_removed")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "phone_removed")]
    assert (known(account)["paired"], known(account)["pairing_id"]) == (False, "")


def test_another_signed_error_ends_the_attempt(account, computer):
    computer.password()
    token, before = signed_parameters(computer)["session_token"], known(account)
    response = computer.post(POSTBACK, message(token, error_code="999", error_message="?"))
    assert (response.status_code, reason_of(response)) == (403, "failed")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "failed")]
    assert known(account) == before


@table(
    "changes",
    [{"granted": "false"}, {"granted": None}, {"granted": "True"}, {"granted": "1"}, {"pending": "true"}],
    ids=str,
)
def test_what_is_not_granted_is_denied(changes, approved, computer):
    response = computer.post(POSTBACK, signed(approved, **changes))
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert not computer.is_logged_in()
    assert outcomes() == [("denied", "denied")]


def test_a_no_on_the_phone_logs_nobody_in(account, computer, phone):
    computer.password()
    frame = computer.open_iframe()
    frame.deny(phone)
    response = computer.post(POSTBACK, frame.poll()["postback"])
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert not computer.is_logged_in()


def test_a_one_time_code_logs_in_as_a_yes_does(account, computer, phone):
    computer.password()
    frame = computer.open_iframe()
    frame.call("code", code=phone.code())
    assert computer.post(POSTBACK, frame.state["postback"]).status_code == 302
    assert computer.is_logged_in()


def test_abandoning_nothing_or_what_is_over_changes_nothing(alice):
    attempts.abandon(None)
    pending = attempts.begin(alice)
    Attempt.objects.get().finish(Attempt.Outcome.GRANTED, timezone.now())
    attempts.abandon(pending)
    assert outcomes() == [("granted", "")]


def test_an_approved_login_remembers_the_phone_that_answered(alice, phone, computer, settings, embedded_api):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    account = ToopherAccount.objects.get(user=alice)
    assert account.paired
    assert embedded_api.get_pairing_by_id(account.pairing_id).enabled
    assert embedded_api.get_user_by_id(account.toopher_user_id).name == "alice"


def test_the_action_on_the_phone_is_a_setting(account, computer, phone, settings):
    settings.TOOPHER_ACTION_NAME = "Enter the club"
    computer.password()
    frame = computer.open_iframe()
    assert frame.question(phone).action == "Enter the club"
    settings.TOOPHER_ACTION_NAME = "Something else"  # it was asked for before
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"]).status_code == 302


def test_approve_is_asked_again_after_a_reload(account, computer, phone):
    computer.password()
    computer.open_iframe()
    assert computer.post(POSTBACK, approve(computer, phone)).status_code == 302
    assert computer.get(ACCOUNT).status_code == 200
