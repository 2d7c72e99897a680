"""Phones come and go, and what else people change on a management page: proposed by it, carried out here by the API.

The page changes nothing, because its service can't know whether the session that has opened it still holds; who calls
this has seen that it does (SECURITY.md S39). A phone that has agreed to be paired counts only once we confirm it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from .. import signals
from ..client import Pairing, RequestRefusedError, ToopherApi, ToopherApiError, ToopherIframe
from ..conf import conf
from ..errors import (
    ExpiredAttemptError,
    InvalidPostbackError,
    LastPhoneError,
    NothingPendingError,
)
from ..models import Attempt, ToopherAccount, forget_computers
from ..service_link import lookups
from ..session.state import Pending
from . import attempts
from .postbacks import AGE, verified

logger = logging.getLogger(__name__)

Kind = Attempt.Kind
Method = Attempt.Method
Outcome = Attempt.Outcome


@dataclass(frozen=True)
class Change:
    """What a person wishes: a word (``pair``, ``remove``, ``rename``, ``forget``, ``reset``, ``switch``), of what, how.

    ``of`` is the id of a pairing or an automation, ``value`` a new name, or ``"true"`` to switch on.
    """

    word: str
    of: str = ""
    value: str = ""


def read_proposal(
    iframe: ToopherIframe, pending: Pending | None, fields: Mapping[str, Any], user_pk: Any, *, was_held: bool = False
) -> tuple[Attempt, Change]:
    """What was proposed on the account page of the user with this primary key, and its attempt, which is still open.

    Verified as a login is, of its own kind. One that ``was_held``, while the person confirmed it, may be as old as its
    attempt.
    """
    attempt = _own(pending, user_pk)
    age = conf.TOOPHER_ATTEMPT_AGE if was_held else AGE
    told = verified(iframe, pending, attempt, fields, "proposal", age)
    try:
        change = Change(told["change"], told["id"], told["value"])
        name, user_id = told["user_name"], told["pairing_user_id"]
    except KeyError as exc:
        raise InvalidPostbackError from exc
    attempts.require_same_at_service(attempt, name, user_id, _told(change.of))
    return attempt, change


def _told(of: str) -> dict[str, str]:
    return {"method": Method.PHONE, "request_id": of}


def spend(attempt: Attempt, change: Change) -> None:
    """From here on the proposal is used up: before it is carried out, so that it never is twice."""
    if not attempt.finish(Outcome.GRANTED, timezone.now(), **_told(change.of)):
        raise ExpiredAttemptError


def add(api: ToopherApi, attempt: Attempt, pairing_id: str, *, alone: bool = False) -> ToopherAccount:
    """Confirm the phone that has agreed, ``alone`` in place of all others. Spends the attempt."""
    with confirmed(api, attempt, pairing_id, alone=alone) as pairing, transaction.atomic():
        user: Any = attempt.user
        account: ToopherAccount = user.toopher_account
        spend(attempt, Change("pair", pairing_id))
        account.change(paired=True, pairing_id=pairing.id[:36], toopher_user_id=pairing.user.id[:36], device="")
        if alone:
            forget_computers(account.user_id)
        account.announce(signals.paired)
    learn_name(api, account)
    return account


def add_agreed(api: ToopherApi, pending: Pending | None, user_pk: Any, *, alone: bool = False) -> bool:
    """The same without a postback, of the pairing that this attempt began (``native``). False before the phone's yes.

    Raises ``ToopherApiError`` beside the rest.
    """
    attempt = _own(pending, user_pk)
    if not attempt.pairing_id:
        raise NothingPendingError
    pairing = api.get_pairing_by_id(attempt.pairing_id)
    if not (pairing.enabled or pairing.raw.get("agreed")):
        return False
    attempts.read_again(attempt)
    attempts.require_same_at_service(attempt, pairing.user.name, pairing.user.id, _told(pairing.id))
    add(api, attempt, pairing.id, alone=alone)
    return True


@contextmanager
def confirmed(api: ToopherApi, attempt: Attempt, pairing_id: str, *, alone: bool = False) -> Iterator[Pairing]:
    """The pairing, enabled by our yes, while the attempt is spent. Where that fails it is removed again.

    The call may take seconds: the user is read again after it.
    """
    try:
        told = {"confirmed": True, "alone": alone or None}
        pairing = Pairing(api.post(api.path("pairings", pairing_id), **told))
    except RequestRefusedError as exc:
        attempts.fail(attempt, ExpiredAttemptError(), cause=exc)
    except ToopherApiError as exc:
        raise attempts.service_down(exc) from exc
    try:
        attempts.read_again(attempt)
        attempts.require_same_at_service(attempt, pairing.user.name, pairing.user.id, _told(pairing.id))
        yield pairing
    except Exception:
        _take_back(api, attempt, pairing_id)
        raise


def _take_back(api: ToopherApi, attempt: Attempt, pairing_id: str) -> None:
    """Not where another tab has spent the attempt, for the same phone."""
    if Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.GRANTED).exists():
        return
    try:
        api.post(api.path("pairings", pairing_id), deactivated=True)
    except ToopherApiError:
        logger.exception("a phone that was confirmed too late could not be removed", extra={"attempt": attempt.pk.hex})


def remove(api: ToopherApi, account: ToopherAccount, phone_id: str, *, unless_last: bool) -> bool:
    """Remove one of the person's own phones, and no other (SECURITY.md S17); whether there was one.

    ``unless_last``: ``LastPhoneError`` for the only one. The service looks once more: two may be removed at once.
    """
    if not (phones := _own_phones(api, account, phone_id)):
        return False
    if unless_last and len(phones) == 1:
        raise LastPhoneError
    try:
        api.post(api.path("pairings", phone_id), deactivated=True, unless_last=unless_last or None)
    except RequestRefusedError as exc:
        if unless_last and exc.status == 409:
            raise LastPhoneError from exc
        raise
    _read_phones(account, api)
    account.change(**{name: getattr(account, name) for name in ("paired", "pairing_id", "device")})
    account.announce(signals.unpaired)
    return True


def rename(api: ToopherApi, account: ToopherAccount, phone_id: str, name: str) -> bool:
    """Call one of the person's own phones something else; whether there was one.

    ``RequestRefusedError`` for what is no name.
    """
    if not _own_phones(api, account, phone_id):
        return False
    lookups.rename_phone(api, phone_id, name)
    if phone_id == account.pairing_id:
        learn_name(api, account)
    return True


def _own_phones(api: ToopherApi, account: ToopherAccount, phone_id: str) -> list[lookups.Phone]:
    """All the person's phones, where this is one of them."""
    phones = lookups.phones(api, account.toopher_user_id) if account.toopher_user_id else []
    return phones if phone_id in {each.id for each in phones} else []


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


def _read_phones(account: ToopherAccount, api: ToopherApi) -> None:
    """While the service does not answer, the account stays paired, so that a second factor stays due."""
    try:
        phones = lookups.phones(api, account.toopher_user_id)
    except ToopherApiError:
        logger.warning("could not ask which phones are left", exc_info=True)
        return
    lookups.remember_phones(account, phones)
