"""The package's face: names, signatures (those of the seed's API), and no Django behind it."""

import inspect
import subprocess
import sys

from django_toopher import client
from django_toopher.client import AuthenticationRequest, Pairing, ToopherApi, ToopherIframe, User, UserTerminal
from tests.tables import table

NAMES = [
    "AmbiguousUserError",
    "Action",
    "AuthenticationRequest",
    "DEFAULT_BASE_URL",
    "ExpiredError",
    "FutureDatedError",
    "InvalidReplyError",
    "KindError",
    "MalformedPostbackError",
    "Pairing",
    "PairingDeactivatedError",
    "PairingNotAuthorizedError",
    "PostbackError",
    "RateLimitError",
    "RequestRefusedError",
    "ServiceTimeoutError",
    "ServiceUnavailableError",
    "SignatureError",
    "SignatureValidationError",
    "TerminalUnknownError",
    "TokenError",
    "ToopherApi",
    "ToopherApiError",
    "ToopherError",
    "ToopherIframe",
    "User",
    "UserDisabledError",
    "UserMismatchError",
    "UserTerminal",
    "UserUnknownError",
    "is_signed_postback",
    "sign_postback",
]

SEED = [
    (ToopherIframe, "__init__", "self, key, secret, api_uri=None"),
    (
        ToopherIframe,
        "get_auth_iframe_url",
        "self, username, reset_email, request_token, action_name='Log In', requester_metadata=None, **kwargs",
    ),
    (
        ToopherIframe,
        "get_auth_url",
        "self, username, reset_email, request_token, action_name='Log In', requester_metadata=None, **kwargs",
    ),
    (ToopherIframe, "get_user_management_iframe_url", "self, username, reset_email, **kwargs"),
    (ToopherIframe, "get_user_management_url", "self, username, reset_email, **kwargs"),
    (ToopherIframe, "validate_postback", "self, data, request_token=None"),
    (ToopherApi, "__init__", "self, key, secret, api_url=None"),
    (ToopherApi, "pair", "self, username, phrase_or_num=None, **kwargs"),
    (ToopherApi, "get_pairing_by_id", "self, pairing_id"),
    (ToopherApi, "authenticate", "self, id_or_username, terminal, action_name=None, **kwargs"),
    (ToopherApi, "get_authentication_request_by_id", "self, authentication_request_id"),
    (ToopherApi, "create_user", "self, username, **kwargs"),
    (ToopherApi, "reset_user", "self, username"),
    (ToopherApi, "get_user_by_id", "self, user_id"),
    (ToopherApi, "create_user_terminal", "self, username, terminal_name, requester_terminal_id, **kwargs"),
    (ToopherApi, "get_user_terminal_by_id", "self, terminal_id"),
    (ToopherApi, "enable_user", "self, username"),
    (ToopherApi, "disable_user", "self, username"),
    (ToopherApi, "get_pairing_reset_link", "self, pairing_id, **kwargs"),
    (ToopherApi, "email_pairing_reset_link_to_user", "self, pairing_id, email, **kwargs"),
    (ToopherApi, "get", "self, endpoint, **kwargs"),
    (ToopherApi, "post", "self, endpoint, **kwargs"),
    (Pairing, "refresh_from_server", "self, api"),
    (Pairing, "get_qr_code_image", "self, api"),
    (AuthenticationRequest, "refresh_from_server", "self, api"),
    (AuthenticationRequest, "authenticate_with_otp", "self, otp, api, **kwargs"),
    (UserTerminal, "refresh_from_server", "self, api"),
    (User, "refresh_from_server", "self, api"),
    (User, "enable", "self, api"),
    (User, "disable", "self, api"),
    (User, "reset", "self, api"),
]


def test_the_public_names_are_these():
    assert sorted(client.__all__) == sorted(NAMES)
    assert all(hasattr(client, name) for name in NAMES)


@table(("owner", "name", "arguments"), SEED, ids=lambda value: getattr(value, "__name__", value))
def test_the_seeds_methods_have_the_seeds_arguments(owner, name, arguments):
    assert seed_arguments(getattr(owner, name)) == arguments


def seed_arguments(function):
    """A function's arguments as the seed writes them: without types, and without what is by keyword only."""
    arguments = [
        argument.replace(annotation=inspect.Parameter.empty)
        for argument in inspect.signature(function).parameters.values()
        if argument.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    return str(inspect.Signature(arguments))[1:-1]


def test_the_iframe_has_the_seeds_attributes():
    iframe = ToopherIframe("key", "secret", "https://2fa.example.org/v1")
    assert iframe.secret == "secret"
    assert iframe.client.client_key == "key"
    assert iframe.base_uri == "https://2fa.example.org/v1"


def test_the_client_does_not_import_django():
    program = """
import sys
sys.modules["django"] = None
import django_toopher.client
assert not [name for name in sys.modules if name.startswith("django.")]
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
