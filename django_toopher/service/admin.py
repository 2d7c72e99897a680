"""What an operator sees of the service. Secrets are not among it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, QuerySet
from django.forms import SplitDateTimeField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from .models import Alarm, AuthenticationRequest, Authenticator, Automation, Pairing, Requester, User
from .people import requesters

# only django-stubs' ModelAdmin takes a parameter
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(Requester)
class RequesterAdmin(_ModelAdmin):
    """Sites that ask for approvals. A secret is shown once, when it is made."""

    list_display = ("name", "is_active", "created", "consumer_key")
    ordering = ("name",)
    list_filter = ("is_active",)
    search_fields = ("name", "consumer_key")
    fields = (
        "name",
        "origins",
        "postback_encoding",
        "is_active",
        "question_limit",
        "permitted_challenge_required",
        "permitted_sms_authentication",
        "permitted_opt_out",
        "consumer_key",
        "previous_secret_expires",
        "created",
    )
    readonly_fields = ("consumer_key", "previous_secret_expires", "created")
    actions = ("rotate_secret",)

    def has_delete_permission(self, request: HttpRequest, obj: Requester | None = None) -> bool:
        """A site is shut out, not deleted: its calls are then told so with 403, and what happened stays on record."""
        return False

    def save_model(self, request: HttpRequest, obj: Requester, form: Any, change: bool) -> None:
        """A new site gets its key and secret."""
        if not change:
            obj.consumer_key = requesters.new_key()
            self._show_once(request, obj, requesters.issue_secret(obj))
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Make a new secret; the old one works for another week"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Requester]) -> None:
        """For each site on its own; the embedded one follows ``SECRET_KEY``."""
        for requester in queryset:
            try:
                secret = requesters.rotate(requester)
            except ValidationError as error:
                self.message_user(request, f"{requester}: {error.messages[0]}", messages.ERROR)
            else:
                self._show_once(request, requester, secret)
                self.log_change(request, requester, "secret rotated")

    def _show_once(self, request: HttpRequest, requester: Requester, secret: str) -> None:
        text = _("%(site)s: note these now, the secret is not shown again. Key %(key)s, secret %(secret)s")
        facts = {"site": requester.name, "key": requester.consumer_key, "secret": secret}
        self.message_user(request, text % facts, messages.WARNING)


class LongListAdmin(_ModelAdmin):
    """A table that grows with the site: nothing counts all its rows, and what a line shows comes with it.

    Rows are not deleted here: what refers to them would go too. ``manage.py toopher_service_purge`` cleans up.
    """

    show_full_result_count = False
    list_per_page = 50
    ordering = ("-created",)

    class Media:
        """Room for reasons, and none for texts without spaces to run out of the page."""

        css: ClassVar = {"all": ("toopher_service/admin.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not by hand."""
        return False


class ReadOnlyAdmin(LongListAdmin):
    """To look at."""

    @admin.display(description=_("requester"))
    def site(self, row: Any) -> str:
        """Whose user it is: two sites may each have an alice."""
        return str(row.user.requester)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not by hand."""
        return False


class NamedDateTime(AdminSplitDateTime):
    """Django's own, whose two fields have no label that a screen reader could find."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With their names told."""
        context = super().get_context(name, value, attrs)
        for part, label in zip(context["widget"]["subwidgets"], ("date_label", "time_label"), strict=True):
            part["attrs"]["aria-label"] = context[label]
        return context


@admin.register(User)
class UserAdmin(LongListAdmin):
    """Users of all requesters. A wait after wrong numbers, or after a report, can be lifted here."""

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
    readonly_fields = ("requester", "name", "created", "lifted", "computers")
    formfield_overrides: ClassVar = {
        DateTimeField: {"form_class": SplitDateTimeField, "widget": NamedDateTime},
    }

    @admin.display(description=_("failures at known computers"))
    def computers(self, row: User) -> str:
        """Each counts for itself (SECURITY.md S45); those where something was wrong since the last success."""
        failed = row.terminals.exclude(failures=0).order_by("-failures")[:20]
        lines = [(each.name, each.failures, each.blocked_until or "") for each in failed]
        return format_html_join(mark_safe("<br>"), "{}: {} {}", lines) or self.get_empty_value_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Users come from their site."""
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "created")
    search_fields = ("name",)


@admin.register(Pairing)
class PairingAdmin(ReadOnlyAdmin):
    """Who is paired with which phone."""

    list_display = ("user", "state", "phone", "last_used", "site", "answered")
    list_filter = ("state", "user__requester")
    list_select_related = ("user__requester", "authenticator")
    search_fields = ("user__name", "label", "authenticator__name")
    exclude = ("otp_seed",)

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
        """Those whom the project lets delete them."""
        return bool(request.user.has_perm("toopher_service.delete_automation"))


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
        """Support has looked into them."""
        count = queryset.filter(settled=None).update(settled=timezone.now())
        messages.success(request, _("Settled: %d") % count)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Those who may change alarms, which nobody does by hand."""
        return request.user.has_perm("toopher_service.change_alarm")
