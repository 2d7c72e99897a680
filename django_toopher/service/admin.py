"""What an operator sees of the service. Secrets are not among it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME as CHOSEN
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from ..impersonation import is_impersonating
from .models import Alarm, AuthenticationRequest, Authenticator, Automation, Pairing, Requester, User, digest
from .people import own_site, requesters
from .people.verbs import VERBS, Verb, carry_out, standing

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
        "shows_number",
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

    def has_change_permission(self, request: HttpRequest, obj: Requester | None = None) -> bool:
        """This project's own site decides over superusers, too: whether they may opt out, who may frame their pages."""
        is_own = obj is not None and obj.is_own_site
        may = super().has_change_permission(request, obj) and not is_impersonating(request)
        return may and (request.user.is_superuser or not is_own)

    def save_model(self, request: HttpRequest, obj: Requester, form: Any, change: bool) -> None:
        """A new site gets its key and secret."""
        if not change:
            obj.consumer_key = requesters.new_key()
            self._show_once(request, obj, requesters.issue_secret(obj))
        super().save_model(request, obj, form, change)
        if not obj.shows_number and "shows_number" in form.changed_data:
            self.message_user(request, requesters.TAP_WARNING % obj, messages.WARNING)

    @admin.action(description=_("Make a new secret; the old one works for another week"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Requester]) -> None:
        """For each site on its own; the embedded one follows ``SECRET_KEY``."""
        for requester in queryset:
            if not self.has_change_permission(request, requester):
                text = _("%s: of this very site, which only a superuser changes") % requester
                self.message_user(request, text, messages.ERROR)
                continue
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

    def response_action(self, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """What can be nobody's primary key is a bad request, and no fault of ours."""
        try:
            return super().response_action(*args, **kwargs)
        except ValidationError as error:
            raise BadRequest from error

    def tell(
        self, request: HttpRequest, text: str | Promise, rows: Iterable[Any], level: int = messages.SUCCESS
    ) -> None:
        """A message with the names of whom it is true; none where it is true of nobody."""
        if names := ", ".join(map(str, rows)):
            self.message_user(request, f"{text}: {names}", level)


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


def _usable_verbs(request: HttpRequest) -> list[Verb]:
    """What this person of the admin may do here; whoever acts as somebody else, nothing (SECURITY.md S11)."""
    return [] if is_impersonating(request) else [verb for verb in VERBS.values() if verb.is_allowed(request.user)]


MOST = 100
"""Users with whom something is done at once."""


def _action(verb: Verb) -> Any:
    def act(modeladmin: UserAdmin, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return modeladmin.act(request, verb, queryset)

    act.__name__ = verb.name
    return admin.action(description=verb.label)(act)  # type: ignore[arg-type]  # lazy, as Django takes it


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

    def get_actions(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Without those that are not allowed."""
        hidden = {*VERBS} - {verb.name for verb in _usable_verbs(request)}
        actions = super().get_actions(request, *args, **kwargs)
        return {name: each for name, each in actions.items() if name not in hidden}

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
