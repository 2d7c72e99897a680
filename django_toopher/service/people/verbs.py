"""What the service's operator does to one user of a site: switch on, switch off, reset, lift a wait.

The users of this project's own site are the app's matter, where ranks count (``own_site``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import limits
from ..models import User
from ..retry import retry_on_deadlock
from . import users


@dataclass(frozen=True)
class Verb:
    """One of them. ``do`` tells whether it changed anything; where it did not, ``unneeded`` says why.

    ``done`` is what the admin log says; ``question`` and ``warning`` are asked beforehand, where there is a question.
    """

    name: str
    label: str | Promise
    do: Callable[[User], bool]
    permission: str
    done: str | Promise
    unneeded: str | Promise
    question: str | Promise = ""
    warning: str | Promise = ""

    def is_allowed(self, person: Any) -> bool:
        """Whether this person of the admin has the permission for it."""
        return bool(person.has_perm(f"toopher_service.{self.permission}"))


def _reset(user: User) -> bool:
    """As the site's own call does it (PROTOCOL.md §2.1, row 19)."""
    users.close_pages(user)
    return users.reset(user)


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in [
        Verb(
            "enable",
            gettext_lazy("Switch the second factor on"),
            partial(users.switch, enabled=True),
            "enable_user",
            done=gettext_lazy("second factor enabled"),
            unneeded=gettext_lazy("the second factor is on already"),
        ),
        Verb(
            "disable",
            gettext_lazy("Switch the second factor off"),
            partial(users.switch, enabled=False),
            "disable_user",
            done=gettext_lazy("second factor disabled"),
            unneeded=gettext_lazy("the second factor is off already"),
            question=gettext_lazy("Switch the second factor of these people off?"),
            warning=gettext_lazy("They will get in with the password alone, where the site allows that."),
        ),
        Verb(
            "reset",
            gettext_lazy("Reset: remove all phones"),
            _reset,
            "reset_user",
            done=gettext_lazy("phones removed"),
            unneeded=gettext_lazy("no phone is paired"),
            question=gettext_lazy("Remove all phones of these people?"),
            warning=gettext_lazy("It can't be taken back: each of them has to pair a phone again."),
        ),
        Verb(
            "lift",
            gettext_lazy("Lift the wait"),
            limits.lift,
            "lift_wait",
            done=gettext_lazy("wait lifted"),
            unneeded=gettext_lazy("nothing makes them wait"),
            question=gettext_lazy("Let these people, and whoever poses as them, try again at once?"),
            warning=gettext_lazy(
                "Wrong numbers and codes, reports and sign-in requests without an answer are forgotten, and can't be "
                "brought back. Make sure first that it is they who ask for it."
            ),
        ),
    ]
}
"""By name, in the order in which they are offered."""


@retry_on_deadlock
def carry_out(verb: Verb, user: User, log: Callable[[], object]) -> bool:
    """Do it, and ``log`` it, together or not at all; whether it changed anything."""
    with transaction.atomic():
        is_done = verb.do(user)
        if is_done:
            log()
        else:
            transaction.set_rollback(True)
    return is_done


def standing(user: User) -> list[str]:
    """How the user stands, in words: what is shown before somebody says yes, and must be so still when they have."""
    now = timezone.now()
    is_on = user.toopher_authentication_enabled
    lines = [_("The second factor is on.") if is_on else _("The second factor is switched off.")]
    for pairing in user.pairings.enabled().select_related("authenticator"):
        lines.append(
            _("Phone: %(name)s (%(since)s)")
            % {"name": pairing.phone_name, "since": _local(pairing.answered or pairing.created)}
        )
    if user.has_had_codes:
        lines.append(_("A list of codes"))
    return [*lines, *(_line(wait) for wait in limits.waits(user, now))]


def _line(wait: limits.Wait) -> str:
    if wait.what == "report" and wait.until:
        return _("Blocked by a report until %s") % _local(wait.until)
    count = {
        "failures": _("Wrong numbers and codes in a row: %d"),
        "requests": _("Sign-in requests without a yes: %d"),
        "phrases": _("Wrong pairing words: %d"),
    }
    said = [count[wait.what] % wait.times]
    if wait.computer:
        said.append(_("at the known computer %s") % wait.computer)
    if wait.until:
        said.append(_("has to wait until %s") % _local(wait.until))
    return ", ".join(said)


def _local(moment: datetime) -> str:
    return localize(timezone.localtime(moment) if timezone.is_aware(moment) else moment)
