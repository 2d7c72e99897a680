"""A phone that has agreed, and whose site has not: it counts for nothing until that confirms it (SECURITY.md S39)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import RequestRefusedError, ToopherApiError
from django_toopher.service.device.cli_replies import RefusedError
from django_toopher.service.errors import GoneError, LastPhoneError
from django_toopher.service.models import Alarm, AuthenticationRequest, Authenticator, Pairing, Terminal, User
from django_toopher.service.people import users
from django_toopher.service.phones import pairings
from django_toopher.service.shown import PairingTexts
from django_toopher.service.upkeep.purge import purge
from tests.factories import registered_phone

from ..callers import at_once


def agreed_by(api, phone, user="alice", **terms):
    """The id of a pairing to which ``phone`` has said yes, and the site not yet."""
    asked = api.post(
        "pairings/create", user_name=user, pairing_phrase=phone.phrase().phrase, site_confirms=True, **terms
    )
    phone.pair(phone.pending().pairings[0])
    return asked["id"]


def confirm(api, pairing, **terms):
    return api.post(f"pairings/{pairing}", confirmed=True, **terms)


@pytest.fixture
def agreed(api, phone):
    return agreed_by(api, phone)


def test_S39_without_the_parameter_the_phones_yes_is_enough(api, phone, mailoutbox):
    pairing = api.pair("alice", phone.phrase().phrase)
    phone.pair(phone.pending().pairings[0])
    pairing.refresh_from_server(api)
    assert pairing.enabled
    assert not phone.account().agreed


def test_S39_a_phone_that_the_site_has_not_confirmed_counts_for_nothing(api, agreed, phone, make_phone):
    told = api.get(f"pairings/{agreed}")
    assert (told["enabled"], told["pending"], told["agreed"]) == (False, True, True)
    with pytest.raises(ToopherApiError) as refused:
        api.authenticate("alice", "terminal", terminal_name="Laptop")
    assert refused.value.code == 601
    assert phone.pairings() == ()
    assert [each.id for each in phone.agreed()] == [agreed]
    first = agreed_by(api, make_phone("First"), only_first=True)  # two may be agreed, and one becomes the first
    assert confirm(api, first)["enabled"]
    api.authenticate("alice", "terminal", terminal_name="Laptop")
    assert phone.pending().requests == ()
    request = AuthenticationRequest.objects.get()
    assert not api.post(f"authentication_requests/{request.pk}/otp_auth", otp=phone.code())["granted"]


def test_S39_confirmed_it_is_a_phone_like_another(api, agreed, phone, mailoutbox):
    User.objects.update(email="alice@example.com")
    assert not mailoutbox
    for _ in range(2):  # killed in between, the site confirms again
        assert confirm(api, agreed)["enabled"]
    assert [each.id for each in phone.pairings()] == [agreed]
    assert phone.agreed() == ()


def test_S30_S39_the_mail_comes_when_the_site_has_confirmed(
    api, agreed, mailoutbox, django_capture_on_commit_callbacks
):
    User.objects.update(email="alice@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        confirm(api, agreed)
        confirm(api, agreed)
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("end", ["expired", "removed", "reset", "by the phone"])
def test_S39_what_has_ended_is_not_confirmed(api, agreed, phone, end):
    if end == "expired":
        Pairing.objects.update(expires=timezone.now())
    elif end == "removed":
        api.post(f"pairings/{agreed}", deactivated=True)
    elif end == "reset":
        api.reset_user("alice")
    else:
        phone.remove(agreed)
    with pytest.raises(RequestRefusedError) as refused:
        confirm(api, agreed)
    assert refused.value.status == 409
    assert not Pairing.objects.enabled().exists()
    assert phone.agreed() == ()


def test_S39_the_phone_learns_what_became_of_it(api, agreed, phone, make_phone):
    assert phone.settle() == []
    assert phone.account().agreed
    confirm(api, agreed)
    [(account, is_paired)] = phone.settle()
    assert (account.id, is_paired, phone.account().agreed) == (agreed, True, False)
    other = make_phone()
    nothing = agreed_by(api, other)
    api.post(f"pairings/{nothing}", deactivated=True)
    [(account, is_paired)] = other.settle()
    assert (account.id, is_paired, other.accounts) == (nothing, False, ())


def test_S39_who_was_to_be_the_first_phone_is_not_confirmed_beside_another(api, phone, make_phone):
    first, second = (agreed_by(api, each, only_first=True) for each in (phone, make_phone()))
    confirm(api, first)
    with pytest.raises(RequestRefusedError):
        confirm(api, second)
    assert Pairing.objects.enabled().count() == 1


def test_S39_a_phone_can_be_confirmed_in_place_of_all_others(api, pair, phone, make_phone):
    old = pair(phone)
    new = agreed_by(api, make_phone("New"))
    waits = api.authenticate("alice", "terminal", terminal_name="Laptop")
    confirm(api, new, alone=True)
    assert phone.pending().requests == ()
    assert api.get_authentication_request_by_id(waits.id).raw["cancelled"]
    assert [str(each.pk) for each in Pairing.objects.enabled()] == [new]
    assert Pairing.objects.get(pk=old).otp_seed == ""


def test_S39_the_agreed_phone_is_asked_alone_where_the_site_names_it(api, agreed, phone, make_phone):
    other = make_phone("Other")
    confirm(api, agreed_by(api, other))
    asked = api.post("authentication_requests/initiate", pairing_id=agreed, terminal_name="x", terminal_name_extra="y")
    assert asked["to_confirm"] == agreed
    assert other.pending().requests == ()
    [question] = phone.pending().requests
    assert phone.approve(question, asked["number"]) == "granted"
    told = api.get(f"authentication_requests/{asked['id']}")
    assert (told["granted"], told["to_confirm"]) == (True, agreed)
    assert not Pairing.objects.get(pk=agreed).is_enabled


def test_S39_S46_a_computer_is_approved_by_the_agreed_phone_once_the_site_has_confirmed_it(api, agreed, phone):
    asked = api.post("authentication_requests/initiate", pairing_id=agreed, terminal_name="x", terminal_name_extra="y")
    phone.approve(phone.pending().requests[0], asked["number"])
    assert Terminal.objects.get().approved is None
    confirm(api, agreed)
    assert Terminal.objects.get().approved


def test_S39_a_report_by_the_agreed_phone_denies_that_request_and_blocks_nobody(api, agreed, phone):
    asked = api.post("authentication_requests/initiate", pairing_id=agreed, terminal_name="x", terminal_name_extra="y")
    phone.report(phone.pending().requests[0])
    assert not api.get(f"authentication_requests/{asked['id']}")["granted"]
    assert User.objects.get().reported_until is None
    assert not Alarm.objects.exists()


def test_S39_the_other_phone_does_not_answer_what_the_agreed_one_is_asked(api, agreed, phone, make_phone):
    other = make_phone("Other")
    confirm(api, agreed_by(api, other))
    asked = api.post("authentication_requests/initiate", pairing_id=agreed, terminal_name="x", terminal_name_extra="y")
    [question] = phone.pending().requests
    with pytest.raises(RefusedError):
        other.approve(question, asked["number"])
    assert not api.post(f"authentication_requests/{asked['id']}/otp_auth", otp=other.code())["granted"]
    assert api.post(f"authentication_requests/{asked['id']}/otp_auth", otp=phone.code())["granted"]


def test_S39_a_pairing_that_was_to_be_the_first_asks_nobody_beside_another(api, phone, make_phone):
    agreed = agreed_by(api, phone, only_first=True)
    confirm(api, agreed_by(api, make_phone("Other")))
    with pytest.raises(ToopherApiError) as refused:
        api.post("authentication_requests/initiate", pairing_id=agreed, terminal_name="x", terminal_name_extra="y")
    assert refused.value.code == 601


def test_S39_what_nobody_confirmed_is_purged(api, agreed):
    Pairing.objects.update(expires=timezone.now() - timedelta(days=2))
    assert dict(purge())["unfinished pairings"] == 1


def test_S38_the_only_phone_stays_where_the_site_says_so(api, pair, phone, make_phone):
    first = pair(phone)
    with pytest.raises(RequestRefusedError) as refused:
        api.post(f"pairings/{first}", deactivated=True, unless_last=True)
    assert refused.value.status == 409
    pair(make_phone())
    assert api.post(f"pairings/{first}", deactivated=True, unless_last=True)["deactivated"]


# At the same moment


def agreed_row(requester, name="Pixel", **terms):
    phone = Authenticator.objects.get(pk=registered_phone(name).id)
    pairing = pairings.create(users.get_or_create(requester, "alice"), phone, site_confirms=True, **terms)
    texts = PairingTexts(requester.name, "alice")
    return pairings.answer(pairing, phone, allow=True, shown=texts, now=timezone.now())


def tried(act, *args, **options):
    """Whether it was done."""

    def call():
        try:
            return bool(act(*args, **options))
        except (GoneError, LastPhoneError):
            return False

    return call


def test_S39_confirmed_and_removed_at_once_it_is_removed(threaded_db, make_requester):
    for turn in range(10):
        agreed_row(make_requester(f"key{turn}"))
        one, two, three = (Pairing.objects.select_related("user").latest("created") for _ in range(3))
        now = timezone.now()
        at_once(tried(pairings.confirm, one, now), tried(pairings.confirm, two, now), tried(pairings.deactivate, three))
        pairing = Pairing.objects.latest("created")
        assert (pairing.state, pairing.otp_seed) == (Pairing.State.DEACTIVATED, "")  # whoever was first


def test_S39_two_first_phones_confirmed_at_once_are_one(threaded_db, make_requester):
    for turn in range(10):
        requester = make_requester(f"key{turn}")
        both = [agreed_row(requester, name, only_first=True) for name in ("one", "two")]
        confirmed = at_once(*[tried(pairings.confirm, each, timezone.now()) for each in both])
        assert sorted(confirmed) == [False, True]


def test_S38_of_two_phones_removed_at_once_one_stays(threaded_db, make_requester):
    for turn in range(10):
        requester = make_requester(f"key{turn}")
        both = [pairings.confirm(agreed_row(requester, name), timezone.now()) for name in ("one", "two")]
        removed = at_once(*[tried(pairings.deactivate, each, unless_last=True) for each in both])
        assert sorted(removed) == [False, True]
