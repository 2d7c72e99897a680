"""Automations: what a person has decided once for the same action from the same terminal (PROTOCOL.md §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from ...addresses import network_of
from ..conf import conf
from ..errors import BadParameterError, NotFoundError
from ..models import Action, AuthenticationRequest, Authenticator, Automation, Pairing, Terminal, User

DAY = 24 * 3600

SHORTEST = 60
"""Seconds that an automation holds at least."""

NETWORK = 24
"""Bits of an IPv4 address that name its network: a terminal gets another address in it now and then."""


@dataclass(frozen=True)
class Terms:
    """For how many seconds an answer is given silently from now on, and whether only in this network."""

    seconds: int
    network: bool


def longest() -> int:
    """Seconds that an automation may hold; 0 when there are none here."""
    return conf.TOOPHER_SERVICE_AUTOMATION_DAYS * DAY


def seconds_offered(*, automation_allowed: bool, challenge_required: bool, terminal_is_known: bool) -> int:
    """Seconds that the phone may offer for a request; 0 for one that is never answered silently (SECURITY.md S27).

    A terminal is known by its secret; one without is anybody's.
    """
    return longest() if automation_allowed and not challenge_required and terminal_is_known else 0


def require_possible(request: AuthenticationRequest, terms: Terms) -> None:
    """``BadParameterError`` for terms that this request can't have."""
    most = seconds_offered(
        automation_allowed=request.automation_allowed,
        challenge_required=request.challenge_required,
        terminal_is_known=request.terminal.extra_digest is not None,
    )
    if not most:
        raise BadParameterError("This request can't be answered automatically.")
    if not SHORTEST <= terms.seconds <= most:
        raise BadParameterError(f"automate.seconds must be from {SHORTEST} to {most}.")
    if terms.network and not request.address:
        raise BadParameterError("The network of this request is not known.")


def create(request: AuthenticationRequest, pairing: Pairing, answer: str, terms: Terms, now: datetime) -> Automation:
    """Answer like this from now on. The newest answer for a terminal, action and network replaces the one before."""
    automation, _created = Automation.objects.update_or_create(
        terminal=request.terminal,
        action=request.action,
        network=network_of(request.address, NETWORK) if terms.network else "",
        defaults={
            "user": request.user,
            "terminal_digest": request.terminal.extra_digest or "",
            "pairing": pairing,
            "answer": answer,
            "expires": now + timedelta(seconds=terms.seconds),
            "last_used": None,
            "created": now,
        },
    )
    return automation


def apply(user: User, terminal: Terminal, action: Action, address: str, now: datetime) -> Automation | None:
    """The automation that answers this, marked as used; ``None`` when there is none.

    The UPDATE decides: it asks once more whether the automation holds, its phone is the user's and the user is enabled.
    What is bound to the network goes before what is not.
    """
    here = [network_of(address, NETWORK), ""] if address else [""]
    matching = Automation.objects.in_force(now).filter(user=user, terminal=terminal, action=action, network__in=here)
    automation = matching.select_related("pairing").order_by("-network").first()  # "" comes last
    if automation is None:
        return None
    phone = Pairing.objects.enabled().filter(pk=automation.pairing_id, user__toopher_authentication_enabled=True)
    # `answer` too: since the look, a no may have replaced the yes in this very row (S25)
    used = Automation.objects.filter(Exists(phone), pk=automation.pk, answer=automation.answer, expires__gt=now)
    return automation if used.update(last_used=now) else None


def of_user(user: User, now: datetime) -> QuerySet[Automation]:
    """The user's automations, newest first."""
    return _listed(user.automations.in_force(now))


def of_authenticator(authenticator: Authenticator, now: datetime) -> QuerySet[Automation]:
    """The automations of everybody who is paired with this phone, newest first."""
    paired = Pairing.objects.enabled().filter(authenticator=authenticator, user=OuterRef("user"))
    return _listed(Automation.objects.in_force(now).filter(Exists(paired)))


def _listed(automations: QuerySet[Automation]) -> QuerySet[Automation]:
    return automations.select_related("terminal", "action", "user__requester").order_by("-created")


def get(listed: QuerySet[Automation], automation_id: UUID) -> Automation:
    """The one with this id; ``NotFoundError`` for one that is not among those ``listed``."""
    automation = listed.filter(pk=automation_id).first()
    if automation is None:
        raise NotFoundError(_("This automatic approval no longer exists."))
    return automation


def remove(listed: QuerySet[Automation], automation_id: UUID) -> None:
    """Ask again from now on; ``NotFoundError`` for one that is not among those ``listed``."""
    get(listed, automation_id).delete()


def remove_for_terminal(terminal: Terminal) -> None:
    """Nothing is answered for this terminal any more."""
    Automation.objects.filter(terminal=terminal).delete()
