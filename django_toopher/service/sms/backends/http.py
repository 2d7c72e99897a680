"""Posts messages to a gateway, one request each.

The request goes to ``TOOPHER_SERVICE_SMS_URL`` with ``TOOPHER_SERVICE_SMS_HEADERS`` and, where
``TOOPHER_SERVICE_SMS_TOKEN`` is set, ``Authorization: Bearer <token>``. Its body has two members, in JSON or, with
``TOOPHER_SERVICE_SMS_FORM``, as a form::

    {"to": "+15555555555", "text": "..."}

Any 2xx is a success, whatever its body; 409 means that the number's owner wants no messages; everything else, a
redirect too, is a failure. The whole call may take ``TOOPHER_SERVICE_SMS_TIMEOUT`` seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import requests
from django.core.exceptions import ImproperlyConfigured

from ....client.transport import DeadlineAdapter
from ...conf import conf
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

    def send_messages(self, messages: Sequence[SmsMessage]) -> int:
        """Post them, up to the first that is not taken."""
        with _Session() as session:
            for message in messages:
                self._require_success(self._post(session, message))
        return len(messages)

    def _post(self, session: requests.Session, message: SmsMessage) -> int:
        """The status of the gateway's reply. Not logged: the token, the number and the text."""
        if conf.TOOPHER_SERVICE_SMS_URL is None:
            raise ImproperlyConfigured("TOOPHER_SERVICE_SMS_URL is not set.")
        fields = {"to": message.to, "text": message.text}
        body: dict[str, Any] = {"data": fields} if conf.TOOPHER_SERVICE_SMS_FORM else {"json": fields}
        try:
            with session.post(
                conf.TOOPHER_SERVICE_SMS_URL,
                headers=self._headers(),
                timeout=conf.TOOPHER_SERVICE_SMS_TIMEOUT,
                stream=True,
                **body,
            ) as reply:
                return reply.status_code
        except requests.RequestException as exc:
            logger.warning("The SMS gateway could not be reached: %s", type(exc).__name__)
            raise SmsError("The SMS gateway could not be reached.") from exc

    def _headers(self) -> dict[str, str]:
        token = conf.TOOPHER_SERVICE_SMS_TOKEN
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return {**authorization, **conf.TOOPHER_SERVICE_SMS_HEADERS}

    def _require_success(self, status: int) -> None:
        if status == 409:
            raise OptedOutError
        if not 200 <= status < 300:
            logger.warning("The SMS gateway answered %s", status)
            raise SmsError(f"The SMS gateway refused the message (its answer was {status}).")
