"""REST: pairings (PROTOCOL.md §2.1, rows 1, 3, 4, 5 and 9)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_toopher.client import RequestRefusedError, ToopherApiError
from django_toopher.service.models import Pairing, User
from tests.tables import table

from ..callers import rows
from ..shapes import NOBODY, PAIRING, assert_error, assert_shape

UNKNOWN_PHRASE = "No pending pairing requests with specified pairing_phrase"


@table("parameter", ["pairing_phrase", "pairing_token"])
def test_a_pairing_by_phrase_is_pending(caller, phone, parameter):
    told = caller.post("pairings/create", user_name="alice", **{parameter: phone.phrase().phrase}).json()
    assert_shape(told, PAIRING)
    assert (told["pending"], told["enabled"], told["deactivated"]) == (True, False, False)
    assert (told["user"]["name"], told["totp_length"], told["reason_code"]) == ("alice", 6, 0)
    assert told["authenticator"]["id"] == phone.id


def test_S34_a_pairing_tells_no_seed(caller, pair, phone):
    response = caller.get(f"pairings/{pair(phone)}")
    assert phone.account().secret not in response.content.decode()
    assert "secret" not in response.json()


def test_a_pairing_is_followed_until_the_phone_says_yes(api, phone):
    pairing = api.pair("alice", phone.phrase().phrase)
    pairing.refresh_from_server(api)
    assert (bool(pairing), pairing.pending) == (False, True)
    phone.pair(phone.pending().pairings[0])
    pairing.refresh_from_server(api)
    assert (bool(pairing), pairing.pending, pairing.deactivated) == (True, False, False)


def test_a_pairing_is_followed_until_the_phone_says_no(api, phone):
    pairing = api.pair("alice", phone.phrase().phrase)
    phone.decline(phone.pending().pairings[0])
    pairing.refresh_from_server(api)
    assert (pairing.enabled, pairing.pending, pairing.deactivated) == (False, False, False)


@table("phrase", ["awkward turtle", "immediate pair", "\u00e9t\u00e9", "\0", "w" * 5000])
def test_an_unknown_phrase_is_not_found_and_only_counted(caller, phrase):
    before = rows()
    assert_error(caller.post("pairings/create", user_name="alice", pairing_phrase=phrase), 404, 404, UNKNOWN_PHRASE)
    assert rows() == {**before, "Tally": before["Tally"] + 1}


def test_S29_phrases_can_not_be_guessed_through_the_api_either(caller, api, phone, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"phrases": 3}
    for _ in range(3):
        caller.post("pairings/create", user_name="alice", pairing_phrase="awkward turtle")
    words = phone.phrase().phrase
    response = caller.post("pairings/create", user_name="alice", pairing_phrase=words)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert api.pair("bob", words).pending


def test_S29_phrases_for_a_user_named_by_id_are_counted_for_that_user(caller, api, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"phrases": 1}
    alice, bob = (api.create_user(name).id for name in ("alice", "bob"))
    statuses = [
        caller.post("pairings/create", user_id=user, pairing_phrase="awkward turtle").status_code
        for user in (alice, alice, bob)
    ]
    assert statuses == [404, 429, 404]


def test_a_right_phrase_forgets_the_wrong_ones(caller, api, phone, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"phrases": 3}
    for _ in range(2):
        for _ in range(2):
            caller.post("pairings/create", user_name="alice", pairing_phrase="awkward turtle")
        assert api.pair("alice", phone.phrase().phrase).pending


def test_an_unknown_phrase_renames_nobody(api, caller):
    user = api.create_user("alice")
    response = caller.post("pairings/create", user_name="bob", user_id=user.id, pairing_phrase="awkward turtle")
    assert_error(response, 404, 404)
    assert User.objects.get().name == "alice"


@table("fields", [{}, {"user_name": "alice"}, {"user_name": "alice", "pairing_phrase": ""}])
def test_a_pairing_without_a_phrase_is_refused(caller, fields):
    before = rows()
    assert_error(caller.post("pairings/create", **fields), 400, 400)
    assert rows() == before


def test_a_pairing_without_a_name_leaves_the_phrase_unused(caller, api, phone):
    phrase = phone.phrase().phrase
    assert_error(caller.post("pairings/create", pairing_phrase=phrase), 400, 400)
    assert api.pair("alice", phrase).pending


def test_an_id_names_the_user(api, phone):
    user = api.create_user("alice")
    assert api.post("pairings/create", user_id=user.id, pairing_phrase=phone.phrase().phrase)["user"]["name"] == "alice"


def test_an_id_beside_a_name_renames_the_user(api, phone):
    user = api.create_user("alice")
    pairing = api.pair("alicia", phone.phrase().phrase, user_id=user.id)
    assert (pairing.user.id, pairing.user.name) == (user.id, "alicia")
    assert api.get("users", name="alice") == []
    assert api.get_user_by_id(user.id).name == "alicia"


@table(("user_id", "status"), [("x", 400), (NOBODY, 404)])
def test_a_wrong_id_pairs_nobody(caller, phone, user_id, status):
    response = caller.post("pairings/create", user_name="a", user_id=user_id, pairing_phrase=phone.phrase().phrase)
    assert_error(response, status, status)
    assert not Pairing.objects.exists()


def test_a_pairing_by_QR_code_has_a_picture(api):
    pairing = api.pair("alice")
    assert (pairing.pending, pairing.raw["authenticator"]) == (True, {})
    assert pairing.get_qr_code_image(api).startswith(b"\x89PNG\r\n\x1a\n")


def test_the_picture_is_a_png_and_is_not_cached(caller, api):
    response = caller.get(f"qr/pairings/{api.pair('alice').id}")
    assert response["Content-Type"] == "image/png"
    assert "no-store" in response["Cache-Control"]


@table("state", ["enabled", "denied", "deactivated"])
def test_a_pairing_that_is_over_has_no_picture(caller, api, state):
    pairing = api.pair("alice")
    Pairing.objects.update(state=state)
    assert_error(caller.get(f"qr/pairings/{pairing.id}"), 404, 404)


def test_a_pairing_by_QR_code_needs_a_name(caller):
    assert_error(caller.post("pairings/create/qr"), 400, 400)
    assert not Pairing.objects.exists()


@table("text", ["True", "true", "1"])
def test_a_pairing_is_deactivated(caller, pair, phone, text):
    pairing = pair(phone)
    told = caller.post(f"pairings/{pairing}", deactivated=text).json()
    assert_shape(told, PAIRING)
    assert (told["enabled"], told["pending"], told["deactivated"]) == (False, False, True)
    assert Pairing.objects.get().otp_seed == ""
    assert phone.pairings() == ()


@table("fields", [{}, {"deactivated": "False"}, {"deactivated": "0"}, {"deactivated": ""}])
def test_a_pairing_is_not_deactivated_unless_told_so(caller, pair, phone, fields):
    assert caller.post(f"pairings/{pair(phone)}", **fields).json()["enabled"] is True


def test_a_pairing_is_never_brought_back(caller, pair, phone):
    pairing = pair(phone)
    caller.post(f"pairings/{pairing}", deactivated="True")
    told = caller.post(f"pairings/{pairing}", deactivated="False", enabled="True").json()
    assert (told["enabled"], told["deactivated"]) == (False, True)


def test_S35_a_deactivation_that_is_no_boolean_is_refused(caller, pair, phone):
    assert_error(caller.post(f"pairings/{pair(phone)}", deactivated="maybe"), 400, 400)
    assert Pairing.objects.get().is_enabled


def test_an_unknown_pairing_is_not_found(api):
    for call in (api.get, api.post):
        with pytest.raises(RequestRefusedError) as refused:
            call(f"pairings/{NOBODY}")
        assert (refused.value.status, refused.value.code) == (404, 404)


def test_what_cannot_be_read_gives_a_phone_no_name(caller, pair, phone):
    path = f"pairings/{pair(phone)}"
    assert_error(caller.post(path, name="Mine", deactivated="perhaps"), 400, 400)
    assert_error(caller.post(path, name="x" * 101), 400, 400)
    assert Pairing.objects.get().label == ""
    renamed = caller.post(path, name="Mine").json()
    assert (renamed["authenticator"]["name"], Pairing.objects.get().label) == ("Mine", "Mine")


def test_S35_a_rename_to_a_name_that_is_taken_is_refused(api, phone):
    alice, bob = api.create_user("alice"), api.create_user("bob")
    with pytest.raises(RequestRefusedError) as refused:
        api.pair("bob", phone.phrase().phrase, user_id=alice.id)
    assert refused.value.status == 400
    assert {str(user.pk): user.name for user in User.objects.all()} == {alice.id: "alice", bob.id: "bob"}
    assert not Pairing.objects.exists()


@table("endpoint", ["pairings/create", "pairings/create/qr"])
def test_S35_a_pairing_with_a_flag_that_is_no_boolean_changes_nobody(caller, api, phone, endpoint):
    phrase = phone.phrase().phrase
    alice = api.create_user("alice").id if endpoint == "pairings/create" else ""
    before = rows()
    fields = {"user_name": "bob", "user_id": alice, "pairing_phrase": phrase, "only_first": "perhaps"}
    assert_error(caller.post(endpoint, **fields), 400, 400)
    assert rows() == before
    assert not User.objects.filter(name="bob").exists()


@table("agreed", [False, True])
def test_a_pairing_that_nobody_confirmed_in_time_waits_no_more(api, caller, phone, agreed):
    phrase = phone.phrase().phrase
    pairing = api.pair("alice", phrase, site_confirms=agreed)
    if agreed:
        phone.pair(phone.pending().pairings[0])
    assert api.get_pairing_by_id(pairing.id).pending
    Pairing.objects.update(expires=timezone.now())
    told = api.get_pairing_by_id(pairing.id)
    assert (told.pending, told.enabled, told.raw["agreed"], told.raw["deactivated"]) == (False, False, False, False)
    assert [each["pending"] for each in caller.get(f"users/{told.user.id}/pairings").json()] == [False]


def test_nor_has_it_a_qr_code(api):
    pairing = api.pair("alice")
    assert pairing.get_qr_code_image(api)
    Pairing.objects.update(expires=timezone.now())
    with pytest.raises(ToopherApiError, match="no QR code"):
        pairing.get_qr_code_image(api)
