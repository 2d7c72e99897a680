"""What happened: phones, pairings, requests, automations, alarms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ...impersonation import is_impersonating
from ..models import Alarm, AuthenticationRequest, Authenticator, Automation, Pairing
from ..people import own_site
from .lists import ReadOnlyAdmin


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "created")
    search_fields = ("name",)


@admin.register(Pairing)
class PairingAdmin(ReadOnlyAdmin):
    """Who is paired with which phone."""

    list_display = ("user", "state_now", "phone", "last_used", "site", "answered")
    list_filter = ("state", "user__requester")
    list_select_related = ("user__requester", "authenticator")
    search_fields = ("user__name", "label", "authenticator__name")
    exclude = ("otp_seed",)

    @admin.display(description=_("state"), ordering="state")
    def state_now(self, row: Pairing) -> str:
        """With its clock: nothing in the table changes when the time of one that waits is over."""
        return str(_("not confirmed in time")) if row.is_late(timezone.now()) else row.get_state_display()

    @admin.display(description=_("phone"))
    def phone(self, row: Pairing) -> str:
        """What it is called; nothing before one has opened the link."""
        return row.phone_name or self.get_empty_value_display()


@admin.register(AuthenticationRequest)
class AuthenticationRequestAdmin(ReadOnlyAdmin):
    """What phones were asked, and what they answered."""

    list_display = ("created", "user", "state", "why", "action", "terminal", "address", "site")
    list_filter = ("state", "user__requester")
    list_select_related = ("user__requester", "action", "terminal")
    search_fields = ("user__name", "address")
    fields = (
        "user",
        "site",
        "action",
        "terminal",
        "address",
        "state",
        "why",
        "created",
        "answered",
        "expires",
        "pairing",
        "failures",
        "at_known",
        "withheld_until",
        "automated",
        "automation_allowed",
        "challenge_required",
        "evidence",
    )

    @admin.display(description=_("reason"), ordering="reason_code")
    def why(self, row: AuthenticationRequest) -> str:
        """Why it is not waiting any more, in words."""
        return str(row.reason_at(timezone.now()).label) or self.get_empty_value_display()


@admin.register(Automation)
class AutomationAdmin(ReadOnlyAdmin):
    """What is answered without asking. Deleting one has the phone asked again."""

    list_display = ("user", "answer", "action", "terminal", "expires", "last_used", "network", "site")
    list_filter = ("answer", "user__requester")
    list_select_related = ("user__requester", "action", "terminal")
    search_fields = ("user__name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those whom the project lets delete them, of people in their reach (SECURITY.md S44)."""
        is_allowed = request.user.has_perm("toopher_service.delete_automation") and not is_impersonating(request)
        return is_allowed and not (obj and own_site.out_of_reach([obj.user], request.user))


class SettledFilter(admin.SimpleListFilter):
    """Whether support has looked into an alarm."""

    title = _("settled")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("0", _("open")), ("1", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the time of it."""
        return queryset.filter(settled__isnull=self.value() == "0") if self.value() in {"0", "1"} else queryset


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """Sign-ins that people reported as not theirs."""

    list_display = ("created", "user", "settled", "action", "terminal", "address", "site")
    list_filter = (SettledFilter,)
    list_select_related = ("user__requester",)
    search_fields = ("user__name", "address")
    actions = ("settle",)

    @admin.action(description=_("Mark as settled"), permissions=["settle"])
    def settle(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> None:
        """Support has looked into them; not into those about people out of its reach (SECURITY.md S44)."""
        alarms = list(queryset.filter(settled=None).select_related("user__requester"))
        reasons = own_site.out_of_reach({alarm.user for alarm in alarms}, request.user)
        settled = 0
        for alarm in alarms:
            if reason := reasons.get(alarm.user_id):
                self.tell(request, reason, [alarm], messages.WARNING)
            # of two colleagues at the same moment, the first is in the log
            elif Alarm.objects.filter(pk=alarm.pk, settled=None).update(settled=timezone.now()):
                self.log_change(request, alarm, "settled")
                settled += 1
        messages.success(request, _("Settled: %d") % settled)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Those who may change alarms, which nobody does by hand."""
        return request.user.has_perm("toopher_service.change_alarm") and not is_impersonating(request)
