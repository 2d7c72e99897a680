"""Text messages, sent by the back end that ``TOOPHER_SERVICE_SMS`` describes, as Django's ``TASKS`` do.

``django_toopher.service.sms.backends`` has ``console``, ``locmem``, ``filebased`` and ``http``; each has a class
``SmsBackend``. A gateway that none of them speaks to is a subclass of ``backends.base.BaseSmsBackend``.

Nothing here stores or logs a number. Who wants no messages says so to the gateway, by answering STOP; a back end that
hears of it raises ``OptedOutError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..conf import conf
from ..errors import NotAllowedError, ServiceError


@dataclass(frozen=True)
class SmsMessage:
    """``to`` is a number in E.164 (``+15555555555``)."""

    to: str
    text: str


outbox: list[SmsMessage] = []
"""What the back end ``locmem`` sent, in this process."""


class SmsUnavailableError(NotAllowedError):
    """The service has no back end (PROTOCOL.md §2.2)."""

    message = _("SMS is not available for this service.")


class SmsError(ServiceError):
    """The gateway did not take the message."""

    status = 502
    message = _("The SMS could not be sent.")
    reason = "sms"


class OptedOutError(SmsError):
    """The number's owner wants no messages (PROTOCOL.md §2.5)."""

    status = 409
    message = _("The owner of this number has asked not to get text messages.")


def require_available() -> None:
    """``SmsUnavailableError`` when no back end is set."""
    _backend()


def send(message: SmsMessage) -> None:
    """Send one message. Raises ``SmsUnavailableError``, ``SmsError`` and ``OptedOutError``."""
    _backend().send_messages([message])


def _backend() -> Any:
    backend = conf.TOOPHER_SERVICE_SMS
    if backend is None:
        raise SmsUnavailableError
    return backend
