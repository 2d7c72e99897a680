"""Who has a second factor, how it stands here and at the service, and support's switches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import localize
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from .. import connection
from ..client import ToopherApi, ToopherApiError
from ..models import Attempt, ToopherAccount
from ..service_link import lookups
from ..session.computer import name_of
from ..support.reasons import reason_of
from ..support.verbs import VERBS
from .actions import SupportActionsMixin, may_use, state_of, usable_verbs
from .lists import TolerantListMixin

if TYPE_CHECKING:
    _AccountAdmin = admin.ModelAdmin[ToopherAccount]
else:
    _AccountAdmin = admin.ModelAdmin

RECENT = 20
"""Attempts on a person's page."""


class LastUseFilter(admin.SimpleListFilter):
    """When a second factor was last granted."""

    title = _("last use")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Spans of time that support asks about."""
        return [
            ("30", _("within 30 days")),
            ("90", _("within 90 days")),
            ("old", _("longer ago")),
            ("never", _("never")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By ``used``, which ``with_last_use`` has put there."""
        value, now = self.value(), timezone.now()
        if value in {"30", "90"}:
            return queryset.filter(used__gte=now - timedelta(days=int(value)))
        if value == "old":
            return queryset.filter(used__lt=now - timedelta(days=90))
        return queryset.filter(used=None) if value == "never" else queryset


class UserFilter(admin.SimpleListFilter):
    """Whether the person is still here."""

    title = _("user")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Those who are, and those who are not."""
        return [("0", _("still here")), ("1", _("deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the user that an account keeps."""
        return queryset.filter(user__isnull=self.value() == "1") if self.value() in {"0", "1"} else queryset


class ToopherAccountAdmin(TolerantListMixin, SupportActionsMixin, _AccountAdmin):
    """Accounts are made by the login flow and changed by support's verbs, never edited by hand."""

    list_display = ("person", "state", "device", "last_used", "name")
    list_filter = ("enabled", "paired", LastUseFilter, UserFilter)
    list_select_related = ("user",)
    ordering = ("name",)
    fields = (
        "user",
        "name",
        "state",
        "device",
        "last_used",
        "created",
        "failures",
        "blocked_until",
        "toopher_user_id",
        "pairing_id",
    )
    readonly_fields = fields

    def get_form(
        self, request: HttpRequest, obj: ToopherAccount | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """What is said of the user only where there is none any more."""
        texts: dict[str, Any] = {"device": _("Its name, when the service was last asked.")}
        if obj is None or obj.user_id:
            texts["user"] = ""
        return super().get_form(request, obj, change, **{"help_texts": texts, **kwargs})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToopherAccount]:
        """With the last use of each, in the same query."""
        return ToopherAccount.objects.with_last_use().order_by(*self.ordering)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Names here and at the service, e-mail, ids: whatever the site's user model calls them."""
        user_model: Any = get_user_model()
        fields = ["name", "device", "pairing_id", "toopher_user_id", f"user__{user_model.USERNAME_FIELD}"]
        email = user_model.get_email_field_name()  # Django says "email" where there is none
        try:
            user_model._meta.get_field(email)
        except FieldDoesNotExist:
            return fields
        return [*fields, f"user__{email}"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ToopherAccount | None = None) -> bool:
        """Never by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ToopherAccount | None = None) -> bool:
        """Never by hand: without the account, a user counts as never paired. Disable it instead."""
        return False

    @admin.display(description=_("person"), ordering="name")
    def person(self, account: ToopherAccount) -> str:
        """Who it is here; of somebody who was deleted, what is left."""
        return str(account.user or gettext("%(name)s (deleted)") % {"name": account.name})

    @admin.display(description=_("state"), ordering="paired")
    def state(self, account: ToopherAccount) -> str:
        return state_of(account)

    @admin.display(description=_("last used"), ordering="used")
    def last_used(self, account: Any) -> Any:
        """When a second factor of this person was last granted."""
        used = account.used
        if used is None:
            return self.get_empty_value_display()
        return localize(timezone.localtime(used) if timezone.is_aware(used) else used)

    def get_urls(self) -> list[URLPattern]:
        """And the buttons of a person's page."""
        view = self.admin_site.admin_view(self.support_view)
        return [path("<int:pk>/support/", view, name="django_toopher_support"), *super().get_urls()]

    @method_decorator(require_POST)
    def support_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One of the verbs, for one person; 403 without its permission (SECURITY.md S16)."""
        verb = VERBS.get(request.POST.get("verb", ""))
        accounts = self.get_queryset(request).filter(pk=pk)
        if verb is None or not accounts.exists():
            raise Http404
        if not (may_use(request, verb) and self.has_view_permission(request)):
            raise PermissionDenied
        return self.begin_run(request, verb, accounts)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The person's page: what we know, what the service says now, recent attempts."""
        account = self.get_object(request, object_id)
        if account is not None and self.has_view_permission(request, account):
            extra_context = {**(extra_context or {}), **self._context(request, account)}
        return super().change_view(request, object_id, form_url, extra_context)

    def _context(self, request: HttpRequest, account: ToopherAccount) -> dict[str, Any]:
        may_see = request.user.has_perm("django_toopher.view_attempt")
        return {
            "live": live(account, connection.api(request)),
            "verbs": usable_verbs(request),
            "attempts": recent(account) if may_see else [],
            "support_url": reverse("admin:django_toopher_support", args=[account.pk], current_app=self.admin_site.name),
        }


def recent(account: ToopherAccount) -> list[Attempt]:
    """The person's newest attempts, each with ``why`` and ``place``, in words."""
    # exclude: of a deleted user, None would find the attempts of all who were deleted
    attempts = list(Attempt.objects.filter(user=account.user_id).exclude(user=None).order_by("-created")[:RECENT])
    for attempt in attempts:
        attempt.why = reason_of(attempt)  # type: ignore[attr-defined]
        attempt.place = attempt.terminal_name or (name_of(attempt.browser) if attempt.browser else "")  # type: ignore[attr-defined]
    return attempts


def live(account: ToopherAccount, api: ToopherApi) -> dict[str, Any]:
    """What the service says of a person at this moment; ``error`` where it does not answer (any more)."""
    told: dict[str, Any] = {}
    try:
        user = lookups.find_user(account, api)
        told["user"] = user
        if user is not None:
            told["phones"] = lookups.phones(api, user.id)
            told["automations"] = lookups.automations(api, user.id)
            told["computers"] = lookups.computers(api, user.id)
            told["waits"] = lookups.waits(api, user.id)
    except ToopherApiError as error:
        told["error"] = str(error)
    return told
