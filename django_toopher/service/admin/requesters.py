"""The sites that may ask phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ...impersonation import is_impersonating
from ..models import Requester
from ..people import requesters

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
