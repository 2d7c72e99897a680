import copy
import pickle

import pytest

from django_toopher.client import Action, AuthenticationRequest, InvalidReplyError, Pairing, User, UserTerminal
from tests.tables import table

from . import replies

KINDS = [
    (User, replies.user),
    (UserTerminal, replies.terminal),
    (Action, replies.action),
    (Pairing, replies.pairing),
    (AuthenticationRequest, replies.authentication_request),
]
REFRESHABLE = [
    (User, replies.user, "/users/u1"),
    (UserTerminal, replies.terminal, "/user_terminals/t1"),
    (Pairing, replies.pairing, "/pairings/p1"),
    (AuthenticationRequest, replies.authentication_request, "/authentication_requests/r1"),
]
REQUIRED = [
    (User, replies.user, ["id", "name", "disable_toopher_auth"]),
    (UserTerminal, replies.terminal, ["id", "name", "user"]),
    (Action, replies.action, ["id", "name"]),
    (Pairing, replies.pairing, ["id", "enabled", "pending", "user"]),
    (
        AuthenticationRequest,
        replies.authentication_request,
        ["id", "pending", "granted", "automated", "reason", "terminal", "user", "action"],
    ),
]


def test_a_pairing_has_its_attributes():
    pairing = Pairing(replies.pairing(deactivated=True))
    assert (pairing.id, pairing.enabled, pairing.pending, pairing.deactivated) == ("p1", True, False, True)
    assert pairing.user.name == "jdoe"


def test_an_authentication_request_has_its_attributes():
    request = AuthenticationRequest(replies.authentication_request(reason="tapped", reason_code=7))
    assert (request.pending, request.granted, request.automated) == (False, True, False)
    assert (request.reason, request.reason_code, request.totp_valid) == ("tapped", 7, False)
    assert (request.terminal.name, request.user.name, request.action.name) == ("Office", "jdoe", "Log In")


@table(
    ("kind", "make"),
    [
        (Pairing, replies.pairing),
        (AuthenticationRequest, replies.authentication_request),
        (UserTerminal, replies.terminal),
    ],
)
def test_whose_it_is_can_be_read_at_once(kind, make):
    thing = kind(make())
    assert (thing.user_id, thing.user_name) == (thing.user.id, "jdoe")


def test_a_request_tells_its_terminal_at_once():
    request = AuthenticationRequest(replies.authentication_request())
    assert (request.terminal_id, request.terminal_name) == ("t1", "Office")


@pytest.mark.parametrize("value", [True, False])
def test_a_pairing_is_as_true_as_it_is_enabled(value):
    assert bool(Pairing(replies.pairing(enabled=value))) is value


@pytest.mark.parametrize("value", [True, False])
def test_an_authentication_request_is_as_true_as_it_is_granted(value):
    assert bool(AuthenticationRequest(replies.authentication_request(granted=value))) is value


@table("enabled", [True, False])
@table(
    "fields",
    [
        lambda enabled: {"toopher_authentication_enabled": enabled},
        lambda enabled: {"disable_toopher_auth": not enabled},
        lambda enabled: {"toopher_authentication_enabled": enabled, "disable_toopher_auth": not enabled},
    ],
)
def test_a_users_flag_is_understood_in_both_spellings(fields, enabled):
    user = User({"id": "u1", "name": "jdoe", **fields(enabled)})
    assert user.toopher_authentication_enabled is enabled
    assert user.disable_toopher_auth is not enabled


@pytest.mark.parametrize("spelling", ["name_extra", "requester_specified_id"])
def test_a_terminals_secret_id_is_understood_in_both_spellings(spelling):
    terminal = UserTerminal({"id": "t1", "name": "Office", "user": replies.user(), spelling: "extra"})
    assert terminal.name_extra == terminal.requester_specified_id == "extra"


@table(("kind", "reply"), KINDS)
def test_other_keys_can_be_read_as_attributes(kind, reply):
    thing = kind(reply(minimum_version=3))
    assert thing.minimum_version == 3
    assert thing.raw["minimum_version"] == 3
    with pytest.raises(AttributeError, match="no_such_key"):
        thing.no_such_key  # noqa: B018


@table(("kind", "reply"), KINDS)
def test_a_key_cannot_take_a_methods_place(kind, reply):
    thing = kind(reply(refresh_from_server="x", __setstate__="x", __deepcopy__="x", _update="x"))
    assert getattr(thing, "refresh_from_server", "none") != "x" or kind is Action
    assert callable(thing._update)
    assert copy.deepcopy(thing) == thing


@table(("kind", "reply"), KINDS)
def test_it_survives_pickling(kind, reply):
    thing = kind(reply(extra="kept"))
    copied = pickle.loads(pickle.dumps(thing))  # noqa: S301
    assert copied == thing
    assert copied.extra == "kept"


@table(("kind", "reply"), KINDS)
def test_it_equals_what_the_service_said_the_same_of(kind, reply):
    assert kind(reply()) == kind(reply())
    assert kind(reply()) != kind(reply(name="another"))
    assert kind(reply()) != reply()


def test_two_kinds_are_never_equal():
    both = {**replies.user(), **replies.action()}
    assert User(both) != Action(both)


def test_its_text_tells_no_more_than_kind_and_id():
    assert repr(Pairing(replies.pairing(secret="otp seed"))) == "<Pairing p1>"


@table("reply", [None, [], "x", 1])
def test_what_is_no_object_is_an_invalid_reply(reply):
    with pytest.raises(InvalidReplyError, match="User"):
        User(reply)


@table(("kind", "reply", "name"), [(k, r, n) for k, r, names in REQUIRED for n in names])
@table("value", [None, 1, ["x"]])
def test_a_mistyped_field_is_named(kind, reply, name, value):
    with pytest.raises(InvalidReplyError, match=r"(?i)" + name):
        kind(reply(**{name: value}))


@table(("kind", "reply", "name"), [(k, r, n) for k, r, names in REQUIRED for n in names])
def test_a_missing_field_is_named(kind, reply, name):
    raw = reply()
    del raw[name]
    with pytest.raises(InvalidReplyError, match=r"(?i)" + name):
        kind(raw)


@table("value", ["true", 1, 0, None])
def test_only_true_and_false_are_flags(value):
    with pytest.raises(InvalidReplyError, match="granted"):
        AuthenticationRequest(replies.authentication_request(granted=value))


def test_a_terminal_without_its_secret_id_is_an_invalid_reply():
    raw = replies.terminal()
    del raw["name_extra"]
    with pytest.raises(InvalidReplyError, match="requester_specified_id"):
        UserTerminal(raw)


@table(("kind", "reply", "path"), REFRESHABLE)
def test_refreshing_takes_over_what_the_service_says_now(kind, reply, path, service, api):
    service.forget()
    thing = kind(reply())
    service.will_answer(reply(news="good"))
    thing.refresh_from_server(api)
    assert thing == kind(reply(news="good"))
    assert (service.received[0].method, service.received[0].path) == ("GET", "/toopher/v1" + path)


@table(("kind", "reply", "path"), REFRESHABLE)
@table("bad", [{}, [], {"user": {}, "name": 1}, {"id": "another"}])
def test_refreshing_from_a_bad_reply_changes_nothing(kind, reply, path, bad, service, api):
    service.forget()
    thing = kind(reply())
    service.will_answer({**reply(), **bad} if bad else bad)
    with pytest.raises(InvalidReplyError):
        thing.refresh_from_server(api)
    assert thing == kind(reply())
    assert vars(thing) == vars(kind(reply()))


def test_a_pending_request_that_is_refreshed_becomes_granted(service, api):
    request = AuthenticationRequest(replies.authentication_request(pending=True, granted=False))
    service.will_answer(replies.authentication_request())
    request.refresh_from_server(api)
    assert request.granted


def test_a_one_time_password_answers_a_request(service, api):
    request = AuthenticationRequest(replies.authentication_request(pending=True, granted=False))
    service.will_answer(replies.authentication_request(totp_valid=True))
    request.authenticate_with_otp("123456", api, foo="bar")
    assert request.granted
    assert request.totp_valid
    (received,) = service.received
    assert (received.method, received.path) == ("POST", "/toopher/v1/authentication_requests/r1/otp_auth")
    assert received.parameters == {"otp": "123456", "foo": "bar"}


@pytest.mark.parametrize(("verb", "disabled"), [("enable", False), ("disable", True)])
def test_a_user_is_enabled_and_disabled(verb, disabled, service, api):
    user = User(replies.user(disable_toopher_auth=not disabled))
    service.will_answer(replies.user(disable_toopher_auth=disabled))
    getattr(user, verb)(api)
    assert user.disable_toopher_auth is disabled
    (received,) = service.received
    assert (received.method, received.path) == ("POST", "/toopher/v1/users/u1")
    assert received.parameters == {"disable_toopher_auth": str(disabled)}


def test_a_user_is_reset_by_name(service, api):
    service.will_answer({})
    assert User(replies.user()).reset(api) is True
    assert service.received[0].path == "/toopher/v1/users/reset"
    assert service.received[0].parameters == {"name": "jdoe"}


def test_a_pairings_qr_code_is_a_png_image(service, api):
    image = b"\x89PNG\r\n\x1a\n and so on"
    service.will_answer(image, Content_Type="image/png")
    assert Pairing(replies.pairing()).get_qr_code_image(api) == image
    assert service.received[0].path == "/toopher/v1/qr/pairings/p1"


@pytest.mark.parametrize("content", [b"<html>", b"", {}])
def test_anything_else_is_no_qr_code(content, service, api):
    service.will_answer(content)
    with pytest.raises(InvalidReplyError, match="PNG"):
        Pairing(replies.pairing()).get_qr_code_image(api)
