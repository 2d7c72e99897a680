"""What to tell a person whose second factor did not succeed: what happened, what to do next."""

from __future__ import annotations

from django.conf import settings
from django.shortcuts import resolve_url
from django.utils.translation import gettext_lazy as _

from ..errors import SecondFactorError

_AGAIN = _("Sign in again, with your password and your phone.")

_EXPLANATIONS = {
    "nothing_pending": (_("Nothing to confirm"), _("This sign-in was finished or given up already."), _AGAIN),
    "expired": (
        _("That took too long"),
        _("The time to confirm this sign-in is over, or it was used already."),
        _AGAIN,
    ),
    "denied": (
        _("The sign-in was denied"),
        _("The phone said no, or the number or code was wrong too often. Nobody was signed in."),
        _("If it was not you who denied it, change your password and tell support."),
    ),
    "invalid_postback": (
        _("The confirmation could not be checked"),
        _("It did not come from your phone's service, or not in time. Nobody was signed in."),
        _AGAIN,
    ),
    "user_changed": (
        _("Your account was changed meanwhile"),
        _("Between your password and the phone's answer something about your account was changed."),
        _AGAIN,
    ),
    "disabled": (
        _("Your second factor is switched off"),
        _("The confirmation by phone is switched off for your account."),
        _("Sign in again. If that does not work, ask support."),
    ),
    "phone_removed": (
        _("No phone is paired any more"),
        _("The phone that confirmed your sign-ins was removed."),
        _("Sign in again. You can pair a phone on your account's page."),
    ),
    "service_down": (
        _("Phones can't be asked right now"),
        _("The service that asks your phone does not answer. Nobody was signed in."),
        _("Wait a minute, then sign in again."),
    ),
}

_OTHER = (
    _("The sign-in did not succeed"),
    _("Your phone could not confirm it. Nobody was signed in."),
    _AGAIN,
)


def sign_in_url() -> str:
    """The site's login page: ``LOGIN_URL`` where that is set, else ours."""
    is_set: bool = settings.is_overridden("LOGIN_URL")  # type: ignore[misc]  # unknown to the stubs
    return resolve_url(settings.LOGIN_URL if is_set else "django_toopher:login")


def explanation_of(error: SecondFactorError) -> dict[str, object]:
    """The context of ``django_toopher/failed.html`` for an error."""
    title, explanation, next_step = _EXPLANATIONS.get(error.reason, _OTHER)
    return {
        "reason": error.reason,
        "title": title,
        "explanation": explanation,
        "next_step": next_step,
        "retry_url": sign_in_url(),
        "retry_label": _("Sign in again"),
    }


_NOTHING = _("Nothing was carried out.")
_ONCE_MORE = _("Go back and send it again.")

_STEP_UPS = {
    "nothing_pending": (_("Nothing to confirm"), _("This was asked in another sign-in, or not at all."), _ONCE_MORE),
    "expired": (
        _("Not confirmed in time"),
        _("The time to confirm is over, or it was confirmed and used already."),
        "",
    ),
    "denied": (
        _("You said no"),
        _("The phone said no, or the number or code was wrong too often."),
        _("If it was not you who denied it, change your password and tell support."),
    ),
    "invalid_postback": (
        _("The confirmation could not be checked"),
        _("It did not come from your phone's service, or not in time."),
        _ONCE_MORE,
    ),
    "user_changed": (
        _("Your account was changed meanwhile"),
        _("Something about your account was changed while you were asked."),
        _ONCE_MORE,
    ),
    "request_changed": (
        _("This is not what you confirmed"),
        _("What was sent differs from what your phone was asked about."),
        _ONCE_MORE,
    ),
    "disabled": (
        _("Your second factor is switched off"),
        _("The confirmation by phone is switched off for your account."),
        _ONCE_MORE,
    ),
    "phone_removed": (
        _("No phone is paired"),
        _("This has to be confirmed on a phone, and you have none that is paired."),
        _("Pair one on your account's page, then send it again."),
    ),
    "service_down": (
        _("Phones can't be asked right now"),
        _("The service that asks your phone does not answer."),
        _("Wait a minute, then go back and send it again."),
    ),
    "too_many_questions": (
        _("Your phone was asked too often"),
        _("To keep others from pestering you, it is not asked again for a while."),
        _("Wait a few minutes, then go back and send it again."),
    ),
    "too_large": (
        _("This is too large to be confirmed"),
        _("A form with its files must be small enough to be kept while your phone is asked."),
        _("Go back and send smaller files, or fewer."),
    ),
    "unusable_action": (
        _("This can't be shown on your phone"),
        _("What you would confirm is empty, too long, or has signs in it that can't be shown."),
        _("Go back and change it."),
    ),
    "waiting": (_("Not confirmed yet"), _("Your phone has not answered yet."), _("Answer there, then try again.")),
    "wrong_password": (_("That password is wrong"), "", _("Type it again.")),
    "too_many_passwords": (
        _("Too many wrong passwords"),
        _("No password is tried for a while."),
        _("Wait a quarter of an hour, then go back and send it again."),
    ),
}


def explanation_of_step_up(error: SecondFactorError, back: str) -> dict[str, object]:
    """The context of ``django_toopher/failed.html`` for a step-up that did not succeed; ``back`` leads on."""
    other = (_("It was not confirmed"), _("Your phone could not confirm it."), _ONCE_MORE)
    title, explanation, next_step = _STEP_UPS.get(error.reason, other)
    return {
        "reason": error.reason,
        "title": title,
        "explanation": f"{explanation} {_NOTHING}".strip(),
        "next_step": next_step or _ONCE_MORE,
        "retry_url": back,
        "retry_label": _("Back"),
    }
