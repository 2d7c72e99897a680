import pickle

import pytest

from django_toopher.client import exceptions
from django_toopher.client.exceptions import (
    PairingDeactivatedError,
    RateLimitError,
    SignatureValidationError,
    TokenError,
    ToopherApiError,
    ToopherError,
    refusal,
)
from tests.tables import table

TREE = [error for error in vars(exceptions).values() if isinstance(error, type) and issubclass(error, Exception)]


@table("error", TREE)
def test_every_error_is_of_the_tree_and_says_so_by_its_name(error):
    assert issubclass(error, ToopherError)
    assert error.__name__.endswith("Error")
    assert error.__name__ in exceptions.__doc__


@table("error", TREE)
def test_every_error_survives_pickling(error):
    original = error("what happened")
    if isinstance(original, ToopherApiError):
        original.status, original.code = 409, 123
    copy = pickle.loads(pickle.dumps(original))  # noqa: S301
    assert type(copy) is error
    assert (str(copy), vars(copy)) == ("what happened", vars(original))


@table(
    ("code", "name"),
    [
        (601, "PairingNotAuthorizedError"),
        (704, "UserDisabledError"),
        (705, "UserUnknownError"),
        (706, "TerminalUnknownError"),
        (707, "PairingDeactivatedError"),
        (429, "RateLimitError"),
        (404, "RequestRefusedError"),
        (None, "RequestRefusedError"),
    ],
)
def test_each_code_has_its_error(code, name):
    error = refusal(code, "why", status=409)
    assert (type(error).__name__, error.code, error.message, error.status) == (name, code, "why", 409)


def test_a_rate_limit_need_not_say_how_long_to_wait():
    assert RateLimitError("slower").retry_after is None


def test_a_site_that_knows_the_reference_client_catches_what_it_did():
    with pytest.raises(PairingDeactivatedError):
        raise refusal(601, "Pairing has not been authorized to authenticate")
    assert issubclass(TokenError, SignatureValidationError)
