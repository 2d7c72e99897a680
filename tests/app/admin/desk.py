"""The support desk's pages, its buttons pressed, and how things stand afterwards."""

from __future__ import annotations

from django_toopher.models import ToopherAccount
from django_toopher.service.models import User
from django_toopher.support.verbs import VERBS
from tests.tables import table

ACCOUNTS = "/admin/django_toopher/toopheraccount/"
ATTEMPTS = "/admin/django_toopher/attempt/"
RUNS = "/admin/django_toopher/supportrun/"
every_verb = table("verb", VERBS)


def act(computer, action, *accounts, page=ACCOUNTS, confirm=True):
    """Choose an action on the list, as the page's form does, and say yes where that is asked; the run's page."""
    fields = {"action": f"toopher_{action}", "_selected_action": [account.pk for account in accounts]}
    response = computer.post(page, fields, follow=True)
    if not confirm or not response.redirect_chain:
        return response
    run = page_of(response)
    for press in ("confirm", "step") if "run" in response.context and not response.context["run"].confirmed else ():
        response = computer.post(run, {"press": press}, follow=True)
    return response


def page_of(response) -> str:
    return response.redirect_chain[-1][0].partition("#")[0]


def told(response) -> dict[str, tuple[str, str]]:
    """What the run's page says of each person."""
    return {item.account.name: (item.outcome, item.why) for item in response.context["page"]}


def state(name: str) -> tuple[bool, bool, int]:
    """What the account and the service say: enabled here and there, phones there."""
    account, user = ToopherAccount.objects.get(name=name), User.objects.get(name=name)
    return account.enabled, user.toopher_authentication_enabled, user.pairings.enabled().count()
