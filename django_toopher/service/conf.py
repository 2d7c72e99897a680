"""The settings of the service, one typed property each, read at every access."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string


def _natural(name: str, default: int, *, least: int, most: int | None = None) -> int:
    value = getattr(settings, name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ImproperlyConfigured(f"{name} must be a whole number, {least} or more, not {value!r}.")
    if most is not None and value > most:
        raise ImproperlyConfigured(f"{name} must be {most} or less, not {value!r}.")
    return value


def _text(name: str) -> str | None:
    value = getattr(settings, name, None)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ImproperlyConfigured(f"{name} must be a text or None, not {value!r}.")
    return value


class Conf:
    """``TOOPHER_SERVICE_*``. A wrong value raises ``ImproperlyConfigured`` naming the setting."""

    @property
    def TOOPHER_SERVICE_NAME(self) -> str | None:
        """What the phone calls the embedded requester; ``None`` takes the host's name, which the admin may change."""
        return _text("TOOPHER_SERVICE_NAME")

    @property
    def TOOPHER_SERVICE_NUMBER_LENGTH(self) -> int:
        """Digits shown at the terminal and typed on the phone; 0 asks for a tap only (SECURITY.md S22)."""
        return _natural("TOOPHER_SERVICE_NUMBER_LENGTH", 6, least=0, most=12)

    @property
    def TOOPHER_SERVICE_NUMBER_TRIES(self) -> int:
        """Wrong numbers or codes after which one authentication request is denied."""
        return _natural("TOOPHER_SERVICE_NUMBER_TRIES", 3, least=1)

    @property
    def TOOPHER_SERVICE_FAILURE_LIMIT(self) -> int:
        """Wrong numbers and codes in a row, across requests, after which a user waits (SECURITY.md S23)."""
        return _natural("TOOPHER_SERVICE_FAILURE_LIMIT", 10, least=1)

    @property
    def TOOPHER_SERVICE_FAILURE_WAIT(self) -> int:
        """Seconds that a user waits after that many failures; doubled with every further one."""
        return _natural("TOOPHER_SERVICE_FAILURE_WAIT", 60, least=1)

    @property
    def TOOPHER_SERVICE_REQUEST_AGE(self) -> int:
        """Seconds that an authentication request, and its number, wait for the answer (PROTOCOL.md §8.8).

        The person can prolong that. At most ten minutes (SECURITY.md S22, NIST SP 800-63B-4 §3.1.3.2).
        """
        return _natural("TOOPHER_SERVICE_REQUEST_AGE", 120, least=30, most=600)

    @property
    def TOOPHER_SERVICE_PAIRING_AGE(self) -> int:
        """Seconds that a pairing phrase, and a pairing that nobody has confirmed, can be used.

        At most ten minutes (SECURITY.md S29, NIST SP 800-63B-4 §4.1.2.2).
        """
        return _natural("TOOPHER_SERVICE_PAIRING_AGE", 600, least=60, most=600)

    @property
    def TOOPHER_SERVICE_FRAME_AGE(self) -> int:
        """Seconds that an opened iframe page works."""
        return _natural("TOOPHER_SERVICE_FRAME_AGE", 600, least=60)

    @property
    def TOOPHER_SERVICE_KEEP_DAYS(self) -> int:
        """Days that the house-keeping keeps answered and unanswered requests, for support and audit."""
        return _natural("TOOPHER_SERVICE_KEEP_DAYS", 90, least=1)

    @property
    def TOOPHER_SERVICE_TRUSTED_PROXIES(self) -> int:
        """How many proxies in front of the service append to ``X-Forwarded-For``; 0 believes the socket only."""
        return _natural("TOOPHER_SERVICE_TRUSTED_PROXIES", 0, least=0)

    @property
    def TOOPHER_SERVICE_RESET_LINK_AGE(self) -> int:
        """Seconds that a link which removes a lost phone can be used (SECURITY.md S29)."""
        return _natural("TOOPHER_SERVICE_RESET_LINK_AGE", 24 * 3600, least=3600)

    @property
    def TOOPHER_SERVICE_SMS_BACKEND(self) -> str | None:
        """Dotted path of the class that sends text messages; ``None`` sends none, and pairing by SMS is refused."""
        path = _text("TOOPHER_SERVICE_SMS_BACKEND")
        if path is not None:
            try:
                import_string(path)
            except ImportError as exc:
                raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS_BACKEND can't be imported: {exc}") from exc
        return path

    @property
    def TOOPHER_SERVICE_SMS_FILE_PATH(self) -> str | PathLike[str] | None:
        """Folder of the back end ``filebased``."""
        path = getattr(settings, "TOOPHER_SERVICE_SMS_FILE_PATH", None)
        if path is not None and (not isinstance(path, str | PathLike) or not str(path).strip()):
            raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS_FILE_PATH must be a path or None, not {path!r}.")
        return path

    @property
    def TOOPHER_SERVICE_SMS_URL(self) -> str | None:
        """Where the back end ``http`` posts messages."""
        url = _text("TOOPHER_SERVICE_SMS_URL")
        if url is not None and not url.startswith(("https://", "http://")):
            raise ImproperlyConfigured("TOOPHER_SERVICE_SMS_URL must begin with https:// or http://.")
        return url

    @property
    def TOOPHER_SERVICE_SMS_FORM(self) -> bool:
        """Whether it posts them as a form instead of JSON."""
        value = getattr(settings, "TOOPHER_SERVICE_SMS_FORM", False)
        if not isinstance(value, bool):
            raise ImproperlyConfigured(f"TOOPHER_SERVICE_SMS_FORM must be True or False, not {value!r}.")
        return value

    @property
    def TOOPHER_SERVICE_SMS_TOKEN(self) -> str | None:
        """The bearer token that it sends along, if any."""
        try:
            return _text("TOOPHER_SERVICE_SMS_TOKEN")
        except ImproperlyConfigured:  # without the value: it is a secret
            raise ImproperlyConfigured("TOOPHER_SERVICE_SMS_TOKEN must be a text or None.") from None

    @property
    def TOOPHER_SERVICE_SMS_HEADERS(self) -> Mapping[str, str]:
        """Further headers that it sends along, names to texts."""
        headers = getattr(settings, "TOOPHER_SERVICE_SMS_HEADERS", {})
        texts = [text for pair in headers.items() for text in pair] if isinstance(headers, Mapping) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise ImproperlyConfigured("TOOPHER_SERVICE_SMS_HEADERS must be a dict of texts.")
        return headers

    @property
    def TOOPHER_SERVICE_SMS_TIMEOUT(self) -> int:
        """Seconds that the gateway has for one message, everything included."""
        return _natural("TOOPHER_SERVICE_SMS_TIMEOUT", 5, least=1)

    @property
    def TOOPHER_SERVICE_AUTOMATION_DAYS(self) -> int:
        """Days that a standing answer holds at the longest; 0 offers none, and those that were made do not count."""
        return _natural("TOOPHER_SERVICE_AUTOMATION_DAYS", 30, least=0)

    @property
    def TOOPHER_SERVICE_LIMIT_PERIOD(self) -> int:
        """Seconds over which the limits on questions, phrases, phones and pages count."""
        return _natural("TOOPHER_SERVICE_LIMIT_PERIOD", 600, least=10)

    @property
    def TOOPHER_SERVICE_UNANSWERED_LIMIT(self) -> int:
        """Denied or unanswered questions in that time, after which a user is asked nothing new (SECURITY.md S24)."""
        return _natural("TOOPHER_SERVICE_UNANSWERED_LIMIT", 3, least=1)

    @property
    def TOOPHER_SERVICE_QUESTION_LIMIT(self) -> int:
        """Questions to a user in that time without a yes, those that were taken back included."""
        return _natural("TOOPHER_SERVICE_QUESTION_LIMIT", 10, least=1)

    @property
    def TOOPHER_SERVICE_PHRASE_LIMIT(self) -> int:
        """Wrong pairing phrases for one user in that time."""
        return _natural("TOOPHER_SERVICE_PHRASE_LIMIT", 10, least=1)

    @property
    def TOOPHER_SERVICE_PHONE_LIMIT(self) -> int:
        """Registrations of phones from one public address in that time."""
        return _natural("TOOPHER_SERVICE_PHONE_LIMIT", 30, least=1)

    @property
    def TOOPHER_SERVICE_FRAME_LIMIT(self) -> int:
        """Iframe pages opened from one public address in that time."""
        return _natural("TOOPHER_SERVICE_FRAME_LIMIT", 300, least=1)

    @property
    def TOOPHER_SERVICE_POLL_LIMIT(self) -> int:
        """Polls of one authentication request in a second, counted in the cache (PROTOCOL.md §8.9)."""
        return _natural("TOOPHER_SERVICE_POLL_LIMIT", 5, least=2)

    @property
    def TOOPHER_SERVICE_REPORT_WAIT(self) -> int:
        """Seconds that a user is asked nothing new after a sign-in was reported (SECURITY.md S24)."""
        return _natural("TOOPHER_SERVICE_REPORT_WAIT", 3600, least=60)

    @property
    def TOOPHER_SERVICE_PUSH_HOSTS(self) -> list[str] | None:
        """Hosts of push services, as in ``ALLOWED_HOSTS``; ``None`` are the browsers', ``[]`` switches push off."""
        hosts = getattr(settings, "TOOPHER_SERVICE_PUSH_HOSTS", None)
        if hosts is None:
            return None
        if not isinstance(hosts, list | tuple) or not all(isinstance(host, str) and host for host in hosts):
            raise ImproperlyConfigured(f"TOOPHER_SERVICE_PUSH_HOSTS must be a list of host names, not {hosts!r}.")
        return [host.lower() for host in hosts]

    @property
    def TOOPHER_SERVICE_PUSH_CONTACT(self) -> str | None:
        """Whom a push service may write to, ``mailto:`` or ``https:``; ``None`` tells it the service's address."""
        contact = _text("TOOPHER_SERVICE_PUSH_CONTACT")
        if contact and not contact.startswith(("mailto:", "https://")):
            raise ImproperlyConfigured(
                f"TOOPHER_SERVICE_PUSH_CONTACT must begin with mailto: or https://, not {contact!r}."
            )
        return contact

    @property
    def TOOPHER_SERVICE_PUSH_TIMEOUT(self) -> int:
        """Seconds that the push services of all of a user's phones have together."""
        return _natural("TOOPHER_SERVICE_PUSH_TIMEOUT", 2, least=1)


conf = Conf()
