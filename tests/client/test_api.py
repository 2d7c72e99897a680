import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_toopher.client import (
    AmbiguousUserError,
    InvalidReplyError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    RateLimitError,
    RequestRefusedError,
    ServiceUnavailableError,
    TerminalUnknownError,
    ToopherApi,
    ToopherApiError,
    UserDisabledError,
    UserUnknownError,
)
from tests.tables import table

from . import replies
from .conftest import KEY, SECRET

PAIRING_ID = str(uuid.UUID(int=7, version=4))


def sent(service):
    """The only request: method, path below the root, parameters. It has to be signed."""
    (received,) = service.received
    assert received.is_signed
    return received.method, received.path.removeprefix("/toopher/v1/"), received.parameters


# The seed's methods


@pytest.mark.parametrize("phrase", ["awkward turtle", "immediate_pair", "größe ~*"])
def test_pairing_by_phrase(phrase, service, api):
    service.will_answer(replies.pairing())
    assert api.pair("jdoe", phrase).id == "p1"
    assert sent(service) == ("POST", "pairings/create", {"user_name": "jdoe", "pairing_phrase": phrase})


@table(
    ("call", "sends"),
    [
        (
            lambda api: api.pair("a", "two words", user_name="jdoe"),
            {"user_name": "jdoe", "pairing_phrase": "two words"},
        ),
        (lambda api: api.pair("a", user_name="jdoe"), {"user_name": "jdoe"}),
        (lambda api: api.pair("a", "555", phone_number="556"), {"user_name": "a", "phone_number": "556"}),
    ],
)
def test_further_keywords_win_as_with_the_reference_client(call, sends, service, api):
    service.received.clear()
    service.will_answer(replies.pairing())
    call(api)
    assert sent(service)[2] == sends


def test_pairing_by_sms(service, api):
    service.will_answer(replies.pairing())
    api.pair("jdoe", "555-555-5555", phone_country="1")
    expected = {"user_name": "jdoe", "phone_number": "555-555-5555", "phone_country": "1"}
    assert sent(service) == ("POST", "pairings/create/sms", expected)


@pytest.mark.parametrize("arguments", [(), (None,), ("",)])
def test_pairing_by_qr_code(arguments, service, api):
    service.will_answer(replies.pairing(enabled=False, pending=True))
    assert not api.pair("jdoe", *arguments)
    assert sent(service) == ("POST", "pairings/create/qr", {"user_name": "jdoe"})


def test_fetching_a_pairing(service, api):
    service.will_answer(replies.pairing())
    assert api.get_pairing_by_id("p1").user.name == "jdoe"
    assert sent(service) == ("GET", "pairings/p1", {})


@pytest.mark.parametrize("pairing_id", [PAIRING_ID, PAIRING_ID.upper()])
def test_authenticating_by_pairing_id(pairing_id, service, api):
    service.will_answer(replies.authentication_request())
    assert api.authenticate(pairing_id, "Office", "Log In").granted
    expected = {"pairing_id": pairing_id, "terminal_name": "Office", "action_name": "Log In"}
    assert sent(service) == ("POST", "authentication_requests/initiate", expected)


def test_authenticating_by_name(service, api):
    service.will_answer(replies.authentication_request())
    api.authenticate("jdoe", "secret-id", terminal_name="Office", automation_allowed=False)
    expected = {
        "user_name": "jdoe",
        "terminal_name_extra": "secret-id",
        "terminal_name": "Office",
        "automation_allowed": "False",
    }
    assert sent(service) == ("POST", "authentication_requests/initiate", expected)


def test_fetching_an_authentication_request(service, api):
    service.will_answer(replies.authentication_request())
    assert api.get_authentication_request_by_id("r1").granted
    assert sent(service) == ("GET", "authentication_requests/r1", {})


def test_creating_a_user(service, api):
    service.will_answer(replies.user())
    assert api.create_user("jdoe", foo="bar").id == "u1"
    assert sent(service) == ("POST", "users/create", {"name": "jdoe", "foo": "bar"})


def test_resetting_a_user(service, api):
    service.will_answer({})
    assert api.reset_user("jdoe") is True
    assert sent(service) == ("POST", "users/reset", {"name": "jdoe"})


def test_fetching_a_user(service, api):
    service.will_answer(replies.user())
    assert api.get_user_by_id("u1").name == "jdoe"
    assert sent(service) == ("GET", "users/u1", {})


def test_creating_a_terminal(service, api):
    service.will_answer(replies.terminal())
    assert api.create_user_terminal("jdoe", "Office", "secret-id").name_extra == "secret-id"
    expected = {"user_name": "jdoe", "name": "Office", "name_extra": "secret-id"}
    assert sent(service) == ("POST", "user_terminals/create", expected)


def test_fetching_a_terminal(service, api):
    service.will_answer(replies.terminal())
    assert api.get_user_terminal_by_id("t1").name == "Office"
    assert sent(service) == ("GET", "user_terminals/t1", {})


@pytest.mark.parametrize(("verb", "disabled"), [("enable_user", False), ("disable_user", True)])
def test_enabling_and_disabling_a_user_by_name(verb, disabled, service, api):
    service.will_answer([replies.user(disable_toopher_auth=not disabled)])
    service.will_answer(replies.user(disable_toopher_auth=disabled))
    assert getattr(api, verb)("jdoe").disable_toopher_auth is disabled
    search, change = service.received
    assert (search.method, search.path) == ("GET", "/toopher/v1/users")
    assert search.parameters == {"user_name": "jdoe"}
    assert (change.method, change.path) == ("POST", "/toopher/v1/users/u1")
    assert change.parameters == {"disable_toopher_auth": str(disabled)}
    assert search.is_signed
    assert change.is_signed


@pytest.mark.parametrize("found", [[], [replies.user(name="Jdoe")], [replies.user(name="jdoe ")]])
def test_S12_nobody_is_enabled_in_place_of_an_unknown_user(found, service, api):
    service.will_answer(found)
    with pytest.raises(UserUnknownError):
        api.enable_user("jdoe")
    assert len(service.received) == 1


def test_nobody_is_disabled_where_several_have_the_name(service, api):
    service.will_answer([replies.user(), replies.user(id="u2")])
    with pytest.raises(AmbiguousUserError, match="2 users"):
        api.disable_user("jdoe")
    assert len(service.received) == 1


@pytest.mark.parametrize("reply", [{}, [{}], ["jdoe"]])
def test_a_list_of_users_that_is_none_is_an_invalid_reply(reply, service, api):
    service.will_answer(reply)
    with pytest.raises(InvalidReplyError):
        api.enable_user("jdoe")


def test_a_reset_link(service, api):
    service.will_answer({"url": "https://x/reset?reset_authorization=abcde"})
    link = api.get_pairing_reset_link("p1", security_question="Who?", security_answer="")
    assert link == "https://x/reset?reset_authorization=abcde"
    expected = {"security_question": "Who?", "security_answer": ""}
    assert sent(service) == ("POST", "pairings/p1/generate_reset_link", expected)


def test_a_post_without_parameters_is_whole_and_leaves_the_connection_usable(service, api):
    for _ in range(2):
        service.will_answer({"url": "https://x"})
        api.get_pairing_reset_link("p1")
    assert [received.headers["Content-Length"] for received in service.received] == ["0", "0"]
    assert all(received.is_signed for received in service.received)
    assert service.connections == 1


@pytest.mark.parametrize("reply", [{}, {"url": None}, []])
def test_a_reset_link_that_is_none_is_an_invalid_reply(reply, service, api):
    service.will_answer(reply)
    with pytest.raises(InvalidReplyError, match="url"):
        api.get_pairing_reset_link("p1")


def test_mailing_a_reset_link(service, api):
    service.will_answer({})
    api.email_pairing_reset_link_to_user("p1", "jdoe@example.com")
    assert sent(service) == ("POST", "pairings/p1/send_reset_link", {"reset_email": "jdoe@example.com"})


@pytest.mark.parametrize("endpoint", ["users", "/users"])
def test_getting_any_endpoint(endpoint, service, api):
    service.will_answer([])
    assert api.get(endpoint, name="a&b=c +é~", none=None, yes=True) == []
    assert sent(service) == ("GET", "users", {"name": "a&b=c +é~", "yes": "True"})


def test_posting_to_any_endpoint(service, api):
    service.will_answer({"otp_list": ["1"]})
    assert api.post("users/activate_next_otp_list", user_name="jdoe\n", blank="") == {"otp_list": ["1"]}
    assert sent(service) == ("POST", "users/activate_next_otp_list", {"user_name": "jdoe\n", "blank": ""})


# Paths and credentials


@table("odd", ["../users", "a/b", "a?b=c", "a#b", "a%2Fb", "%2e%2e", "a b", "é", "..."])
def test_S17_an_id_stays_one_segment_of_the_path(odd, service, api):
    service.forget()
    service.will_answer(replies.user(id=odd))
    api.get_user_by_id(odd)
    (received,) = service.received
    assert received.path.startswith("/toopher/v1/users/")
    assert received.target.count("/") == 4
    assert "?" not in received.target


@pytest.mark.parametrize("impossible", ["", ".", ".."])
def test_S17_an_id_that_cannot_be_one_is_sent_nowhere(impossible, service, api):
    with pytest.raises(ValueError, match="empty, or made of dots"):
        api.get_user_by_id(impossible)
    assert not service.received


@pytest.mark.parametrize(("key", "secret"), [("", SECRET), (KEY, "")])
def test_blank_credentials_are_refused(key, secret):
    with pytest.raises(ValueError, match="key and a secret"):
        ToopherApi(key, secret, "https://2fa.example.org/v1")


def test_without_a_root_it_warns_that_nobody_answers():
    with pytest.warns(UserWarning, match="nobody answers"):
        api = ToopherApi(KEY, SECRET)
    assert api.base_url == "https://api.toopher.com/v1"


def test_the_secret_is_not_in_its_texts(api):
    assert SECRET not in f"{api!r} {api} {api.session!r} {api.session.auth.client!r}"


def test_a_netrc_does_not_replace_the_signature(service, api, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    service.will_answer({})
    api.post("users/reset")
    assert service.received[0].is_signed
    assert service.received[0].headers["Authorization"].startswith("OAuth ")


# Errors that the service reports


@table(
    ("status", "code", "error"),
    [
        (409, 601, PairingNotAuthorizedError),
        (409, 704, UserDisabledError),
        (409, 705, UserUnknownError),
        (409, 706, TerminalUnknownError),
        (409, 707, PairingDeactivatedError),
        (429, 429, RateLimitError),
        (400, 400, RequestRefusedError),
        (401, 401, RequestRefusedError),
        (404, 404, RequestRefusedError),
        (500, 500, ServiceUnavailableError),
        (503, 503, ServiceUnavailableError),
    ],
)
def test_a_reported_error_raises_the_error_of_its_code(status, code, error, service, api):
    service.forget()
    service.will_answer({"error_code": code, "error_message": "it says why"}, status)
    with pytest.raises(ToopherApiError, match="it says why") as caught:
        api.authenticate("jdoe", "secret-id")
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.code, caught.value.message) == (status, code, "it says why")
    assert len(service.received) == 1


@table(("header", "seconds"), [("30", 30), ("soon", None), ("²", None), ("9" * 50, None)])
def test_a_rate_limit_says_how_long_to_wait(header, seconds, service, api):
    service.forget()
    service.will_answer({"error_code": 429, "error_message": "slower"}, 429, Retry_After=header)
    with pytest.raises(RateLimitError) as caught:
        api.get("users")
    assert caught.value.retry_after == seconds


@table(
    "reply",
    [
        b"<html>",
        b"",
        [],
        {},
        {"error_code": 704},
        {"error_code": "704", "error_message": "text"},
        {"error_code": True, "error_message": "text"},
        {"error_code": 704, "error_message": None},
    ],
)
@table("status", [400, 409, 502])
def test_an_error_that_does_not_say_what_failed_is_an_invalid_reply(status, reply, service, api):
    service.forget()
    service.will_answer(reply, status)
    with pytest.raises(InvalidReplyError) as caught:
        api.get("users")
    assert (caught.value.status, caught.value.code) == (status, None)


# Threads, and what is logged


def test_one_client_serves_many_threads(service, api):
    count, together = 40, threading.Barrier(8)
    for _ in range(count):
        service.will_answer({})

    def call(number):
        if number < 8:
            together.wait(timeout=30)
        return api.post("users/reset", name=f"user {number}")

    with ThreadPoolExecutor(max_workers=8) as threads:
        assert list(threads.map(call, range(count))) == [{}] * count
    assert all(received.is_signed for received in service.received)
    names = {received.parameters["name"] for received in service.received}
    assert names == {f"user {number}" for number in range(count)}
    nonces = {received.headers["Authorization"] for received in service.received}
    assert len(nonces) == count


def test_S18_its_log_tells_neither_parameters_nor_replies(service, api, caplog):
    caplog.set_level(logging.DEBUG, logger="django_toopher")
    service.will_answer({"answer": "what was said"})
    api.post("authentication_requests/r1/otp_auth", otp="123456")
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("django_toopher"))
    assert "authentication_requests/r1/otp_auth: 200" in told
    for secret in ("123456", "what was said", "oauth_", SECRET):
        assert secret not in told
