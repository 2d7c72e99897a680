"""The users of all sites, and what support does to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME as CHOSEN
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from ...impersonation import is_impersonating
from ..models import User, digest
from ..people import own_site
from ..people.verbs import VERBS, Verb, carry_out, standing
from .lists import ReadOnlyAdmin


def _usable_verbs(request: HttpRequest) -> list[Verb]:
    """What this person of the admin may do here; whoever acts as somebody else, nothing (SECURITY.md S11)."""
    return [] if is_impersonating(request) else [verb for verb in VERBS.values() if verb.is_allowed(request.user)]


MOST = 100
"""Users with whom something is done at once."""


def _action(verb: Verb) -> Any:
    def act(modeladmin: UserAdmin, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return modeladmin.act(request, verb, queryset)

    act.__name__ = verb.name
    return admin.action(description=verb.label, permissions=[verb.name])(act)  # type: ignore[arg-type]  # lazy, as Django takes it


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Users of all requesters, to look at; each verb has its permission, asks where that is due, and is logged.

    Those of this project's own site are the app's matter, where ranks count (SECURITY.md S44).
    """

    list_display = (
        "name",
        "requester",
        "toopher_authentication_enabled",
        "blocked_until",
        "reported_until",
        "failures",
    )
    ordering = ("name",)
    fields = (
        "requester",
        "name",
        "created",
        "email",
        "toopher_authentication_enabled",
        "failures",
        "blocked_until",
        "reported_until",
        "lifted",
        "computers",
    )
    list_filter = ("requester", "toopher_authentication_enabled")
    list_select_related = ("requester",)
    search_fields = ("name", "email")
    actions = tuple(_action(verb) for verb in VERBS.values())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """403 for a verb without its permission, and not a list that looks as if nothing had been asked for."""
        verb = VERBS.get(request.POST.get("action", ""))
        if verb and verb not in _usable_verbs(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: User | None = None,
    ) -> HttpResponse:
        """With the verbs, or of the own site's user a link to where the app has them."""
        if obj is not None and obj.requester.is_own_site:
            context |= {"is_own_site": True, "account_url": self._account_url(request, obj)}
        elif obj is not None:
            context["verbs"] = _usable_verbs(request)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _account_url(self, request: HttpRequest, user: User) -> str:
        """The app's page of this person; blank where there is none, or none that this person of the admin may see."""
        account = own_site.accounts([user]).get(user.pk)
        if account is None or not request.user.has_perm("django_toopher.view_toopheraccount"):
            return ""
        name = "admin:django_toopher_toopheraccount_change"
        with suppress(NoReverseMatch):  # the app can be in another admin site
            return reverse(name, args=[account.pk], current_app=self.admin_site.name)
        return ""

    def act(self, request: HttpRequest, verb: Verb, queryset: QuerySet[User]) -> HttpResponse | None:
        """Do it, to those who are there and no users of the own site. Ask first, unless that was answered just so."""
        chosen = list(queryset.select_related("requester")[: MOST + 1])
        if len(chosen) > MOST:
            self.message_user(request, _("Choose at most %d people at a time.") % MOST, messages.ERROR)
            return None
        users = [user for user in chosen if not user.requester.is_own_site]
        gone = 0 if request.POST.get("select_across") == "1" else len({*request.POST.getlist(CHOSEN)}) - len(chosen)
        if gone > 0:
            self.message_user(request, _("Not there any more: %d of those who were chosen") % gone, messages.WARNING)
        own = [user for user in chosen if user not in users]
        self.tell(request, _("Users of this very site: use their page under Toopher accounts"), own, messages.WARNING)
        if verb.question and users:
            people = [(user, standing(user)) for user in users]
            seen = digest(repr([(user.pk, lines) for user, lines in people]))
            if request.POST.get("seen") != seen:
                return self._ask(request, verb, people, seen)
        done = [user for user in users if carry_out(verb, user, partial(self._log, request, verb, user))]
        self.tell(request, verb.done, done)
        self.tell(request, verb.unneeded, [user for user in users if user not in done], messages.WARNING)
        return None

    def _log(self, request: HttpRequest, verb: Verb, user: User) -> None:
        self.log_change(request, user, str(verb.done))

    def _ask(self, request: HttpRequest, verb: Verb, people: list[tuple[User, list[str]]], seen: str) -> HttpResponse:
        """The page that names the people and how they stand. What is shown is what a yes is taken for."""
        if "seen" in request.POST:
            text = _("Nothing was done: something has changed since this was asked. Look again.")
            self.message_user(request, text, messages.WARNING)
        context = {
            **self.admin_site.each_context(request),
            "title": verb.label,
            "opts": self.opts,
            "media": self.media,
            "verb": verb,
            "people": people,
            "seen": seen,
        }
        return TemplateResponse(request, "admin/toopher_service/user/confirm.html", context)

    @admin.display(description=_("failures at known computers"))
    def computers(self, row: User) -> str:
        """Each counts for itself (SECURITY.md S45); those where something was wrong since the last success."""
        failed = row.terminals.exclude(failures=0).order_by("-failures")[:20]
        lines = [(each.name, each.failures, each.blocked_until or "") for each in failed]
        return format_html_join(mark_safe("<br>"), "{}: {} {}", lines) or self.get_empty_value_display()


def _permission(verb: Verb) -> Callable[[Any, HttpRequest], bool]:
    def has_permission(modeladmin: Any, request: HttpRequest) -> bool:
        return verb in _usable_verbs(request)

    return has_permission


for _verb in VERBS.values():  # what Django asks before it offers, or carries out, an action
    setattr(UserAdmin, f"has_{_verb.name}_permission", _permission(_verb))
