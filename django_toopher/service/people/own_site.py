"""Users of this project's own site: people of this project, whose rank counts (SECURITY.md S44).

The app knows who they are. It is asked by its name and never imported: a service alone has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils.translation import gettext as _

from ..models import User


def accounts(users: Iterable[User]) -> dict[UUID, Any]:
    """The app's accounts of those who are its own site's, by the user's primary key. One query."""
    own = [user for user in users if user.requester.is_own_site]
    if not own or not apps.is_installed("django_toopher"):
        return {}
    model: Any = apps.get_model("django_toopher", "ToopherAccount")
    rows = model.objects.filter(name_digest__in={user.name_digest for user in own}).select_related("user")
    by_name = {account.name_digest: account for account in rows}
    return {user.pk: by_name[user.name_digest] for user in own if user.name_digest in by_name}


def out_of_reach(users: Iterable[User], by: Any) -> dict[UUID, str]:
    """On whom of these ``by`` may not act, and why, in words: on no superuser without being one, nor on themselves."""
    reasons = {}
    for pk, account in accounts(users).items():
        if getattr(account.user, "is_superuser", False) and not by.is_superuser:
            reasons[pk] = _("a superuser: only another superuser can do that")
        elif account.user == by:
            reasons[pk] = _("that is you: ask a colleague, or use your own page")
    return reasons
