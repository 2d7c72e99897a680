"""Standing answers (SECURITY.md S27): made on the phone, given silently, removed on the phone and in the iframe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_toopher.client import PairingDeactivatedError, RateLimitError, UserDisabledError
from django_toopher.service.device.cli_phone import Automate, RefusedError
from django_toopher.service.models import AuthenticationRequest, Authenticator, Automation, Pairing, Terminal, User
from django_toopher.service.requests import asking, automations
from tests.drivers import Computer, Frame
from tests.tables import table

from ..callers import at_once

DAY = 86400
INITIATE = "authentication_requests/initiate"


@pytest.fixture
def paired(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone


@pytest.fixture
def ask(caller):
    """Asks alice's phone as a requester does; the reply's JSON."""

    def make(**changes):
        usual = {
            "user_name": "alice",
            "terminal_name": "PC",
            "terminal_name_extra": "secret-1",
            "action_name": "Log In",
        }
        return caller.post(INITIATE, **{**usual, **changes}).json()

    return make


@pytest.fixture
def wish(ask, paired):
    """Answers alice's next question on the phone and wishes the same from now on; the automation."""

    def make(decision="allow", **asked):
        number = ask(**asked)["number"]
        question = paired.pending().requests[0]
        paired.approve(question, number, Automate(DAY)) if decision == "allow" else paired.deny(question, Automate(DAY))
        return Automation.objects.get()

    return make


@pytest.fixture
def automate(requester, paired):
    """The same below the web."""

    def make(decision="allow"):
        user = User.objects.get(requester=requester, name="alice")
        asked = asking.initiate(user, "Log In", terminal_name="PC", terminal_extra="secret-1")
        allow = decision == "allow"
        said = asking.Answer(
            *asking._as_asked(asked),
            allow=allow,
            number=asked.number if allow else "",
            evidence="",
            automate=automations.Wish(DAY, network=False),
        )
        asking.answer(asked.pk, Authenticator.objects.get(pk=paired.id), said)
        return Automation.objects.get()

    return make


class Statements(CaptureQueriesContext):
    """The SQL statements that were made, those apart that only control transactions."""

    CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")

    @property
    def queries(self):
        return [query["sql"] for query in self.captured_queries if not query["sql"].startswith(self.CONTROL)]


@pytest.fixture
def statements(db):
    return lambda: Statements(connection)


def is_silent(told):
    return (told["automated"], told["pending"]) == (True, False)


def is_asked(told):
    return (told["automated"], told["pending"]) == (False, True)


# Making one


def test_an_answer_stands_from_now_on(wish, ask, paired):
    wish()
    told = ask()
    assert is_silent(told)
    assert (told["granted"], told["reason"], told["reason_code"], told["number"]) == (True, "", 0, "")
    assert paired.pending().requests == ()


def test_a_no_stands_too(wish, ask, paired):
    wish("deny")
    told = ask()
    assert is_silent(told)
    assert (told["granted"], told["reason_code"]) == (False, 100)
    assert paired.pending().requests == ()


def test_an_answer_without_the_wish_stands_once(ask, paired):
    told = ask()
    paired.approve(paired.pending().requests[0], told["number"])
    assert not Automation.objects.exists()
    assert is_asked(ask())


def test_a_silent_answer_names_the_pairing_that_made_it(automate, ask):
    automation = automate()
    row = AuthenticationRequest.objects.get(pk=ask()["id"])
    assert (row.pairing, row.number, row.automated) == (automation.pairing, "", True)
    assert row.answered is not None


def test_a_silent_answer_is_noted(automate, ask):
    assert automate().last_used is None
    ask()
    assert Automation.objects.get().last_used > timezone.now() - timedelta(seconds=10)


def test_the_newest_answer_replaces_the_one_before(automate, ask, paired):
    Automation.objects.filter(pk=automate().pk).update(expires=timezone.now())
    assert automate("deny").answer == "deny"
    assert ask()["granted"] is False


def test_S23_a_wrong_number_makes_no_standing_answer(ask, paired):
    told = ask()
    wrong = f"{(int(told['number']) + 1) % 10**6:06}"
    with pytest.raises(RefusedError, match="number"):
        paired.approve(paired.pending().requests[0], wrong, Automate(DAY))
    assert not Automation.objects.exists()


def test_S26_the_wish_is_covered_by_the_answers_signature(ask, pair, raw_phone):
    pair(raw_phone)
    number = ask()["number"]
    claims = raw_phone.answer_claims(raw_phone.question(), number) | {"automate": {"seconds": DAY, "network": False}}
    head, body, signature = raw_phone.token(raw_phone.claims("answer", **claims)).split(".")
    bare = raw_phone.token(raw_phone.claims("answer", **{**claims, "automate": None})).split(".")
    assert raw_phone.send("answer", f"{head}.{body}.{bare[2]}").status_code == 401
    assert not Automation.objects.exists()
    assert raw_phone.send("answer", f"{head}.{body}.{signature}").status_code == 200
    assert AuthenticationRequest.objects.get().evidence == f"{head}.{body}.{signature}"


@pytest.fixture
def asked(ask, pair, raw_phone):
    """A question on alice's phone, and its number."""
    pair(raw_phone)
    number = ask()["number"]
    return raw_phone.question(), number


@table(
    "wish",
    [
        {"seconds": 59},
        {"seconds": 0},
        {"seconds": -DAY},
        {"seconds": 30 * DAY + 1},
        {"seconds": 10**30},
        {"seconds": "86400"},
        {"seconds": 1.5},
        {"seconds": True},
        {"seconds": None},
        {},
        {"seconds": DAY, "network": "yes"},
        {"seconds": DAY, "network": 1},
        {"seconds": DAY, "network": True},  # this request has no address
        DAY,
        "30 days",
        True,
        [],
    ],
)
@table("decision", ["allow", "deny"])
def test_S35_a_wish_that_is_none_is_refused_and_nothing_is_answered(raw_phone, asked, decision, wish):
    question, number = asked
    response = raw_phone.answer(question, number if decision == "allow" else "", decision, automate=wish)
    assert (response.status_code, response.json()["reason"]) == (400, "bad_request"), response.content
    assert AuthenticationRequest.objects.get().state == "pending"
    assert not Automation.objects.exists()


def test_the_longest_time_is_a_setting(settings, ask, paired):
    settings.TOOPHER_SERVICE_AUTOMATION_DAYS = 2
    ask()
    assert paired.pending().requests[0].automate == 2 * DAY


def test_without_days_nothing_stands(settings, automate, ask, paired):
    automate()
    settings.TOOPHER_SERVICE_AUTOMATION_DAYS = 0
    assert is_asked(ask())
    assert paired.pending().requests[0].automate == 0


# When it is given


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


def test_S23_a_blocked_user_is_answered_nothing(automate, api):
    automate()
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(RateLimitError):
        api.authenticate("alice", "secret-1", "Log In", terminal_name="PC")


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
    assert automations.use(found.user, found.terminal, found.action, "", timezone.now()) is None


def test_a_silent_answer_does_not_forget_the_failures(automate, ask):
    automate()
    User.objects.update(failures=3)
    ask()
    assert User.objects.get().failures == 3


def test_S24_silent_answers_are_no_questions(settings, automate, ask):
    settings.TOOPHER_SERVICE_QUESTION_LIMIT = settings.TOOPHER_SERVICE_UNANSWERED_LIMIT = 1
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


# Bound to a network


@pytest.fixture
def open_page(iframe):
    """Opens alice's page at an address."""

    def make(address="203.0.113.5", **more):
        computer = Computer()
        computer.client.defaults["REMOTE_ADDR"] = address
        terminal = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1", **more}
        return Frame.at(computer, iframe.get_auth_iframe_url("alice", "", "token", **terminal))

    return make


@pytest.fixture
def bound(open_page, paired):
    """A standing yes for alice's PC in its network."""
    frame = open_page()
    paired.approve(frame.question(paired), frame.state["number"], Automate(DAY, network=True))
    return Automation.objects.get()


def test_the_page_is_finished_at_once(open_page, paired, iframe):
    frame = open_page()
    paired.approve(frame.question(paired), frame.state["number"], Automate(DAY))
    state = open_page().state
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], "token")
    assert (postback["automated"], postback["granted"], postback["pending"]) == ("true", "true", "false")


def test_it_knows_the_network(bound):
    assert bound.network == "203.0.113.0/24"


def test_in_the_same_network_it_is_given(bound, open_page):
    assert open_page("203.0.113.77").state["state"] == "finished"


@table("address", ["203.0.114.5", "198.51.100.5", "2001:db8::5"])
def test_S27_in_another_network_the_phone_is_asked(bound, open_page, address):
    assert open_page(address).state["state"] == "waiting"


def test_S27_where_the_address_is_not_known_the_phone_is_asked(bound, ask):
    assert is_asked(ask())


def test_S27_in_another_network_one_that_is_bound_to_none_is_given(bound, open_page, paired):
    elsewhere = open_page("198.51.100.5")
    paired.deny(elsewhere.question(paired), Automate(DAY))
    assert open_page("198.51.100.5").state["granted"] is False
    assert open_page().state["granted"] is True


@table(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_a_network_is_24_or_64_bits(address, network):
    assert automations.network_of(address) == network


# Listing and removing


def test_the_phone_lists_them(automate, paired, requester):
    automation = automate()
    [told] = paired.automations()
    assert (told.id, told.requester, told.user) == (str(automation.pk), requester.name, "alice")
    assert (told.action, told.terminal, told.answer, told.network) == ("Log In", "PC", "allow", "")
    assert told.expires - told.created == DAY
    assert told.last_used is None


def test_every_phone_of_the_user_lists_them(automate, pair, make_phone):
    second = make_phone()
    pair(second)
    automation = automate()
    assert [one.id for one in second.automations()] == [str(automation.pk)]


def test_S17_another_users_phone_neither_lists_nor_removes_them(automate, pair, make_raw_phone):
    other = make_raw_phone("Other")
    pair(other, "bob")
    automation = automate()
    assert other.call("automations").json()["automations"] == []
    response = other.call("automation-remove", automation=str(automation.pk))
    assert (response.status_code, response.json()["reason"]) == (404, "not_found")
    assert Automation.objects.exists()


def test_S17_a_phone_that_was_removed_neither_lists_nor_removes_them(automate, pair, raw_phone, api):
    removed = pair(raw_phone)
    automation = automate()
    api.post(f"pairings/{removed}", deactivated=True)
    assert raw_phone.call("automations").json()["automations"] == []
    assert raw_phone.call("automation-remove", automation=str(automation.pk)).status_code == 404


def test_removing_it_on_the_phone_has_the_phone_asked_again(automate, ask, paired):
    paired.remove_automation(str(automate().pk))
    assert paired.automations() == ()
    assert is_asked(ask())


def test_removing_it_again_is_not_found(automate, paired):
    automation = str(automate().pk)
    paired.remove_automation(automation)
    with pytest.raises(RefusedError) as refused:
        paired.remove_automation(automation)
    assert refused.value.reason == "not_found"


@table("wrong", [None, "", "x", 7, []])
def test_S35_what_is_no_automation_is_not_removed(automate, pair, raw_phone, wrong):
    pair(raw_phone)
    automate()
    assert raw_phone.call("automation-remove", automation=wrong).status_code in {400, 404}
    assert Automation.objects.exists()


@pytest.fixture
def manage(iframe):
    """Opens a user's management page."""

    def make(user="alice"):
        return Frame.at(Computer(), iframe.get_user_management_iframe_url(user, "", session_token="token"))

    return make


def test_the_management_page_lists_them(automate, manage):
    automation = automate()
    [told] = manage().state["automations"]
    expires = told.pop("expires")
    assert told == {"id": str(automation.pk), "allow": True, "action": "Log In", "terminal": "PC", "network": ""}
    assert expires == int(automation.expires.timestamp())


def test_removing_it_on_the_management_page_has_the_phone_asked_again(automate, ask, manage):
    page = manage()
    state = page.call("forget", automation=str(automate().pk))
    assert (state["state"], state["automations"], len(state["phones"])) == ("managing", [], 1)
    assert is_asked(ask())


def test_S17_the_management_page_removes_its_users_only(automate, manage, pair, paired):
    pair(paired, "bob")
    automation = automate()
    assert manage("bob").state["automations"] == []
    assert manage("bob").call("forget", automation=str(automation.pk))["error_code"] == 404
    assert Automation.objects.exists()


def test_S05_a_login_page_removes_none(automate, open_page):
    page = open_page(action_name="Other")
    assert page.call("forget", automation=str(automate().pk))["error_code"] == 404
    assert Automation.objects.exists()


# The budget of queries


@table("before", ["another terminal", "asked", "denied", "silent"])
def test_asking_takes_twelve_queries_at_the_most(automate, ask, paired, statements, before):
    if before == "silent":
        automate()
    else:
        ask(terminal_name_extra="secret-2" if before == "another terminal" else "secret-1")
    if before == "denied":
        paired.deny(paired.pending().requests[0])
    with statements() as made:
        told = ask()
    assert is_silent(told) == (before == "silent")
    assert len(made.queries) <= 12, "\n".join(made.queries)


def test_a_requesters_poll_takes_three_queries(ask, paired, caller, statements):
    asked = ask()["id"]
    with statements() as made:
        told = caller.get(f"authentication_requests/{asked}").json()
    assert told["user"]["number_of_pregenerated_otps_remaining"] == 0
    assert len(made.queries) == 3, "\n".join(made.queries)


def test_a_phones_poll_takes_three_queries(ask, api, paired, statements):
    ask()
    api.pair("bob", paired.phrase().phrase)
    with statements() as made:
        waiting = paired.pending()
    assert (len(waiting.requests), len(waiting.pairings)) == (1, 1)
    assert len(made.queries) == 3, "\n".join(made.queries)


def test_a_phones_poll_is_newest_first(ask, api, paired):
    asked = [ask(terminal_name_extra=f"t{n}")["id"] for n in range(3)]
    offered = [api.pair(user, paired.phrase().phrase).id for user in ("bob", "carol")]
    waiting = paired.pending()
    assert [one.id for one in waiting.requests] == asked[::-1]
    assert [one.id for one in waiting.pairings] == offered[::-1]


def test_what_waits_is_told_of_the_right_people(ask, pair, paired, make_phone):
    pair(paired, "bob")
    other = make_phone()
    pair(other, "carol")
    ask(user_name="bob")
    ask(user_name="carol")
    bobs_phone = Pairing.objects.get(user__name="bob").authenticator
    questions, offers = asking.waiting_for(bobs_phone, timezone.now())
    assert ([one.user for one in questions], offers) == (["bob"], [])
