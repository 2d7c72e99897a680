"""How often something may happen (SECURITY.md S23, S24; PROTOCOL.md §8.9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service import limits
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.errors import ServiceError, TooManyError
from django_toopher.service.models import AuthenticationRequest, Authenticator, Tally, User
from django_toopher.service.people import users
from django_toopher.service.requests import asking
from tests.drivers import Computer, Frame
from tests.tables import table

from .callers import RawPhone, at_once

PUBLIC = "8.8.8.8"
TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


@pytest.fixture
def paired(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone


@pytest.fixture
def ask(api, paired):
    """Asks alice's phone, or another user's."""

    def make(user="alice"):
        return api.authenticate(user, "secret-1", "Log In", terminal_name="PC")

    return make


@pytest.fixture
def open_page(iframe):
    """Opens a login page of alice's."""

    def make(address="127.0.0.1", token="token", user="alice"):
        computer = Computer()
        computer.client.defaults["REMOTE_ADDR"] = address
        return Frame.at(computer, iframe.get_auth_iframe_url(user, "", token, **TERMINAL))

    return make


def another(number):
    return f"{(int(number) + 1) % 10**6:06}"


def refusal(call, *arguments):
    """The reason for which a call is refused, or what it returns."""
    try:
        return call(*arguments)
    except (RefusedError, ServiceError) as refused:
        return refused.reason


def begin():
    """A question on alice's phone, asked below the web."""
    alice = User.objects.get(name="alice")
    return asking.initiate(alice, "Log In", terminal_name="PC", terminal_extra="secret-1")


def said(request, number=""):
    """The phone's yes with ``number``, or its no without one."""
    shown = asking._as_asked(request)
    return asking.Answer(*shown, allow=bool(number), number=number, evidence="")


def end(how, phone):
    """A question that ends without a yes."""
    asked = begin()
    if how == "denied":
        asking.answer(asked.pk, Authenticator.objects.get(pk=phone.id), said(asked))
    elif how == "unanswered":
        AuthenticationRequest.objects.filter(pk=asked.pk).update(expires=timezone.now() - timedelta(seconds=1))


# Wrong numbers and codes


@pytest.mark.parametrize("kind", ["number", "code"])
def test_S23_of_fifty_guesses_at_one_request_three_are_compared(threaded_db, settings, pair, raw_phone, kind):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT = 100
    pair(raw_phone)
    request = begin()
    phone = Authenticator.objects.get(pk=raw_phone.id)
    wrong = said(request, another(request.number))

    def guess():
        if kind == "number":
            return refusal(asking.answer, request.pk, phone, wrong)
        fresh = AuthenticationRequest.objects.select_related("user").get(pk=request.pk)
        return refusal(lambda: asking.authenticate_with_otp(fresh, "x").state)

    outcomes = at_once(*[guess] * 50)
    assert outcomes.count("gone") == 47, outcomes
    request.refresh_from_db()
    assert (request.failures, request.state, request.reason_code) == (3, "denied", 103)


def test_S23_of_fifty_guesses_at_many_requests_ten_are_compared(threaded_db, settings, paired):
    settings.TOOPHER_SERVICE_QUESTION_LIMIT = 50
    user = User.objects.get()
    numbers = {str(each.pk): each.number for each in (asking.initiate(user, "Log In") for _ in range(20))}
    guesses = [
        lambda each=each: refusal(paired.approve, each, another(numbers[each.id])) for each in paired.pending().requests
    ]
    assert len(guesses) == 20
    outcomes = at_once(*guesses * 2, *guesses[:10])
    assert outcomes.count("wrong_number") == 10, outcomes
    assert outcomes.count("too_many") == 40
    assert User.objects.get().failures == 10


def test_S23_in_fifty_threads_no_more_than_a_hundred_are_ever_counted(threaded_db, requester):
    user = User.objects.create(requester=requester, name="alice", failures=90)
    outcomes = at_once(*[lambda: refusal(users.begin_try, User.objects.get(pk=user.pk), timezone.now())] * 50)
    assert outcomes.count(None) == 1, outcomes  # beyond the limit, each is followed by a wait
    for n in range(20):
        later = timezone.now() + timedelta(days=n + 2)
        refusal(users.begin_try, User.objects.get(pk=user.pk), later)
    assert User.objects.get().failures == 100


def test_S23_after_a_hundred_no_wait_helps(requester):
    user = User.objects.create(requester=requester, name="alice", failures=100)
    with pytest.raises(users.LockedError):
        users.begin_try(user, timezone.now() + timedelta(days=100_000))
    with pytest.raises(users.LockedError):
        users.require_not_blocked(user, timezone.now() + timedelta(days=100_000))


def test_S23_a_wait_is_a_day_at_the_most(requester):
    user, now = User.objects.create(requester=requester, name="alice", failures=60), timezone.now()
    users.begin_try(user, now)
    user.refresh_from_db()
    assert user.blocked_until - now == timedelta(days=1)


@table(("limit", "failures"), [(1, 0), (2, 95), (100, 95), (500, 95)])
def test_S23_any_limit_ends_at_a_hundred(settings, requester, limit, failures):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT = limit
    user, now = User.objects.create(requester=requester, name="alice", failures=failures), timezone.now()
    for _ in range(110 - failures):
        now += timedelta(days=2)
        refusal(users.begin_try, user, now)
    user.refresh_from_db()
    assert user.failures == 100


def test_S23_a_right_number_is_no_failure(ask, paired):
    asked = ask()
    question = paired.pending().requests[0]
    refusal(paired.approve, question, another(asked.number))
    paired.approve(question, asked.number)
    assert AuthenticationRequest.objects.get().failures == 1
    assert (User.objects.get().failures, User.objects.get().blocked_until) == (0, None)


def test_S28_a_right_code_is_no_failure(ask, api, paired):
    ask().authenticate_with_otp(paired.code(), api)
    assert AuthenticationRequest.objects.get().failures == 0
    assert User.objects.get().failures == 0


def test_S23_a_new_request_does_not_reset_the_count(settings, ask, paired):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT = 3
    for _ in range(3):
        asked = ask()
        assert refusal(paired.approve, paired.pending().requests[0], another(asked.number)) == "wrong_number"
    with pytest.raises(RateLimitError):
        ask()


def test_S23_a_right_number_while_blocked_is_refused(ask, paired):
    asked = ask()
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert refusal(paired.approve, paired.pending().requests[0], asked.number) == "too_many"
    assert AuthenticationRequest.objects.get().state == "pending"


# Unanswered and denied questions


@pytest.mark.parametrize("how", ["denied", "unanswered"])
def test_S24_after_three_without_a_yes_the_user_is_asked_nothing_new(ask, paired, how):
    for _ in range(3):
        end(how, paired)
    with pytest.raises(RateLimitError) as refused:
        ask()
    assert 500 < refused.value.retry_after <= 601
    assert "nobody said yes" in refused.value.message
    assert AuthenticationRequest.objects.count() == 3


def test_S24_a_yes_starts_anew(ask, paired):
    for _ in range(2):
        end("denied", paired)
    asked = ask()
    paired.approve(paired.pending().requests[0], asked.number)
    for _ in range(2):
        end("denied", paired)
    assert ask().pending


def test_S24_after_the_period_the_user_is_asked_again(ask, paired):
    for _ in range(3):
        end("denied", paired)
    AuthenticationRequest.objects.update(created=timezone.now() - timedelta(seconds=601))
    assert ask().pending


def test_S24_questions_that_are_taken_back_count(ask):
    for _ in range(10):
        assert asking.cancel(begin())
    with pytest.raises(RateLimitError) as refused:
        ask()
    assert 500 < refused.value.retry_after <= 601
    Tally.objects.update(expires=timezone.now())
    assert ask().pending


def test_S24_of_fifty_questions_at_once_ten_are_asked(threaded_db, make_api, ask, pair, paired):
    def call():
        try:
            return make_api().authenticate("alice", "secret-1", "Log In", terminal_name="PC").pending
        except RateLimitError:
            return False

    make_api().create_user_terminal("alice", "PC", "secret-1")
    outcomes = at_once(*[call] * 50)
    assert outcomes.count(True) == 10 == AuthenticationRequest.objects.count()


def test_a_sites_own_limit_counts_all_its_users(api, ask, requester, pair, make_phone):
    pair(make_phone(), "bob")
    requester.question_limit = 2
    requester.save()
    ask()
    ask("bob")
    with pytest.raises(RateLimitError) as told:
        ask("bob")
    assert told.value.status == 429
    assert AuthenticationRequest.objects.count() == 2


def test_a_limit_of_none_at_all_stops_a_site(ask, requester):
    requester.question_limit = 0
    requester.save()
    with pytest.raises(RateLimitError):
        ask()


def test_S24_another_user_is_not_held_up(ask, pair, paired):
    pair(paired, "bob")
    for _ in range(3):
        end("denied", paired)
    assert ask("bob").pending


def test_S24_the_page_says_that_it_has_to_wait_and_can_ask_later(open_page, ask, paired):
    for _ in range(3):
        end("denied", paired)
    page = open_page()
    assert (page.state["error_code"], page.state["reason"]) == (429, "too_many")
    assert "Please wait" in page.state["error_message"]
    AuthenticationRequest.objects.update(created=timezone.now() - timedelta(seconds=601))
    assert page.call("ask")["state"] == "waiting"


# Phrases


def test_S29_wrong_phrases_make_the_user_wait(settings, open_page, phone):
    settings.TOOPHER_SERVICE_PHRASE_LIMIT = 2
    page = open_page()
    assert [page.call("phrase", phrase="a b c d")["error_code"] for _ in range(3)] == [404, 404, 429]
    assert page.call("phrase", phrase=phone.phrase().phrase)["error_code"] == 429
    assert open_page(user="bob", token="other").call("phrase", phrase=phone.phrase().phrase)["state"] == "pairing"


def test_S29_a_right_phrase_forgets_the_wrong_ones(settings, open_page, phone):
    settings.TOOPHER_SERVICE_PHRASE_LIMIT = 2
    page = open_page()
    page.call("phrase", phrase="a b c d")
    page.call("phrase", phrase=phone.phrase().phrase)
    assert not Tally.objects.exists()


def test_S29_of_many_phrases_at_once_as_many_are_looked_up_as_may_be(threaded_db, requester):
    outcomes = at_once(*[lambda: refusal(limits.count_phrase, requester, "alice", timezone.now())] * 50)
    assert outcomes.count(None) == 10


# Polls


def test_a_request_that_is_polled_too_fast_is_429(caller, ask, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = ask()
    replies = [caller.get(f"authentication_requests/{asked.id}") for _ in range(7)]
    assert [each.status_code for each in replies] == [200] * 5 + [429] * 2
    assert replies[-1]["Retry-After"] == "1"
    assert replies[-1].json()["error_code"] == 429
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=1))
    assert caller.get(f"authentication_requests/{asked.id}").status_code == 200


def test_another_request_is_not_held_up_by_a_poll(caller, ask, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = [ask(), ask()]
    for _ in range(6):
        caller.get(f"authentication_requests/{asked[0].id}")
    assert caller.get(f"authentication_requests/{asked[1].id}").status_code == 200


def test_S21_another_requesters_polls_do_not_count(caller, ask, make_requester, make_api, monkeypatch):
    make_requester("other", "other-secret")
    other = type(caller)("other", "other-secret")
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    asked = ask()
    for _ in range(6):
        other.get(f"authentication_requests/{asked.id}")
    assert caller.get(f"authentication_requests/{asked.id}").status_code == 200


def test_a_page_that_polls_too_fast_is_429(open_page, paired, monkeypatch):
    page = open_page()
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    states = [page.poll() for _ in range(12)]
    assert [each.get("error_code") for each in states] == [None] * 10 + [429] * 2


def test_a_cache_that_fails_limits_no_poll(caller, ask, monkeypatch, caplog):
    class Broken:
        def add(self, *args, **kwargs):
            raise ConnectionError("no cache")

    monkeypatch.setattr(limits, "cache", Broken())
    asked = ask()
    assert {caller.get(f"authentication_requests/{asked.id}").status_code for _ in range(8)} == {200}
    assert "polls are not limited" in caplog.text


def test_a_cache_that_keeps_nothing_limits_no_poll(settings, requester):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    for _ in range(20):
        limits.count_poll("something", timezone.now())


def test_a_poll_costs_no_query(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        limits.count_poll("something", timezone.now())


# One address


def register_from(address):
    phone = RawPhone()
    phone.client = Client(REMOTE_ADDR=address)
    return refused_registration(phone)


def refused_registration(phone):
    before = Authenticator.objects.count()
    try:
        phone.register()
    except KeyError:
        assert Authenticator.objects.count() == before
        return True
    return False


def test_phones_of_one_address_are_registered_up_to_the_limit(db, settings):
    settings.TOOPHER_SERVICE_PHONE_LIMIT = 2
    assert [register_from(PUBLIC) for _ in range(3)] == [False, False, True]
    assert register_from("8.8.4.4") is False
    Tally.objects.update(expires=timezone.now())
    assert register_from(PUBLIC) is False


def test_a_whole_64_counts_as_one_address(db, settings):
    settings.TOOPHER_SERVICE_PHONE_LIMIT = 1
    assert register_from("2606:4700::1") is False
    assert register_from("2606:4700::2") is True
    assert register_from("2606:4700:0:1::1") is False


@table("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1", ""])
def test_an_address_that_is_a_proxys_counts_for_nobody(db, settings, address):
    settings.TOOPHER_SERVICE_PHONE_LIMIT = 1
    assert [register_from(address) for _ in range(3)] == [False] * 3


def test_pages_of_one_address_are_opened_up_to_the_limit(settings, open_page, paired):
    settings.TOOPHER_SERVICE_FRAME_LIMIT = 1
    assert open_page(PUBLIC, "one").state["state"] == "waiting"
    refused = open_page(PUBLIC, "two").state
    assert (refused["error_code"], refused["reason"]) == (429, "too_many")
    assert "token" not in refused
    assert open_page("8.8.4.4", "three").state["state"] == "waiting"


# The tally


def test_of_fifty_calls_at_once_as_many_pass_as_may(threaded_db, requester):
    now = timezone.now()
    outcomes = at_once(*[lambda: refusal(limits.count_registration, PUBLIC, now)] * 50)
    assert outcomes.count(None) == 30
    assert Tally.objects.get().count == 30


def test_a_wait_is_told_until_the_end_of_the_period(db, settings):
    settings.TOOPHER_SERVICE_PHONE_LIMIT = 1
    now = timezone.now()
    limits.count_registration(PUBLIC, now)
    with pytest.raises(TooManyError) as refused:
        limits.count_registration(PUBLIC, now + timedelta(seconds=500))
    assert refused.value.retry_after == 101
    limits.count_registration(PUBLIC, now + timedelta(seconds=600))
