"""Who knows the password can't lock out who has the phone (SECURITY.md S45)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import AuthenticationRequest as Told
from django_toopher.client import RateLimitError, ToopherApiError
from django_toopher.service import limits
from django_toopher.service.models import AuthenticationRequest, Automation, Tally, Terminal, User
from django_toopher.service.people import users, verbs
from django_toopher.service.phones import push
from django_toopher.service.requests import answering
from tests.tables import table

from ..callers import INITIATE, wrong_code
from .acts import begin, refusal

KNOWN = {"terminal_name": "PC", "terminal_name_extra": "secret-known"}
UNKNOWN = {"terminal_name": "Other", "terminal_name_extra": "secret-unknown"}


@pytest.fixture
def initiate(api, paired):
    """Asks alice's phone as our app does, which can wait for a code."""

    def make(**more):
        fields = {"user_name": "alice", "action_name": "Log In", "withheld": "code", **UNKNOWN, **more}
        return Told(api.post(INITIATE, **fields))

    return make


@pytest.fixture
def known(api, initiate, paired):
    """A computer at which alice was approved."""
    asked = initiate(**KNOWN)
    paired.approve(paired.pending().requests[0], asked.number)
    return Terminal.objects.get(name="PC")


def wear_out(initiate, paired, how, **where):
    """What a stranger with the password does until the phone is not asked any more."""
    if how == "denied":
        for _ in range(3):
            initiate(**where)
            paired.deny(paired.pending().requests[0])
    elif how == "unanswered":
        for _ in range(3):
            asked = initiate(**where)
            AuthenticationRequest.objects.filter(pk=asked.id).update(expires=timezone.now())
    else:
        for _ in range(10):
            asked = initiate(**where)
            answering.cancel(AuthenticationRequest.objects.get(pk=asked.id))


worn_out = pytest.mark.parametrize("how", ["denied", "unanswered", "cancelled"])


@worn_out
def test_S45_after_too_many_questions_the_right_code_is_taken(api, initiate, paired, how, monkeypatch):
    wear_out(initiate, paired, how)
    monkeypatch.setattr(push, "wake", lambda *args: pytest.fail("the phone was woken"))
    asked = initiate()
    assert (asked.pending, asked.granted, asked.withheld, asked.reason_code) == (True, False, True, 105)
    assert 500 < asked.retry_after <= 601
    assert asked.raw["number"] == ""
    assert paired.pending().requests == ()
    asked.authenticate_with_otp(paired.code(), api)
    assert (asked.granted, asked.totp_valid, asked.reason_code) == (True, True, 110)


@worn_out
def test_S45_the_right_code_is_taken_with_the_question(api, initiate, paired, how):
    wear_out(initiate, paired, how)
    told = Told(api.post(INITIATE, user_name="alice", terminal_name="", otp=paired.code()))
    assert (told.pending, told.granted, told.totp_valid) == (False, True, True)


@worn_out
def test_S45_the_page_takes_the_right_code(open_page, initiate, paired, how):
    wear_out(initiate, paired, how)
    page = open_page()
    assert (page.state["state"], page.state["number"]) == ("withheld", "")
    assert 500 < page.state["wait"] <= 601
    assert paired.pending().requests == ()
    page.call("code", code=paired.code())
    assert (page.state["state"], page.state["granted"]) == ("finished", True)
    assert page.state["postback"]["reason_code"] == "110"


def test_S45_what_no_phone_is_asked_no_phone_answers(initiate, paired, raw_phone, pair):
    pair(raw_phone)
    wear_out(initiate, paired, "denied")
    asked = initiate()
    response = raw_phone.call("report", request=asked.id, requester="", user="", action="", terminal="", address="")
    assert response.status_code in {400, 404}
    with pytest.raises(Exception, match="found"):
        answering.waiting.extend_at(asked.id, paired_authenticator())


def paired_authenticator():
    return User.objects.get().pairings.enabled().first().authenticator


def test_S45_a_code_with_the_question_wakes_no_phone_and_is_no_question(api, paired, monkeypatch):
    monkeypatch.setattr(push, "wake", lambda *args: pytest.fail("the phone was woken"))
    for _ in range(4):
        told = Told(api.post(INITIATE, user_name="alice", terminal_name="", otp=wrong_code(paired)))
        assert (told.pending, told.granted) == (False, False)
    assert not Tally.objects.exists()


@worn_out
def test_S45_questions_from_a_strangers_computer_leave_a_known_one_alone(initiate, paired, known, how):
    wear_out(initiate, paired, how)
    assert initiate().withheld
    asked = initiate(**KNOWN)
    assert (asked.pending, asked.withheld) == (True, False)
    assert paired.pending().requests[0].id == asked.id


@worn_out
def test_S45_questions_from_a_known_computer_leave_others_alone(initiate, paired, known, how):
    wear_out(initiate, paired, how, **KNOWN)
    assert initiate(**KNOWN).withheld
    assert not initiate().withheld


def test_S45_codes_from_a_strangers_computer_leave_a_known_one_alone(api, initiate, paired, known):
    User.objects.update(failures=90, blocked_until=timezone.now() + timedelta(days=1))
    asked = initiate(**KNOWN)
    for failures in (1, 2):
        asked.authenticate_with_otp(wrong_code(paired), api)
        assert Terminal.objects.get(pk=known.pk).failures == failures
    asked.authenticate_with_otp(paired.code(), api)
    assert asked.granted
    assert Terminal.objects.get(pk=known.pk).failures == 0
    assert User.objects.get().failures == 90  # alice's success at her computer is none of the stranger's


def test_S45_codes_at_a_known_computer_leave_others_alone(api, initiate, paired, known):
    Terminal.objects.filter(pk=known.pk).update(failures=90, blocked_until=timezone.now() + timedelta(days=1))
    with pytest.raises(RateLimitError):
        initiate(**KNOWN).authenticate_with_otp(paired.code(), api)
    asked = initiate()
    asked.authenticate_with_otp(paired.code(), api)
    assert asked.granted


def test_S45_wrong_numbers_count_for_the_computer_that_asked(initiate, paired, known):
    for where, user, terminal in ((UNKNOWN, 1, 0), (KNOWN, 1, 1)):
        asked = initiate(**where)
        wrong = f"{(int(asked.number) + 1) % 10**6:06}"
        assert refusal(paired.approve, paired.pending().requests[0], wrong) == "wrong_number"
        assert (User.objects.get().failures, Terminal.objects.get(pk=known.pk).failures) == (user, terminal)


def test_S45_a_computer_without_a_secret_is_nobodys_own(initiate, paired):
    asked = initiate(terminal_name="PC", terminal_name_extra="")
    paired.approve(paired.pending().requests[0], asked.number)
    assert Terminal.objects.get().approved
    initiate(terminal_name="PC", terminal_name_extra="")
    assert not AuthenticationRequest.objects.filter(at_known=True).exists()


def test_S45_a_yes_at_a_new_computer_lifts_what_strangers_have_caused(initiate, paired):
    User.objects.update(failures=90, blocked_until=timezone.now() + timedelta(days=3650))
    asked = initiate()
    assert not asked.withheld
    paired.approve(paired.pending().requests[0], asked.number)
    assert (User.objects.get().failures, User.objects.get().blocked_until) == (0, None)


def test_S45_at_a_known_computer_the_first_wrong_ones_are_forgotten_with_its_first_yes(initiate, paired):
    Terminal.objects.update(failures=50)
    asked = initiate()
    paired.approve(paired.pending().requests[0], asked.number)
    assert Terminal.objects.get().failures == 0


def test_S45_codes_of_strangers_end_at_ninety_whatever_alice_does_at_hers(settings, api, initiate, paired, known):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 100, "number_tries": 1000}
    User.objects.update(failures=85)
    asked = initiate()
    for _ in range(5):
        asked.authenticate_with_otp(wrong_code(paired), api)
    hers = initiate(**KNOWN)
    paired.approve(next(each for each in paired.pending().requests if each.id == hers.id), hers.number)
    User.objects.update(blocked_until=None)
    with pytest.raises(RateLimitError):
        asked.authenticate_with_otp(paired.code(), api)
    assert User.objects.get().failures == 90


def test_S45_a_code_at_a_request_that_waits_for_one_is_limited_as_any(settings, api, initiate, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 2}
    wear_out(initiate, paired, "denied")
    asked = initiate()
    for _ in range(2):
        asked.authenticate_with_otp(wrong_code(paired), api)
        assert (asked.pending, asked.withheld) == (True, True)
    with pytest.raises(RateLimitError):
        asked.authenticate_with_otp(paired.code(), api)


def test_S45_what_waits_for_a_code_is_no_question_that_nobody_answered(initiate, paired):
    wear_out(initiate, paired, "denied")
    for _ in range(5):
        asked = initiate()
        AuthenticationRequest.objects.filter(pk=asked.id).update(expires=timezone.now())
    let_the_period_pass()
    assert not initiate().withheld


def let_the_period_pass():
    denied = AuthenticationRequest.objects.filter(withheld_until=None)
    denied.update(created=timezone.now() - timedelta(seconds=601))
    Tally.objects.update(expires=timezone.now())


def test_S45_the_page_asks_the_phone_when_the_wait_is_over_and_somebody_says_so(open_page, initiate, paired):
    wear_out(initiate, paired, "denied")
    page = open_page()
    let_the_period_pass()
    AuthenticationRequest.objects.exclude(withheld_until=None).update(withheld_until=timezone.now())
    assert (page.poll()["state"], page.state["wait"]) == ("withheld", 0)
    assert paired.pending().requests == ()
    assert page.call("code", code=wrong_code(paired))["reason"] == "wrong_number"
    assert paired.pending().requests == ()  # nobody is woken by a code
    assert page.call("ask")["state"] == "waiting"
    page.approve(paired)
    assert page.poll()["granted"]
    states = AuthenticationRequest.objects.exclude(withheld_until=None).values_list("state", flat=True)
    assert set(states) == {"cancelled"}


def test_S45_a_page_whose_time_ran_out_takes_a_code_and_asks_nobody(open_page, paired):
    page = open_page()
    AuthenticationRequest.objects.update(expires=timezone.now())
    page.call("code", code=paired.code())
    assert page.state["granted"]
    assert paired.pending().requests == ()
    assert AuthenticationRequest.objects.filter(state="pending").count() == 1  # still unanswered, on record


def test_S45_a_code_that_does_not_come_in_time_can_be_typed_again(open_page, initiate, paired):
    wear_out(initiate, paired, "denied")
    page = open_page()
    AuthenticationRequest.objects.filter(state="pending").update(expires=timezone.now())
    assert page.poll()["state"] == "late"
    assert page.call("ask")["state"] == "withheld"


# After a report nothing helps but time and support (S24)


@pytest.fixture
def report(initiate, paired, known):
    initiate()
    paired.report(paired.pending().requests[0])


@table("where", [KNOWN, UNKNOWN])
def test_S45_after_a_report_no_code_helps_anywhere(api, initiate, paired, report, where):
    asked = initiate(**where)
    assert (asked.pending, asked.granted, asked.withheld, asked.reason_code) == (False, False, True, 106)
    assert 3500 < asked.retry_after <= 3601
    told = Told(api.post(INITIATE, user_name="alice", otp=paired.code(), **where))
    assert (told.pending, told.granted, told.reason_code) == (False, False, 106)


def test_S45_after_a_report_the_page_shows_what_it_showed(open_page, report):
    page = open_page(token="new")
    assert (page.state["error_code"], page.state["reason"]) == (429, "too_many")
    assert "reported" in page.state["error_message"]


def test_S45_a_report_ends_what_waits_for_a_code(api, initiate, paired, known):
    waits = initiate()
    wear_out(initiate, paired, "denied")
    for_code = initiate()
    paired.report(next(each for each in paired.pending().requests if each.id == waits.id))
    for_code.authenticate_with_otp(paired.code(), api)
    assert (for_code.pending, for_code.granted, for_code.reason_code) == (False, False, 104)


def test_S45_a_report_stops_a_code_that_is_under_way(initiate, paired, known):
    asked = AuthenticationRequest.objects.select_related("user", "terminal").get(pk=initiate(**KNOWN).id)
    User.objects.update(reported_until=timezone.now() + timedelta(hours=1))
    with pytest.raises(limits.ReportedError):
        answering.authenticate_with_otp(asked, paired.code())


# Support


@pytest.mark.parametrize("lift", ["lift", "reset"])
def test_S45_support_lifts_every_limit(api, initiate, pair, paired, known, lift):
    wear_out(initiate, paired, "denied")
    wear_out(initiate, paired, "denied", **KNOWN)
    waits = initiate()
    Terminal.objects.update(failures=90, blocked_until=timezone.now() + timedelta(days=1))
    past = timezone.now() + timedelta(days=1)
    User.objects.update(failures=100, blocked_until=past, reported_until=past)
    if lift == "lift":
        limits.lift(User.objects.get())
        waits.refresh_from_server(api)
        assert (waits.pending, waits.retry_after) == (True, 0)
    else:
        users.reset(User.objects.get())
        pair(paired)
    user = User.objects.get()
    assert (user.failures, user.blocked_until, user.reported_until) == (0, None, None)
    assert not Terminal.objects.exclude(failures=0, blocked_until=None).exists()
    assert not Tally.objects.filter(expires__gt=timezone.now()).exists()
    for where in (KNOWN, UNKNOWN):
        for _ in range(2):
            assert not initiate(**where).withheld


def test_S45_support_sees_every_limit_by_computer(api, initiate, paired, known):
    def seen():
        user = User.objects.get()
        told = api.get(f"users/{user.pk}/waits")
        assert len(told) == len(verbs.standing(user)) - 2  # it is on, and the phone
        return {(each["what"], each["computer"]): (each["count"], bool(each["until"])) for each in told}

    assert seen() == {}
    initiate(**KNOWN)
    assert seen() == {("requests", "PC"): (1, False)}
    wear_out(initiate, paired, "denied")
    wear_out(initiate, paired, "denied", **KNOWN)
    past = timezone.now() + timedelta(days=1)
    Terminal.objects.filter(pk=known.pk).update(failures=90, blocked_until=past)
    User.objects.update(failures=4, reported_until=past)
    with suppress(ToopherApiError):
        api.pair("alice", "no phone shows these")
    assert seen() == {
        ("phrases", ""): (1, False),
        ("report", ""): (0, True),
        ("failures", ""): (4, False),
        ("failures", "PC"): (90, True),
        ("requests", ""): (3, True),
        ("requests", "PC"): (4, True),
    }


def test_S45_the_site_has_them_lifted(api, caller, initiate, paired):
    wear_out(initiate, paired, "denied")
    path = f"users/{User.objects.get().pk}/waits"
    assert caller.post(path).status_code == 400
    assert initiate().withheld
    assert [each["what"] for each in api.post(path, lift=True)] == ["requests"]
    assert api.get(path) == []
    assert not initiate().withheld


def test_S45_lifting_one_persons_limits_leaves_others_alone(initiate, pair, paired):
    pair(paired, "bob")
    User.objects.update(failures=5)
    begin()
    limits.lift(User.objects.get(name="bob"))
    assert User.objects.get(name="alice").failures == 5
    assert Tally.objects.count() == 1


def test_S45_an_automation_answers_while_the_phone_may_not_be_asked(initiate, paired, known):
    wear_out(initiate, paired, "denied", **KNOWN)
    request = AuthenticationRequest.objects.filter(terminal=known, state="granted").get()
    expires = timezone.now() + timedelta(days=1)
    Automation.objects.create(
        user=request.user,
        terminal=known,
        terminal_digest=known.extra_digest,
        action=request.action,
        pairing=request.pairing,
        answer="allow",
        expires=expires,
    )
    assert initiate(**KNOWN).automated


def test_S45_other_sites_clients_are_not_surprised(api, initiate, paired):
    """Without saying so nobody gets a request that waits for something else than the phone."""
    wear_out(initiate, paired, "denied")
    for withheld in ("", "x"):
        assert not initiate(withheld=withheld).pending
