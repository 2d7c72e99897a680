"""The signed addresses of the iframe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.client import (
    ToopherIframe,
)
from tests.tables import table

from .conftest import KEY, SECRET
from .iframes import EMAIL, ROOT, TOKEN, WITHOUT_OPTIONS, make_iframe, parameters


@table(
    ("email", "keywords", "signature"),
    [
        (EMAIL, {}, "sV8qoKnxJ3fxfP6AHNa0eNFxzJs="),
        (EMAIL, {"ttl": 300}, "NjwH5yWPE2CCJL8v/MNknL+eTpE="),
        ("", {"ttl": 300}, "SA7CAUj+5QcGO+MmdPv9ubbaozk="),
    ],
)
def test_the_protocols_vectors_for_manage_user(email, keywords, signature):
    url = make_iframe().get_user_management_iframe_url("jdoe", email, **keywords)
    assert url.startswith(f"{ROOT}/web/manage_user?")
    assert parameters(url)["oauth_signature"] == signature


@table(
    ("email", "token", "keywords", "signature"),
    [
        (EMAIL, TOKEN, {"allow_inline_pairing": None}, "PykRbVHUP2OTTjGF0GJaS5TTu54="),
        (EMAIL, TOKEN, {}, "URVngBe35eP/iFOSQ5ZpuGEYcJs="),
        (EMAIL, TOKEN, {"allow_inline_pairing": False}, "lbz2kuYG3BM2Y0mZLElbTiWPv8A="),
        (
            "",
            "",
            {"requester_metadata": "", "ttl": 300, **WITHOUT_OPTIONS},
            "NkaWUjEPRLwgsQMEJGsIQEpyRT4=",
        ),
    ],
)
def test_the_protocols_vectors_for_authenticate(email, token, keywords, signature):
    url = make_iframe().get_auth_iframe_url("jdoe", email, token, **keywords)
    assert url.startswith(f"{ROOT}/web/authenticate?")
    assert parameters(url)["oauth_signature"] == signature


def test_the_authentication_url_has_the_seeds_parameters():
    url = make_iframe(now=1000.9).get_auth_iframe_url("jdoe", EMAIL, TOKEN)
    unsigned = {name: value for name, value in parameters(url).items() if not name.startswith("oauth_")}
    assert unsigned == {
        "v": "2",
        "username": "jdoe",
        "reset_email": EMAIL,
        "session_token": TOKEN,
        "action_name": "Log In",
        "requester_metadata": "None",
        "automation_allowed": "True",
        "challenge_required": "False",
        "allow_inline_pairing": "True",
        "expires": "1100",
    }


def test_the_shorter_names_make_the_same_urls():
    iframe = make_iframe()
    assert iframe.get_auth_url("jdoe", EMAIL, TOKEN) == iframe.get_auth_iframe_url("jdoe", EMAIL, TOKEN)
    assert iframe.get_user_management_url("jdoe", EMAIL) == iframe.get_user_management_iframe_url("jdoe", EMAIL)


def test_further_keywords_are_signed_into_the_url():
    url = make_iframe().get_auth_iframe_url("jdoe", EMAIL, TOKEN, terminal_name="Ömer's & mine", foo=None)
    assert parameters(url)["terminal_name"] == "Ömer's & mine"
    assert "foo" not in parameters(url)
    plain = make_iframe().get_auth_iframe_url("jdoe", EMAIL, TOKEN)
    assert parameters(url)["oauth_signature"] != parameters(plain)["oauth_signature"]


def test_keywords_cannot_replace_what_the_protocol_fixes():
    with pytest.raises(TypeError, match="session_token"):
        make_iframe().get_auth_iframe_url("jdoe", EMAIL, TOKEN, session_token="other")


def test_a_keyword_that_is_fixed_cannot_be_replaced_quietly():
    with pytest.raises(TypeError, match="expires"):
        make_iframe().get_user_management_iframe_url("jdoe", EMAIL, expires=9999999999)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_S12_every_name_survives_the_url(name):
    assert parameters(make_iframe().get_auth_iframe_url(name, EMAIL, TOKEN))["username"] == name


def test_a_slash_at_the_roots_end_is_dropped():
    assert make_iframe(root=ROOT + "/").base_uri == ROOT


def test_without_a_root_it_warns_that_nobody_answers():
    with pytest.warns(UserWarning, match="nobody answers"):
        iframe = ToopherIframe(KEY, SECRET)
    assert iframe.base_uri == "https://api.toopher.com/v1"


@pytest.mark.parametrize(("key", "secret"), [("", SECRET), (KEY, "")])
def test_blank_credentials_are_refused(key, secret):
    with pytest.raises(ValueError, match="key and a secret"):
        ToopherIframe(key, secret, ROOT)
