"""A phone came or went: told by a management page, by the API, or on the way of a login."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from .. import signals
from ..client import ToopherApi, ToopherApiError, ToopherIframe
from ..errors import ChangedUserError, ExpiredAttemptError, InvalidPostbackError, NothingPendingError
from ..models import Attempt, ToopherAccount
from ..service_link import lookups
from ..session.state import Pending
from . import attempts
from .postbacks import verified

logger = logging.getLogger(__name__)

Kind = Attempt.Kind
Method = Attempt.Method
Outcome = Attempt.Outcome


@dataclass(frozen=True)
class PhoneChange:
    """What a management page has done: ``added`` or removed a phone, or changed the user as a whole.

    Of the user as a whole, who has removed all phones or switched the second factor on or off, ``enabled`` is told and
    no ``pairing_id``.
    """

    user_id: str
    user_name: str
    pairing_id: str = ""
    added: bool = False
    enabled: bool | None = None

    @classmethod
    def of_postback(cls, fields: Mapping[str, str]) -> PhoneChange:
        """From the fields of a postback whose signature holds; ``InvalidPostbackError`` where some are missing."""
        if fields.get("resource_type") != "requester_user":
            return cls(
                user_id=fields.get("pairing_user_id", ""),
                user_name=fields.get("user_name", ""),
                pairing_id=fields.get("id", ""),
                added=fields.get("enabled") == "true",
            )
        try:
            user_id, name, enabled = fields["id"], fields["name"], fields["toopher_authentication_enabled"]
        except KeyError as exc:
            raise InvalidPostbackError from exc
        return cls(user_id, name, enabled=enabled == "true")


def complete_with_postback(
    iframe: ToopherIframe, api: ToopherApi, pending: Pending | None, fields: Mapping[str, Any], user_pk: Any
) -> PhoneChange:
    """What was changed on the account page of the user with this primary key. Raises a ``SecondFactorError``.

    Verified as a login is, of its own kinds. After a removal the service is asked whether another phone is left; while
    it does not answer, the account stays paired, so that a second factor stays due.
    """
    attempt = _own(pending, user_pk)
    kind = "requester_user" if fields.get("resource_type") == "requester_user" else "pairing"  # verified with the rest
    change = PhoneChange.of_postback(verified(iframe, pending, attempt, fields, kind))
    account = _unchanged_account(attempt, change)
    account.toopher_user_id = change.user_id[:36]
    if change.enabled is not None:
        account.enabled = change.enabled
    if change.added:
        account.paired, account.pairing_id, account.device = True, change.pairing_id[:36], ""
    else:
        _read_phones(account, api)
    with transaction.atomic():  # killed in between, nothing is spent and nothing forgotten (SECURITY.md S36)
        _finish(attempt, request_id=change.pairing_id)
        names = ("paired", "pairing_id", "device", "toopher_user_id", "enabled")
        account.change(**{name: getattr(account, name) for name in names})
        if change.enabled is None or not account.paired:  # else switched on or off, with its phones
            account.announce(signals.paired if change.added else signals.unpaired)
    if change.added:
        learn_name(api, account)
    return change


def complete_with_reply(api: ToopherApi, pending: Pending | None, user_pk: Any) -> bool:
    """The same without a postback, by what the API says of the pairing that this attempt began (``native``).

    False while the phone has not said yes. Raises ``ToopherApiError`` beside the rest.
    """
    attempt = _own(pending, user_pk)
    if not attempt.pairing_id:
        raise NothingPendingError
    pairing = api.get_pairing_by_id(attempt.pairing_id)
    if not pairing.enabled:
        return False
    change = PhoneChange(pairing.user.id, pairing.user.name, pairing.id, added=True)
    account = _unchanged_account(attempt, change)
    with transaction.atomic():
        _finish(attempt)
        account.change(paired=True, pairing_id=change.pairing_id[:36], toopher_user_id=change.user_id[:36], device="")
        account.announce(signals.paired)
    learn_name(api, account)
    return True


def remember(account: ToopherAccount, pairing_id: str, user_id: str) -> bool:
    """The phone that has just answered a login; writes only what is new.

    Whether it is the first phone, which ends what other sessions earned.
    """
    told = {"paired": True, "pairing_id": pairing_id[:36], "toopher_user_id": user_id[:36]}
    if account.pairing_id != told["pairing_id"]:
        told["device"] = ""  # the name of another phone
    if not account.paired:
        account.change(**told)
        account.announce(signals.paired)
        return True
    if any(getattr(account, name) != value for name, value in told.items()):
        # which of the phones answers is no change of the second factor: the generation stays
        ToopherAccount.objects.filter(pk=account.pk).update(**told)
    return False


def learn_name(api: ToopherApi, account: ToopherAccount) -> None:
    """Write down the name of the phone that was paired just now, for support's list; without it, things go on too."""
    if not account.pairing_id:
        return
    with suppress(ToopherApiError):
        account.device = lookups.phone(api, account.pairing_id).name
        rows = ToopherAccount.objects.filter(pk=account.pk, pairing_id=account.pairing_id)  # unless another came since
        rows.update(device=account.device)


def _own(pending: Pending | None, user_pk: Any) -> Attempt:
    attempt = attempts.find_open(pending, Kind.PAIRING)
    if attempt.user_id != user_pk:  # whoever has all of a session but the login changes no phone (S17)
        raise NothingPendingError
    return attempt


def _unchanged_account(attempt: Attempt, change: PhoneChange) -> ToopherAccount:
    user: Any = attempt.user
    if not attempts.is_same_at_service(attempt, change.user_name, change.user_id):
        attempts.fail(attempt, ChangedUserError(), told={"method": Method.PHONE, "request_id": change.pairing_id})
    return user.toopher_account  # type: ignore[no-any-return]


def _finish(attempt: Attempt, **told: str) -> None:
    if not attempt.finish(Outcome.GRANTED, timezone.now(), method=Method.PHONE, **told):
        raise ExpiredAttemptError


def _read_phones(account: ToopherAccount, api: ToopherApi) -> None:
    try:
        phones = lookups.phones(api, account.toopher_user_id)
    except (ToopherApiError, ValueError):  # ValueError: the service named no user
        logger.warning("could not ask which phones are left", exc_info=True)
        return
    lookups.remember_phones(account, phones)
