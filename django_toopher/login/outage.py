"""Whether the service is down, or only looks so to one request.

Where people get in without being asked, what failed was made from a request. Whoever sends one can make it fail: so a
constant question, with nothing of the request in it, has to fail as well (SECURITY.md S42).
"""

from __future__ import annotations

from .. import connection
from ..client import ServiceUnavailableError, ToopherApiError
from ..errors import ServiceDownError


def is_outage(error: ToopherApiError) -> bool:
    """Whether nobody has answered, or the service said that it failed (5xx).

    Whoever answers anything else, be it garbage or a redirect, is there; what could not even be sent has asked nobody.
    """
    if error.status is not None:
        return error.status >= 500
    return isinstance(error, ServiceUnavailableError) and not isinstance(error.__cause__, ValueError)


def is_confirmed(error: ServiceDownError) -> bool:
    """Whether ``error`` was an outage, and is one whoever asks. One call, of those that are ever let in by it."""
    return error.may_fail_open and _is_down()


def _is_down() -> bool:
    # no request: at the first of ALLOWED_HOSTS, where the service is embedded
    api = connection.api(briefly=True)
    try:
        api.get("users", user_name="is anybody there?")
    except ToopherApiError as error:
        return is_outage(error)
    return False
