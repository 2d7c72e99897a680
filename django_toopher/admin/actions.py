"""Support's verbs as actions of an admin list: of accounts, and of the site's own users."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core import checks
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import connection
from ..impersonation import is_impersonating
from ..models import SupportRun, ToopherAccount
from ..support import runs
from ..support.verbs import VERBS, Verb

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = object

Permission = Callable[[Any, HttpRequest], bool]


def state_of(account: ToopherAccount | None) -> str:
    """How somebody stands, in words."""
    if account is None:
        return _("no phone")
    if not account.enabled:
        return _("switched off")
    return _("phone paired") if account.paired else _("no phone")


class SupportActionsMixin(_ModelAdmin):
    """Gives an admin of users (or of accounts) the actions enable, disable, reset, send a reset link, refresh.

    Each needs its own permission of ``ToopherAccount``. ``second_factor`` can stand in ``list_display``.
    """

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.actions is not None:  # None switches all actions off
            self.actions = [*self.actions, *ACTIONS]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the account in the same query."""
        rows = super().get_queryset(request)
        return rows if self.model is ToopherAccount else rows.select_related("toopher_account")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """The actions need the pages of ``SupportRunAdmin`` in the same admin site."""
        found = super().check(**kwargs)
        if not self.admin_site.is_registered(SupportRun):
            hint = "Call django_toopher.admin.register(site)."
            text = f"{type(self).__name__} needs the support desk in the same admin site."
            found.append(checks.Error(text, hint=hint, obj=type(self), id="django_toopher.E100"))
        return found

    @admin.display(description=gettext_lazy("second factor"), ordering="toopher_account__paired")
    def second_factor(self, user: Any) -> str | SafeString:
        """How this user stands, with a link to the account."""
        account: ToopherAccount | None = getattr(user, "toopher_account", None)
        if account is None:
            return state_of(account)
        url = reverse("admin:django_toopher_toopheraccount_change", args=[account.pk], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, state_of(account))

    def begin_run(self, request: HttpRequest, verb: Verb, accounts: QuerySet[ToopherAccount]) -> HttpResponse:
        """Write down what is to be done; on to the page that asks, shows progress, and tells what came of it.

        A few people are done at once, where nothing has to be confirmed.
        """
        run = runs.create(verb, accounts, request.user)
        if run.confirmed and run.items.count() <= runs.AT_ONCE:
            runs.step(run, connection.api(request), request.user)
        page = reverse("admin:django_toopher_supportrun_change", args=[run.pk], current_app=self.admin_site.name)
        return redirect(f"{page}#go")


def _action(verb: Verb) -> Any:
    def act(modeladmin: SupportActionsMixin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        is_account = queryset.model is ToopherAccount
        accounts = queryset if is_account else ToopherAccount.objects.for_users(queryset)
        return modeladmin.begin_run(request, verb, accounts)

    act.__name__ = f"toopher_{verb.name.value}"
    return admin.action(description=verb.name.label, permissions=[act.__name__])(act)


def may_use(request: HttpRequest, verb: Verb) -> bool:
    """Whether this person of the admin has the permission, and acts as nobody else (SECURITY.md S11)."""
    return verb.is_allowed(request.user) and not is_impersonating(request)


def usable_verbs(request: HttpRequest) -> list[Verb]:
    """What this person of the admin may do here."""
    return [verb for verb in VERBS.values() if may_use(request, verb)]


def _permission(verb: Verb) -> Permission:
    def has_permission(modeladmin: Any, request: HttpRequest) -> bool:
        return may_use(request, verb)

    return has_permission


ACTIONS = [_action(verb) for verb in VERBS.values()]

for _verb in VERBS.values():  # what Django asks before it offers, or carries out, an action
    setattr(SupportActionsMixin, f"has_toopher_{_verb.name.value}_permission", _permission(_verb))
