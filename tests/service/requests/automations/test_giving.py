"""When an automation answers, and when the phone is asked all the same (SECURITY.md S27)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import PairingDeactivatedError, UserDisabledError
from django_toopher.service.device.cli_phone import Automate, RefusedError
from django_toopher.service.models import AuthenticationRequest, Automation, Pairing, Terminal, User
from django_toopher.service.requests import automations
from tests.tables import table

from ...callers import at_once
from .acts import DAY, is_asked, is_silent


@table("without", [{"automation_allowed": "False"}, {"challenge_required": "True"}])
def test_S27_a_request_for_a_person_is_never_answered_silently(automate, ask, paired, without):
    automate()
    assert is_asked(ask(**without))
    assert paired.pending().requests[0].automate == 0


@table("without", [{"automation_allowed": "False"}, {"challenge_required": "True"}])
@table("decision", ["allow", "deny"])
def test_S27_a_request_for_a_person_makes_no_standing_answer(wish, decision, without):
    with pytest.raises(RefusedError) as refused:
        wish(decision, **without)
    assert refused.value.reason == "bad_request"
    assert not Automation.objects.exists()


@table("extra", ["secret-2", "Secret-1", "secret-1 "])
def test_S27_the_same_name_from_another_browser_is_asked(automate, ask, extra):
    automate()
    assert is_asked(ask(terminal_name_extra=extra))


def test_S27_an_anonymous_terminal_is_never_answered_silently(wish, ask, paired):
    ask(terminal_name_extra="")
    assert paired.pending().requests[0].automate == 0
    with pytest.raises(RefusedError) as refused:
        wish(terminal_name_extra="")
    assert refused.value.reason == "bad_request"
    assert is_asked(ask(terminal_name_extra=""))


def test_S27_a_terminal_that_was_given_another_secret_is_asked(automate, ask):
    automate()
    terminal = Terminal.objects.get()
    terminal.extra = "secret-2"
    terminal.save()
    assert is_asked(ask(terminal_name_extra="secret-2"))
    assert is_asked(ask())


def test_a_terminal_with_another_name_is_the_same(automate, ask):
    automate()
    assert is_silent(ask(terminal_name="My PC"))


@table("action", ["Transfer money", "log in", "Log In "])
def test_S27_another_action_is_asked(automate, ask, action):
    automate()
    assert is_asked(ask(action_name=action))


def test_S27_another_user_at_the_same_terminal_is_asked(automate, ask, pair, paired):
    pair(paired, "bob")
    automate()
    assert is_asked(ask(user_name="bob"))


def test_S21_another_requester_is_asked(automate, paired, pair, make_requester, make_api):
    automate()
    make_requester("other", "other-secret")
    other = make_api("other", "other-secret")
    pair(paired, at="other")
    asked = other.authenticate("alice", "secret-1", "Log In", terminal_name="PC")
    assert (asked.automated, asked.pending) == (False, True)


def test_S27_an_expired_one_is_not_given(automate, ask):
    automate()
    Automation.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert is_asked(ask())


def test_S27_a_disabled_user_is_answered_nothing(automate, api):
    automate()
    api.disable_user("alice")
    with pytest.raises(UserDisabledError):
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")


def test_S45_wrong_codes_somewhere_else_stop_no_automation(automate, ask):
    automate()
    User.objects.update(failures=90, blocked_until=timezone.now() + timedelta(seconds=60))
    assert is_silent(ask())


@pytest.mark.parametrize("remove", ["on the phone", "by the API", "by a reset"])
def test_S27_removing_the_pairing_removes_its_automations(automate, api, ask, paired, pair, make_phone, remove):
    second = make_phone()
    pair(second)
    pairing = str(automate().pairing_id)
    if remove == "on the phone":
        paired.remove(pairing)
    elif remove == "by the API":
        api.post(f"pairings/{pairing}", deactivated=True)
    else:
        api.reset_user("alice")
        pair(second)
    assert second.automations() == ()
    assert is_asked(ask())


def test_another_phones_removal_leaves_it(automate, api, ask, pair, make_phone):
    second = make_phone()
    removed = pair(second)
    automate()
    api.post(f"pairings/{removed}", deactivated=True)
    assert is_silent(ask())


def test_without_any_phone_nothing_is_answered(automate, api, paired):
    paired.remove(str(automate().pairing_id))
    with pytest.raises(PairingDeactivatedError):
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")


def test_S25_what_ends_between_look_and_answer_is_not_given(automate, api, monkeypatch):
    """The UPDATE asks again, whatever was read before it."""
    automation = automate()
    found = Automation.objects.select_related("user", "terminal", "action", "pairing").get(pk=automation.pk)
    update = automations.Automation.objects.filter

    def late(*conditions, **lookups):
        Pairing.objects.update(state=Pairing.State.DEACTIVATED)
        return update(*conditions, **lookups)

    monkeypatch.setattr(Automation.objects, "filter", late)
    assert automations.apply(found.user, found.terminal, found.action, "", timezone.now()) is None


def test_a_silent_answer_does_not_forget_the_failures(automate, ask):
    automate()
    User.objects.update(failures=3)
    ask()
    assert User.objects.get().failures == 3


def test_S24_silent_answers_are_no_questions(settings, automate, ask):
    settings.TOOPHER_SERVICE_LIMITS = {"requests": 1, "unanswered": 1}
    automate("deny")
    assert [ask()["reason_code"] for _ in range(5)] == [100] * 5


def test_a_code_beside_a_silent_answer_is_not_needed(automate, ask, paired):
    automate()
    told = ask(otp="000000")
    assert is_silent(told)
    assert told["granted"]
    assert User.objects.get().failures == 0


def test_of_two_phones_that_wish_at_once_one_answer_stands(threaded_db, api, make_phone, pair):
    phones = [make_phone(), make_phone()]
    for phone in phones:
        pair(phone)
    asked = [api.authenticate("alice", "secret-1", "Log In", terminal_name="PC") for _ in phones]
    questions = {question.id: question for question in phones[0].pending().requests}
    at_once(
        *[
            lambda n=n: phones[n].approve(questions[asked[n].id], asked[n].number, Automate(DAY))
            for n in range(len(phones))
        ]
    )
    assert Automation.objects.count() == 1
    assert AuthenticationRequest.objects.filter(state="granted").count() == 2
