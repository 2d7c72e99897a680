"""What a site does with each published client, over a real socket (PROTOCOL.md §1, §2, §7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..generations import BY_NAME, GENERATIONS
from .acts import ONE_OF_EACH_KIND, TERMINAL, USER, ask_and_answer, every, only, pair, post_signed_as, refused, told

pytestmark = [pytest.mark.servers, pytest.mark.slow]


# What a site does with such a client


@every()
def test_it_pairs_and_has_a_question_answered(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    ask_and_answer(sender, phone)


@only(*ONE_OF_EACH_KIND)
def test_its_request_sent_again_is_refused(make_sender, generation):
    sender = make_sender(generation)
    path, fields = "pairings/create", [("pairing_phrase", "no such phrase"), ("user_name", USER)]
    pieces = sender.request("POST", path, fields)
    assert sender.deliver("POST", *pieces).status == 404
    assert refused(sender.deliver("POST", *pieces))


@only(*ONE_OF_EACH_KIND)
def test_with_a_wrong_secret_it_is_refused(make_sender, generation):
    sender = replace(make_sender(generation), secret="wrong")
    reply = sender.post("pairings/create", [("pairing_phrase", "no such phrase"), ("user_name", USER)])
    assert refused(reply)
    assert reply.headers["WWW-Authenticate"] == 'OAuth realm="toopher"'
    assert refused(sender.get("pairings/6f1b7d1c-0c5c-4b5e-9d0e-2f6f0a3c5d11"))


@every([one for one in GENERATIONS if one.find and one.flag])
def test_it_finds_a_user_and_switches_the_second_factor_off_and_on(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone, "alice")
    assert sender.get("users", [(generation.find, "nobody")]).json() == []
    [user] = sender.get("users", [(generation.find, "alice")]).json()
    is_inverse = generation.flag == "disable_toopher_auth"
    for enabled in (False, True):
        changes = [(generation.flag, generation.word(enabled is not is_inverse))]
        assert told(sender.post(f"users/{user['id']}", changes))["toopher_authentication_enabled"] is enabled
        reply = sender.post("authentication_requests/initiate", [("pairing_id", pairing["id"])])
        assert (reply.status, reply.json().get("error_code")) == ((200, None) if enabled else (409, 704))


@every([one for one in GENERATIONS if one.reset])
def test_it_resets_a_user(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone, "alice")
    assert told(sender.post("users/reset", [(generation.reset, "alice")])) == {}
    assert told(sender.get(f"pairings/{pairing['id']}"))["deactivated"] is True


# Rows of PROTOCOL.md §2 that only some clients ask for


@only("radius")
def test_it_lists_pairings_with_a_bare_question_mark(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    user_id = pair(sender, phone)["user"]["id"]
    [pairing] = sender.get(f"users/{user_id}/pairings?").json()
    assert pairing["deactivated"] is False


@only("net-rdp", "java11", "py110")
def test_it_lists_and_deactivates_pairings(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    path = f"users/{pairing['user']['id']}/pairings"
    assert [one["id"] for one in sender.get(path, [("deactivated", "0")]).json()] == [pairing["id"]]
    assert told(sender.post(f"pairings/{pairing['id']}", [("deactivated", "True")]))["deactivated"] is True
    assert sender.get(path, [("deactivated", "0")]).json() == []


@only("radius")
def test_it_resets_a_terminal(make_sender, generation):
    sender = make_sender(generation)
    made = replace(sender, generation=BY_NAME["perl"]).post(
        "user_terminals/create", [("user_name", USER), ("name", TERMINAL), ("name_extra", "0a1b")]
    )
    path = f"user_terminals/{told(made)['id']}"
    assert told(sender.post(path, [("name_extra", "00000000")]))["name_extra"] == "00000000"


@only("radius")
def test_it_activates_a_list_of_codes_for_a_new_user(make_sender, generation):
    sender = make_sender(generation)
    fields = [("user_name", USER), ("create_user_if_needed", "True")]
    assert told(sender.post("users/activate_next_otp_list", fields))["otp_list"]


@only("seed", "pyref", "javaref", "phpref", "rbref", "net11", "netref", "net-rdp")
def test_it_makes_a_reset_link_with_a_question_or_without(make_sender, make_live_phone, generation):
    """PHP signs a question and an answer that it does not send as blank ones (PROTOCOL.md §1.3-3)."""
    sender, phone = make_sender(generation), make_live_phone()
    path = f"pairings/{pair(sender, phone)['id']}/generate_reset_link"
    question, blank = (
        [("security_question", question), ("security_answer", answer)]
        for question, answer in [("Pet?", "Rex"), ("", "")]
    )
    without = blank if generation.name == "phpref" else []
    assert told(sender.post(path, question))["url"].startswith(sender.root)
    assert told(post_signed_as(sender, path, without, []))["url"].startswith(sender.root)
