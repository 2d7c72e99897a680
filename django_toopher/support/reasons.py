"""Why something did not succeed, in words for support: an attempt, or one of support's own verbs."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..models import Attempt

REASONS: Mapping[str, str | Promise] = {
    # of an attempt: the slugs of ``errors``, and "abandoned"
    "abandoned": _("given up before it was answered"),
    "acting_unverified": _("acted as somebody with a second factor, without one"),
    "denied": _("said no, or too many wrong numbers or codes"),
    "disabled": _("the second factor is switched off"),
    "expired": _("the time ran out"),
    "failed": _("the phone could not confirm it"),
    "impersonating": _("somebody else acted as them"),
    "invalid_postback": _("the confirmation could not be checked"),
    "last_phone": _("the only phone, which the site demands"),
    "nothing_pending": _("nothing was to be confirmed"),
    "phone_removed": _("no phone is paired"),
    "request_changed": _("what was sent is not what was confirmed"),
    "service_down": _("the service does not answer"),
    "too_large": _("too large to be confirmed"),
    "too_many_codes": _("too many wrong codes"),
    "too_many_passwords": _("too many wrong passwords"),
    "too_many_questions": _("the phone was asked too often"),
    "unusable_action": _("the phone can't show it"),
    "user_changed": _("the account was changed meanwhile"),
    "waiting": _("the phone has not answered yet"),
    "wrong_code": _("a wrong code"),
    "wrong_password": _("a wrong password"),
    # of a person whom a verb has skipped, or for whom it failed
    "already_enabled": _("the second factor is on already"),
    "already_disabled": _("the second factor is off already"),
    "no_phone": _("no phone is paired"),
    "no_wait": _("nothing makes them wait"),
    "no_email": _("no e-mail address is known"),
    "not_known_yet": _("the service does not know this person yet"),
    "superuser": _("a superuser: only another superuser can do that"),
    "beginner_gone": _("a superuser, and whoever began this has no account any more: begin it anew"),
    "not_allowed": _("whoever began this, or carries it on, is not allowed to any more: begin it anew"),
    "yourself": _("that is you: ask a colleague, or use your own page"),
    "unknown": _("the service does not know this person any more; after a reset, a phone can be paired anew"),
    "refused": _("the service refused"),
    "unavailable": _("the service does not answer"),
    "broken": _("something unexpected went wrong, see the log"),
}


def reason_of(attempt: Attempt) -> str:
    """Why it did not succeed; blank where it did, and while it still can."""
    if attempt.outcome == Attempt.Outcome.PENDING and attempt.expires <= timezone.now():
        return str(REASONS["expired"])
    return str(REASONS.get(attempt.reason, attempt.reason))
