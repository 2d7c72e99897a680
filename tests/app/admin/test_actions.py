"""Support's verbs as actions of the list, and as buttons on a person's page."""

from __future__ import annotations

from django.contrib.admin.models import CHANGE, LogEntry
from django.core import mail

from django_toopher.models import SupportRun, ToopherAccount
from tests.tables import table

from ..acts import outcomes
from .desk import ACCOUNTS, RUNS, act, every_verb, state, told


def test_disable_and_enable(people, support):
    alice, bob = people["alice"], people["bob"]
    assert told(act(support, "disable", alice)) == {"alice": ("done", "")}
    assert (state("alice"), state("bob")) == ((False, False, 1), (True, True, 1))
    assert told(act(support, "enable", alice, bob)) == {
        "alice": ("done", ""),
        "bob": ("skipped", "the second factor is on already"),
    }
    assert (state("alice"), state("bob")) == ((True, True, 1), (True, True, 1))


def test_reset_removes_all_phones_and_voids_what_is_pending(people, support, make_computer):
    make_computer().password("alice")
    before = people["alice"].generation
    act(support, "reset", people["alice"])
    alice = ToopherAccount.objects.get(name="alice")
    assert state("alice") == (True, True, 0)
    assert (alice.paired, alice.pairing_id, alice.generation) == (False, "", before + 1)
    assert outcomes() == [("pending", "")]
    other = make_computer()
    other.password("alice")
    assert other.is_logged_in()


def test_a_reset_link_is_mailed(people, support):
    before = len(mail.outbox)
    response = act(support, "send_reset_link", people["alice"], people["carol"])
    assert told(response) == {
        "alice": ("done", "alice@example.com: alice"),
        "carol": ("skipped", "no phone is paired"),
    }
    assert [message.to for message in mail.outbox[before:]] == [["alice@example.com"]]


def test_refresh_takes_over_the_name_of_the_phone(people, support):
    act(support, "refresh", *people.values())
    assert dict(ToopherAccount.objects.values_list("name", "device")) == {"alice": "alice", "bob": "bob", "carol": ""}


@every_verb
def test_the_button_on_a_persons_page_does_the_same(verb, people, support):
    response = support.post(f"{ACCOUNTS}{people['alice'].pk}/support/", {"verb": verb}, follow=True)
    assert response.context["run"].verb == verb
    assert [*told(response)] == ["alice"]


@table("verb", ["", "nonsense", "__class__"])
def test_a_button_that_there_is_not_does_nothing(verb, people, support):
    assert support.post(f"{ACCOUNTS}{people['alice'].pk}/support/", {"verb": verb}).status_code == 404
    assert support.get(f"{ACCOUNTS}{people['alice'].pk}/support/").status_code == 405


def test_S16_each_person_is_named_and_one_failure_stops_nobody(people, support):
    ToopherAccount.objects.filter(name="bob").update(name=" ")  # a name that no service takes
    broken = ToopherAccount.objects.get(name=" ")
    ToopherAccount.objects.filter(pk=broken.pk).update(toopher_user_id="")
    response = act(support, "disable", *people.values())
    assert told(response)["alice"] == told(response)["carol"] == ("done", "")
    assert told(response)[" "][0] == "failed"
    assert told(response)[" "][1].startswith("the service refused: ")
    assert ToopherAccount.objects.get(pk=broken.pk).enabled
    ToopherAccount.objects.filter(pk=broken.pk).update(name="bob")
    run = f"{RUNS}{SupportRun.objects.get().pk}/change/"
    for press in ("retry", "step"):
        response = support.post(run, {"press": press}, follow=True)
    assert {outcome for outcome, _ in told(response).values()} == {"done"}
    assert state("bob") == (False, False, 1)


def test_S16_a_service_that_is_down_changes_nothing_here(people, support, elsewhere):
    for _ in people:
        elsewhere.will_answer(b"", 500)
    response = act(support, "disable", *people.values())
    assert {outcome for outcome, _ in told(response).values()} == {"failed"}
    assert {*told(response)} == {*people}
    assert not ToopherAccount.objects.filter(enabled=False).exists()
    assert not LogEntry.objects.exists()


def test_S16_who_did_what_to_whom_is_logged(people, support, staff):
    for action in ("disable", "enable", "reset"):
        act(support, action, people["alice"], people["bob"])
    logged = [(entry.user, entry.object_id, entry.action_flag) for entry in LogEntry.objects.all()]
    assert sorted(logged, key=str) == sorted(
        [(staff, str(people[name].pk), CHANGE) for name in ("alice", "bob") for _ in range(3)], key=str
    )
    texts = {entry.get_change_message() for entry in LogEntry.objects.all()}
    assert texts == {"second factor disabled", "second factor enabled", "phones removed"}
    history = support.get(f"{ACCOUNTS}{people['alice'].pk}/history/").content.decode()
    assert "phones removed" in history
