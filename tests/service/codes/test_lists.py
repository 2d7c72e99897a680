"""Lists of codes made beforehand (PROTOCOL.md §2.1, row 21, and §4.2)."""

from __future__ import annotations

import re
from functools import partial

import pytest

from django_toopher.client import PairingDeactivatedError, UserDisabledError, UserUnknownError
from django_toopher.service.codes import lists
from django_toopher.service.models import AuthenticationRequest, Pairing, PregeneratedCode, User
from django_toopher.service.people import users
from django_toopher.service.requests import asking
from tests.tables import table

from ..callers import at_once, rows
from ..shapes import REQUEST, USER, assert_error, assert_shape
from ..test_models import dump

ACTIVATE = "users/activate_next_otp_list"
INITIATE = "authentication_requests/initiate"
TERMINAL = {"terminal_name": "PC", "terminal_name_extra": "s1"}


@pytest.fixture
def codes(requester):
    """alice's list; she has no phone."""
    return lists.activate(users.get_or_create(requester, "alice"))


@pytest.fixture
def asked(codes):
    """The id of a request that waits for one of alice's codes."""
    request = asking.initiate(User.objects.get(), "Log In", terminal_name="PC", terminal_extra="s1")
    return str(request.pk)


def activate(api, user="alice"):
    return api.post(ACTIVATE, user_name=user)["otp_list"]


def remaining(api, user="alice"):
    [found] = api.get("users", name=user)
    return found["number_of_pregenerated_otps_remaining"]


def wrong_code(codes):
    return next(code for code in (f"{number:08}" for number in range(11)) if code not in codes)


# The list


def test_a_list_has_ten_different_codes_of_eight_digits(codes):
    assert len(codes) == len(set(codes)) == 10
    assert all(re.fullmatch("[0-9]{8}", code) for code in codes)


def test_S34_codes_are_not_readable_in_the_database(codes):
    stored = dump()
    assert not any(code in stored for code in codes)


def test_S34_codes_are_stored_under_a_key_of_this_site(settings, codes):
    """Eight digits are few enough to try them all against a digest without a key."""
    settings.SECRET_KEY = "another site's key"
    assert not lists.spend(User.objects.get(), codes[0])


def test_S34_codes_outlive_a_rotated_secret_key(settings, codes):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key"
    assert lists.spend(User.objects.get(), codes[0])


def test_no_reply_but_the_first_tells_codes(caller, api, codes):
    told = [
        caller.get("users", name="alice"),
        caller.post(INITIATE, user_name="alice", **TERMINAL),
        caller.post(INITIATE, user_name="alice", otp=codes[0], **TERMINAL),
    ]
    assert not any(code in each.content.decode() for code in codes for each in told)


def test_a_user_tells_how_many_codes_remain(caller, api, codes):
    assert_shape(caller.get("users", name="alice").json()[0], USER)
    assert remaining(api) == 10
    api.post(INITIATE, user_name="alice", otp=codes[0], **TERMINAL)
    assert remaining(api) == 9


def test_a_user_without_a_list_has_none(api):
    api.create_user("alice")
    assert remaining(api) == 0


def test_the_next_list_voids_the_one_before(api, codes):
    second = activate(api)
    assert remaining(api) == 10
    assert not set(codes) & set(second)
    assert not lists.spend(User.objects.get(), codes[0])
    assert lists.spend(User.objects.get(), second[0])


def test_of_lists_activated_at_once_one_remains(threaded_db, codes):
    user = User.objects.get()
    made = at_once(*[partial(lists.activate, user)] * 4)
    assert PregeneratedCode.objects.count() == 10
    assert sum(all(lists.spend(user, code) for code in each) for each in made) == 1


@table("fields", [{}, {"create_user_if_needed": "False"}, {"create_user_if_needed": ""}])
def test_a_list_of_an_unknown_user_is_705(caller, fields):
    before = rows()
    assert_error(caller.post(ACTIVATE, user_name="nobody", **fields), 409, 705)
    assert rows() == before


@table("text", ["True", "true", "1"])
def test_an_unknown_user_is_made_when_that_is_asked_for(caller, text):
    response = caller.post(ACTIVATE, user_name="nobody", create_user_if_needed=text)
    assert len(response.json()["otp_list"]) == 10
    assert User.objects.get().name == "nobody"


@table(
    "fields",
    [
        {},
        {"user_name": ""},
        {"user_name": "\0"},
        {"user_name": "n" * 256},
        {"user_name": "a", "create_user_if_needed": "maybe"},
    ],
)
def test_S35_a_list_for_a_name_that_is_none_is_refused(caller, fields):
    before = rows()
    assert_error(caller.post(ACTIVATE, **{"create_user_if_needed": "True", **fields}), 400, 400)
    assert rows() == before


def test_S21_a_code_serves_its_own_user_only(api, codes):
    api.create_user("bob")
    assert not lists.spend(User.objects.get(name="bob"), codes[0])
    assert lists.spend(User.objects.get(name="alice"), codes[0])


# Asking a user who has codes and no phone


def test_a_user_with_codes_and_no_phone_is_asked_for_one(caller, codes):
    response = caller.post(INITIATE, user_name="alice", **TERMINAL)
    told = response.json()
    assert response.status_code == 200
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"]) == (True, False)
    assert (told["reason_code"], told["reason"]) == (708, "User requires OTP authentication")


def test_a_user_whose_phone_was_removed_is_asked_for_a_code(api, caller, pair, phone):
    pairing = pair(phone)
    activate(api)
    caller.post(f"pairings/{pairing}", deactivated="True")
    assert caller.post(INITIATE, user_name="alice", **TERMINAL).json()["reason_code"] == 708
    with pytest.raises(PairingDeactivatedError):
        api.authenticate(pairing, "PC")


def test_a_user_with_codes_and_a_phone_is_asked_on_the_phone(api, caller, pair, phone):
    pair(phone)
    activate(api)
    assert caller.post(INITIATE, user_name="alice", **TERMINAL).json()["reason_code"] == 0
    assert len(phone.pending().requests) == 1


def test_a_user_who_used_the_last_code_has_no_factor(api, codes):
    user = User.objects.get()
    for code in codes:
        lists.spend(user, code)
    with pytest.raises(UserUnknownError):
        api.authenticate("alice", "s1", terminal_name="PC")


def test_a_disabled_user_with_codes_is_704(api, codes):
    api.disable_user("alice")
    with pytest.raises(UserDisabledError):
        api.authenticate("alice", "s1", terminal_name="PC")


def test_the_terminal_comes_before_the_code(caller, codes):
    response = caller.post(INITIATE, user_name="alice", terminal_name_extra="unknown")
    assert_error(response, 409, 706)


def test_a_reset_voids_the_list(api, codes):
    api.reset_user("alice")
    assert remaining(api) == 0
    with pytest.raises(UserUnknownError):
        api.authenticate("alice", "s1", terminal_name="PC")


# Answering with a code


@table("form", ["{}", " {} ", "{:.4} {}", "{:.4}-{}"])
def test_a_code_grants_a_waiting_request(caller, codes, asked, form):
    typed = form.format(codes[0]) if form.count("{") == 1 else f"{codes[0][:4]}{form[5]}{codes[0][4:]}"
    told = caller.post(f"authentication_requests/{asked}/otp_auth", otp=typed).json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["totp_valid"]) == (False, True, True)
    assert told["user"]["number_of_pregenerated_otps_remaining"] == 9


def test_a_code_answers_at_once_when_it_comes_with_the_question(caller, codes):
    told = caller.post(INITIATE, user_name="alice", otp=codes[0]).json()
    assert (told["pending"], told["granted"], told["totp_valid"]) == (False, True, True)


def test_a_code_answers_for_a_user_with_a_phone_too(api, caller, pair, phone):
    pair(phone)
    [code, *_] = activate(api)
    assert caller.post(INITIATE, user_name="alice", otp=code).json()["granted"] is True


def test_the_phones_own_code_still_works_beside_a_list(api, caller, pair, phone):
    pair(phone)
    activate(api)
    assert caller.post(INITIATE, user_name="alice", otp=phone.code()).json()["granted"] is True
    assert remaining(api) == 10


def test_a_code_works_once(caller, codes):
    assert caller.post(INITIATE, user_name="alice", otp=codes[0]).json()["granted"] is True
    assert caller.post(INITIATE, user_name="alice", otp=codes[0]).json()["granted"] is False


def test_a_code_is_spent_once_however_many_try_at_once(threaded_db, codes):
    user = User.objects.get()
    for code in codes[:5]:
        assert sorted(at_once(*[partial(lists.spend, user, code)] * 5)) == [False] * 4 + [True]


def test_a_code_used_by_several_threads_at_once_grants_one(threaded_db, api, codes, make_api):
    ids = [api.authenticate("alice", "s1", terminal_name="PC").id for _ in range(4)]
    tries = [lambda id_=each: make_api().post(f"authentication_requests/{id_}/otp_auth", otp=codes[0]) for each in ids]
    assert sorted(each["granted"] for each in at_once(*tries)) == [False] * 3 + [True]
    assert AuthenticationRequest.objects.filter(state="granted").count() == 1
    assert PregeneratedCode.objects.count() == 9


@table("code", ["1", "1234567", "123456789", "\u0661" * 8, "abcdefgh", "\0", "9" * 5000])
def test_S35_what_is_no_code_grants_nothing(caller, asked, code):
    told = caller.post(f"authentication_requests/{asked}/otp_auth", otp=code).json()
    assert (told["pending"], told["granted"], told["totp_valid"]) == (True, False, False)
    assert PregeneratedCode.objects.count() == 10


def test_S23_wrong_codes_count_against_the_user(api, caller, codes):
    asked = caller.post(INITIATE, user_name="alice", **TERMINAL).json()
    for _ in range(2):
        told = caller.post(f"authentication_requests/{asked['id']}/otp_auth", otp=wrong_code(codes)).json()
    assert (told["pending"], told["reason_code"]) == (True, 708)
    assert User.objects.get().failures == 2
    told = caller.post(f"authentication_requests/{asked['id']}/otp_auth", otp=wrong_code(codes)).json()
    assert (told["pending"], told["granted"]) == (False, False)


def test_S23_wrong_codes_are_slowed_down(settings, api, caller, codes):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 1}
    caller.post(INITIATE, user_name="alice", otp=wrong_code(codes))
    told = api.post(INITIATE, user_name="alice", otp=codes[0])
    assert (told["pending"], told["granted"]) == (False, False)
    assert remaining(api) == 10


def test_S25_a_code_grants_nothing_that_is_over(api, caller, codes):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    caller.post(f"authentication_requests/{asked.id}/cancel")
    told = caller.post(f"authentication_requests/{asked.id}/otp_auth", otp=codes[0]).json()
    assert (told["pending"], told["granted"], told["cancelled"]) == (False, False, True)
    assert remaining(api) == 10


def test_S25_a_code_grants_nothing_to_a_user_who_was_disabled(api, caller, codes):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    api.disable_user("alice")
    assert_error(caller.post(f"authentication_requests/{asked.id}/otp_auth", otp=codes[0]), 409, 704)
    assert remaining(api) == 10
    assert not Pairing.objects.exists()
