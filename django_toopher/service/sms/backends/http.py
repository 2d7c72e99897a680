"""Posts messages to a gateway, one request each.

The request goes to the option ``url`` with ``headers`` and, where there is a ``token``, ``Authorization: Bearer
<token>``. Its body has two members, in JSON or, with ``form``, as a form::

    {"to": "+15555555555", "text": "..."}

Any 2xx is a success, whatever its body; 409 means that the number's owner wants no messages; everything else, a
redirect too, is a failure. The whole call may take ``timeout`` seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from django.core.exceptions import ImproperlyConfigured

from ....client.transport import DeadlineAdapter
from ....typed_settings import checked_natural
from .. import OptedOutError, SmsError, SmsMessage
from .base import BaseSmsBackend

logger = logging.getLogger(__name__)


class _Session(requests.Session):
    """Follows no redirect, and does not read one's body either."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("https://", "http://"):
            self.mount(scheme, DeadlineAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere, whatever the reply says."""


class SmsBackend(BaseSmsBackend):
    """A gateway that takes the request above, or a few lines of one's own in front of another."""

    def __init__(
        self,
        *,
        url: str,
        form: bool = False,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: int = 5,
    ) -> None:
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ImproperlyConfigured("url must begin with https:// or http://.")
        if not isinstance(form, bool):
            raise ImproperlyConfigured("form must be True or False.")
        if token is not None and (not isinstance(token, str) or not token.strip()):
            raise ImproperlyConfigured("token must be a text or None.")
        self._url, self._form, self._timeout = url, form, checked_natural("timeout", timeout, least=1)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._headers |= _checked_headers(headers)

    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Post them, up to the first that is not taken."""
        with _Session() as session:
            for message in messages:
                self._require_success(self._post(session, message))
        return len(messages)

    def _post(self, session: requests.Session, message: SmsMessage) -> int:
        """The status of the gateway's reply. Not logged: the token, the number and the text."""
        fields = {"to": message.to, "text": message.text}
        body: dict[str, Any] = {"data": fields} if self._form else {"json": fields}
        try:
            with session.post(self._url, headers=self._headers, timeout=self._timeout, stream=True, **body) as reply:
                return reply.status_code
        except requests.RequestException as exc:
            logger.warning("The SMS gateway could not be reached: %s", type(exc).__name__)
            raise SmsError("The SMS gateway could not be reached.") from exc

    def _require_success(self, status: int) -> None:
        if status == 409:
            raise OptedOutError
        if not 200 <= status < 300:
            logger.warning("The SMS gateway answered %s", status)
            raise SmsError(f"The SMS gateway refused the message (its answer was {status}).")


def _checked_headers(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise ImproperlyConfigured("headers must be a dict of texts.")
    return dict(headers)
