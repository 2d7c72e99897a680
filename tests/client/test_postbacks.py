"""What an iframe brings back: what is believed, and what is refused (S01, S02, S03, S05, S06)."""

from __future__ import annotations

import logging
import pickle
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.client import (
    ExpiredError,
    FutureDatedError,
    KindError,
    MalformedPostbackError,
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    PostbackError,
    RequestRefusedError,
    SignatureError,
    TerminalUnknownError,
    TokenError,
    UserDisabledError,
    UserMismatchError,
    UserUnknownError,
    sign_postback,
)
from tests.tables import table

from .conftest import SECRET
from .iframes import TOKEN, ManyValues, make_iframe, signed
from .test_signatures import ALWAYS, AUTHENTICATION_REQUEST, DEACTIVATED, PAIRING, REQUESTER_USER

# Postbacks that are to be believed


@table("fields", [AUTHENTICATION_REQUEST, PAIRING, REQUESTER_USER])
def test_a_genuine_postback_gives_its_fields(fields):
    postback = signed(fields)
    verified = make_iframe().validate_postback(postback, TOKEN, resource_type=fields["resource_type"])
    assert verified == postback


@table(
    "form",
    [
        dict,
        lambda postback: {name: [value] for name, value in postback.items()},
        lambda postback: {name: (value, value) for name, value in postback.items()},
        lambda postback: ManyValues({name: [value] for name, value in postback.items()}),
        urlencode,
        lambda postback: {"toopher_iframe_data": urlencode(postback)},
        lambda postback: {"iframe_postback_data": [urlencode(postback, quote_via=quote)]},
        lambda postback: dict.fromkeys(["toopher_iframe_data", "iframe_postback_data"], urlencode(postback)),
    ],
    ids=["dict", "lists", "equal", "QueryDict", "text", "wrapped", "wrapped-list", "wrapped-twice"],
)
def test_every_form_of_a_postback_is_understood(form):
    postback = signed(AUTHENTICATION_REQUEST, requester_metadata="", terminal_name="a&b=c +~*é")
    assert make_iframe().validate_postback(form(postback), TOKEN) == postback


def test_a_postback_in_rfc_3986_form_is_accepted():
    fields = {**ALWAYS, "user_name": "~jdoe"}
    postback = {**fields, "toopher_sig": sign_postback(fields, SECRET, "dotnet-py3")}
    assert make_iframe().validate_postback(postback, TOKEN) == postback


@table("fields", [AUTHENTICATION_REQUEST, PAIRING, REQUESTER_USER])
def test_a_postback_about_the_expected_user_is_accepted(fields):
    assert make_iframe().validate_postback(signed(fields), TOKEN, username="user name")


# S01: unsigned, altered, expired, future-dated, foreign


@table("code", ["704", "705", "707", "601"])
def test_S01_an_unsigned_error_is_a_bad_signature_and_nothing_else(code):
    postback = {**ALWAYS, "error_code": code, "error_message": "disabled"}
    with pytest.raises(SignatureError):
        make_iframe().validate_postback(postback, TOKEN)


def test_S01_a_bare_error_code_is_a_bad_signature():
    with pytest.raises(SignatureError):
        make_iframe().validate_postback({"error_code": "704"}, TOKEN)


@table("postback", [{}, "", ALWAYS, {**ALWAYS, "toopher_sig": ""}, {"toopher_sig": "x"}])
def test_S01_an_unsigned_postback_is_refused(postback):
    with pytest.raises(SignatureError):
        make_iframe().validate_postback(postback, TOKEN)


def test_S01_the_signature_comes_before_age_and_token():
    with pytest.raises(SignatureError):
        make_iframe(now=9999).validate_postback({"toopher_sig": "x", "timestamp": "soon"}, None)


def test_S01_a_postback_signed_with_another_secret_is_refused():
    with pytest.raises(SignatureError):
        make_iframe().validate_postback(signed(AUTHENTICATION_REQUEST, secret="other"), TOKEN)


@table("changes", [{"granted": "false"}, {"foo": "bar"}, {"granted": "true "}])
def test_S01_an_altered_postback_is_refused(changes):
    with pytest.raises(SignatureError):
        make_iframe().validate_postback({**signed(AUTHENTICATION_REQUEST), **changes}, TOKEN)


@pytest.mark.parametrize("now", [970.0, 1000.0, 1099.9])
def test_a_postback_counts_while_it_is_fresh(now):
    assert make_iframe(now).validate_postback(signed(PAIRING), TOKEN)


@table(("now", "ttl"), [(1100.0, 100), (2000.0, 300), (1006.0, 5), (1000.0, 0)])
def test_S01_an_expired_postback_is_refused(now, ttl):
    with pytest.raises(ExpiredError):
        make_iframe(now).validate_postback(signed(PAIRING), TOKEN, ttl=ttl)


def test_S01_a_postback_from_the_future_is_refused():
    with pytest.raises(FutureDatedError):
        make_iframe(now=969.9).validate_postback(signed(PAIRING), TOKEN)


@table("timestamp", ["", " 1000", "1000\n", "-1", "1e3", "1_000", "1000.0", "١٠٠٠", "²", "nan", "9" * 5000])
def test_S01_a_timestamp_that_is_no_number_of_seconds_is_refused(timestamp):
    with pytest.raises(MalformedPostbackError, match="timestamp"):
        make_iframe().validate_postback(signed({"timestamp": timestamp}), TOKEN)


def test_S01_a_postback_without_a_timestamp_is_refused():
    fields = {"session_token": TOKEN}
    with pytest.raises(MalformedPostbackError, match="timestamp"):
        make_iframe().validate_postback({**fields, "toopher_sig": sign_postback(fields, SECRET)}, TOKEN)


@table(
    "postback",
    [
        None,
        b"foo=bar",
        7,
        ["foo"],
        {"foo": b"bar"},
        {"foo": None},
        {"foo": 1},
        {"foo": []},
        {"foo": ["bar", "baz"]},
        {"foo": [["bar"]]},
        {"foo": {"bar": "baz"}},
        {b"foo": "bar"},
        {"foo": "\ud800"},
        {"\udfff": "foo"},
        ManyValues(foo=["bar", "baz"]),
        ManyValues(foo=[]),
        "foo",
        "foo=bar&&",
        "foo=bar&foo=baz",
        "foo=%ff",
        "foo=\ud800",
        "&".join(f"k{n}=v" for n in range(200)),
        {"toopher_iframe_data": "foo"},
        {"toopher_iframe_data": "foo=1", "iframe_postback_data": "foo=2"},
    ],
)
def test_S01_what_is_not_one_text_per_name_is_refused(postback):
    with pytest.raises(MalformedPostbackError):
        make_iframe().validate_postback(postback, TOKEN)


def test_S01_a_doubled_field_is_refused_even_if_one_of_its_values_was_signed():
    postback = {name: [value] for name, value in signed(AUTHENTICATION_REQUEST, granted="false").items()}
    postback["granted"].append("true")
    with pytest.raises(MalformedPostbackError):
        make_iframe().validate_postback(ManyValues(postback), TOKEN)


wild = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.binary(), inner, max_size=3),
)


@given(wild)
def test_S01_whatever_is_posted_only_postback_errors_come_of_it(data):
    with pytest.raises(PostbackError):
        make_iframe().validate_postback(data, TOKEN)


@given(st.text())
def test_S01_whatever_value_is_signed_over_no_other_error_comes_of_it(text):
    fields = {**ALWAYS, "error_code": text.encode(errors="ignore").decode()}
    with pytest.raises(RequestRefusedError):
        make_iframe().validate_postback(signed(fields), TOKEN)


# S02: the expected signature stays inside


@pytest.mark.parametrize("given_signature", ["", "wrong", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_S02_the_expected_signature_is_in_no_error_and_no_log(given_signature, caplog):
    caplog.set_level(logging.DEBUG)
    postback = {**signed(AUTHENTICATION_REQUEST), "toopher_sig": given_signature}
    with pytest.raises(SignatureError) as caught:
        make_iframe().validate_postback(postback, TOKEN)
    expected = signed(AUTHENTICATION_REQUEST)["toopher_sig"]
    told = caplog.text + everything_in(caught.value)
    for secret in (expected, quote(expected, safe=""), SECRET):
        assert secret not in told


def everything_in(error):
    """What a crash reporter shows of an error: texts, causes, and the variables of the client's frames."""
    parts = [repr(error), str(vars(error)), repr(error.__cause__), repr(error.__context__)]
    entry = error.__traceback__.tb_next
    while entry:
        parts.append(repr(entry.tb_frame.f_locals))
        entry = entry.tb_next
    return "\n".join(parts)


def test_S02_the_secret_is_not_in_the_iframes_texts():
    iframe = make_iframe()
    assert SECRET not in f"{iframe!r} {iframe} {iframe.client!r} {iframe.client}"


def test_an_error_of_a_postback_can_be_pickled():
    with pytest.raises(UserDisabledError) as caught:
        make_iframe().validate_postback(signed({"error_code": "704", "error_message": "off"}), TOKEN)
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (type(copy), copy.message, copy.code) == (UserDisabledError, "off", 704)


# S03: tokens


@table("token", [None, "", " ", "\t\n"])
def test_S03_without_an_expected_token_no_postback_is_accepted(token):
    with pytest.raises(TokenError):
        make_iframe().validate_postback(signed(PAIRING, session_token=token or ""), token)


def test_S03_the_token_may_not_be_left_out():
    with pytest.raises(TokenError):
        make_iframe().validate_postback(signed(PAIRING))


@table("token", ["", "other", TOKEN.upper(), TOKEN + " ", "tökén"])
def test_S03_another_sessions_token_is_refused(token):
    with pytest.raises(TokenError):
        make_iframe().validate_postback(signed(PAIRING, session_token=token), TOKEN)


def test_S03_a_postback_without_a_token_is_refused():
    fields = {"timestamp": "1000", **PAIRING}
    with pytest.raises(TokenError):
        make_iframe().validate_postback({**fields, "toopher_sig": sign_postback(fields, SECRET)}, TOKEN)


def test_S03_a_genuine_error_for_another_session_says_nothing():
    with pytest.raises(TokenError):
        make_iframe().validate_postback(signed(DEACTIVATED, session_token="other"), TOKEN)


# S05, S06: kinds and users


@table("fields", [PAIRING, REQUESTER_USER, {"granted": "true"}, {"resource_type": ""}])
def test_S05_a_postback_of_another_kind_is_refused(fields):
    with pytest.raises(KindError):
        make_iframe().validate_postback(signed(fields), TOKEN, resource_type="authentication_request")


@table("username", ["User name", "user name ", "", "jdoe"])
@table("fields", [AUTHENTICATION_REQUEST, REQUESTER_USER])
def test_S06_a_postback_about_another_user_is_refused(fields, username):
    with pytest.raises(UserMismatchError):
        make_iframe().validate_postback(signed(fields), TOKEN, username=username)


def test_S06_a_postback_about_nobody_is_refused_where_somebody_is_expected():
    with pytest.raises(UserMismatchError):
        make_iframe().validate_postback(signed({"name": "jdoe"}), TOKEN, username="jdoe")


# Errors that the service reports


@table(
    ("code", "error", "number"),
    [
        ("601", PairingNotAuthorizedError, 601),
        ("704", UserDisabledError, 704),
        ("705", UserUnknownError, 705),
        ("706", TerminalUnknownError, 706),
        ("707", PairingDeactivatedError, 707),
        ("999", RequestRefusedError, 999),
        ("no number", RequestRefusedError, None),
        ("9" * 5000, RequestRefusedError, None),
    ],
)
def test_a_genuine_error_raises_the_error_of_its_code(code, error, number):
    postback = signed({"error_code": code, "error_message": "it says why"})
    with pytest.raises(error, match="it says why") as caught:
        make_iframe().validate_postback(postback, TOKEN, resource_type="authentication_request")
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.status) == (number, None)


def test_an_error_without_a_code_is_an_error_too():
    with pytest.raises(RequestRefusedError, match="odd"):
        make_iframe().validate_postback(signed({**PAIRING, "error_message": "odd"}), TOKEN)
