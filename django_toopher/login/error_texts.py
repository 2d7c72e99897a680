"""What to tell a person whose second factor did not succeed: what happened, what to do next."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.shortcuts import resolve_url
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..errors import SecondFactorError

Text = str | Promise


class Explanation(NamedTuple):
    """Of one reason; what to do next at a login, and at a step-up, where it is not just to try again."""

    title: Text
    text: Text
    at_login: Text = ""
    at_step_up: Text = ""


_SIGN_IN_AGAIN = _("Sign in again, with your password and your phone.")
_SEND_AGAIN = _("Go back and send it again.")
_NO_SIGN_IN = _("Nobody was signed in.")
_NO_STEP_UP = _("Nothing was carried out.")
_NOT_YOU = _("If it was not you who denied it, change your password and tell support.")

_OTHER = Explanation(_("It was not confirmed"), _("Your phone could not confirm it."))

_EXPLANATIONS = {
    "nothing_pending": Explanation(
        _("Nothing to confirm"), _("It was finished or given up already, or asked in another sign-in.")
    ),
    "expired": Explanation(
        _("Not confirmed in time"), _("The time to confirm is over, or it was confirmed and used already.")
    ),
    "denied": Explanation(
        _("The request was denied"),
        _("The phone said no, or the number or code was wrong too often."),
        _NOT_YOU,
        _NOT_YOU,
    ),
    "invalid_postback": Explanation(
        _("The confirmation could not be checked"),
        _("It did not come from your phone's service, or not in time."),
    ),
    "user_changed": Explanation(
        _("Your account was changed meanwhile"),
        _("Something about your account was changed while you were asked."),
    ),
    "request_changed": Explanation(
        _("This is not what you confirmed"),
        _("What was sent differs from what your phone was asked about."),
    ),
    "disabled": Explanation(
        _("Your second factor is switched off"),
        _("The confirmation by phone is switched off for your account."),
        _("Sign in again. If that does not work, ask support."),
    ),
    "phone_removed": Explanation(
        _("No phone is paired"),
        _("This has to be confirmed on a phone, and you have none that is paired."),
        _("Sign in again. You can pair a phone on your account's page."),
        _("Pair one on your account's page, then send it again."),
    ),
    "impersonating": Explanation(
        _("You are acting as somebody else"),
        _("Nobody but the person themselves changes this here."),
        _("Stop acting as them first. Support has its own page in the admin."),
    ),
    "acting_unverified": Explanation(
        _("Pair a phone of your own first"),
        _("You are acting as somebody who signs in with a second factor. To do that, you need one as well."),
        _("Stop acting as them, or sign out. Then pair a phone on your own account's page."),
    ),
    "service_down": Explanation(
        _("Phones can't be asked right now"),
        _("The service that asks your phone does not answer."),
        _("Wait a minute, then sign in again."),
        _("Wait a minute, then go back and send it again."),
    ),
    "too_many_questions": Explanation(
        _("Your phone was asked too often"),
        _("To keep others from pestering you, it is not asked again for a while."),
        at_step_up=_("Wait a few minutes, then go back and send it again."),
    ),
    "too_large": Explanation(
        _("This is too large to be confirmed"),
        _("A form with its files must be small enough to be kept while your phone is asked."),
        at_step_up=_("Go back and send smaller files, or fewer."),
    ),
    "unusable_action": Explanation(
        _("This can't be shown on your phone"),
        _("What you would confirm is empty, too long, or contains characters that can't be displayed."),
        at_step_up=_("Go back and change it."),
    ),
    "waiting": Explanation(
        _("Not confirmed yet"), _("Your phone has not answered yet."), at_step_up=_("Answer there, then try again.")
    ),
    "wrong_code": Explanation(
        _("That code is not right"), _("It was wrong, or was used already."), at_step_up=_("Wait for the next one.")
    ),
    "too_many_codes": Explanation(
        _("Too many wrong codes"),
        _("No code is looked at for a while."),
        at_step_up=_("Wait a few minutes, or answer on the phone."),
    ),
    "wrong_password": Explanation(_("That password is wrong"), "", at_step_up=_("Type it again.")),
    "too_many_passwords": Explanation(
        _("Too many wrong passwords"),
        _("No password is tried for a while."),
        at_step_up=_("Wait a few minutes, then go back and send it again."),
    ),
}


def sign_in_url() -> str:
    """The site's login page: ``LOGIN_URL`` where that is set, else ours."""
    is_set: bool = settings.is_overridden("LOGIN_URL")  # type: ignore[misc]  # unknown to the stubs
    return resolve_url(settings.LOGIN_URL if is_set else "django_toopher:login")


def explanation_of(error: SecondFactorError) -> dict[str, object]:
    """The context of ``django_toopher/failed.html`` for a login that did not succeed."""
    told = _EXPLANATIONS.get(error.reason, _OTHER)
    next_step = told.at_login or _SIGN_IN_AGAIN
    return _context(error, told, _NO_SIGN_IN, next_step, sign_in_url(), _("Sign in again"))


def explanation_of_step_up(error: SecondFactorError, back: str) -> dict[str, object]:
    """The same for a step-up; ``back`` leads on."""
    told = _EXPLANATIONS.get(error.reason, _OTHER)
    return _context(error, told, _NO_STEP_UP, told.at_step_up or _SEND_AGAIN, back, _("Back"))


def _context(
    error: SecondFactorError, told: Explanation, outcome: Text, next_step: Text, url: str, label: Text
) -> dict[str, object]:
    return {
        "reason": error.reason,
        "title": told.title,
        "explanation": f"{told.text} {outcome}".strip(),
        "next_step": next_step,
        "retry_url": url,
        "retry_label": label,
    }
