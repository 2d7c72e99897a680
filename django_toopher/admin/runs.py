"""What support does to many people: asks first, shows how far it is, tells what came of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import connection
from ..models import SupportItem, SupportRun
from ..support import runs
from ..support.verbs import email_of
from .actions import may_use, usable_verbs
from .lists import TolerantListMixin

if TYPE_CHECKING:
    _RunAdmin = admin.ModelAdmin[SupportRun]
else:
    _RunAdmin = admin.ModelAdmin

PAGE = 1000
"""People on one page."""

Outcome = SupportItem.Outcome


class SupportRunAdmin(TolerantListMixin, _RunAdmin):
    """Runs. Somebody sees, confirms and carries on those whose verb they may use (SECURITY.md S16)."""

    list_display = ("created", "verb", "state", "done", "skipped", "failed", "by_name")
    list_filter = ("verb", "created")
    search_fields = ("by_name",)
    ordering = ("-created",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupportRun]:
        """With how many people have which outcome, in the same query."""
        each = {f"_{name}": Count("items", filter=Q(items__outcome=name)) for name in Outcome.values}
        allowed = [verb.name for verb in usable_verbs(request)]
        return super().get_queryset(request).filter(verb__in=allowed).annotate(**each)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """To whom some verb is allowed."""
        return bool(usable_verbs(request))

    def has_view_permission(self, request: HttpRequest, obj: SupportRun | None = None) -> bool:
        """To whom its verb is allowed."""
        return may_use(request, runs.verb_of(obj)) if obj else self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Begun by an action, never here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: SupportRun | None = None) -> bool:
        """Not by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SupportRun | None = None) -> bool:
        """What happened stays; ``manage.py toopher_purge`` deletes old ones."""
        return False

    @admin.display(description=gettext_lazy("state"))
    def state(self, run: Any) -> str:
        if not run.confirmed:
            return _("not confirmed")
        return _("%(count)d waiting") % {"count": run._pending} if run._pending else _("finished")

    @admin.display(description=gettext_lazy("done"), ordering="_done")
    def done(self, run: Any) -> int:
        return int(run._done)

    @admin.display(description=gettext_lazy("skipped"), ordering="_skipped")
    def skipped(self, run: Any) -> int:
        """How many were left alone."""
        return int(run._skipped)

    @admin.display(description=gettext_lazy("failed"), ordering="_failed")
    def failed(self, run: Any) -> int:
        """For how many it failed."""
        return int(run._failed)

    @method_decorator(transaction.non_atomic_requests)  # what is done is kept, whatever happens afterwards
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The run's page, and its buttons."""
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404
        if request.method == "POST":
            return self._press(request, run)
        return TemplateResponse(request, "admin/django_toopher/supportrun/run.html", self._context(request, run))

    def _press(self, request: HttpRequest, run: SupportRun) -> HttpResponse:
        """One of the page's buttons; the page's script presses ``step`` and wants JSON."""
        pressed = request.POST.get("press")
        if pressed == "discard":
            if run.discard():
                return redirect(self._url("changelist"))
            messages.warning(request, _("Too late: it was confirmed before, on another page."))
        elif pressed == "confirm":
            run.confirm(timezone.now())
        elif pressed == "retry":
            runs.retry(run)
        elif pressed == "step":
            settled = runs.step(run, connection.api(request), request.user)
            if request.headers.get("Accept") == "application/json":
                return JsonResponse({**runs.counts(run), "settled": settled})
        else:
            return HttpResponseBadRequest(_("This page has no such button."))
        return redirect(f"{self._url('change', run.pk)}#go")

    def _url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:django_toopher_supportrun_{page}", args=args, current_app=self.admin_site.name)

    def _context(self, request: HttpRequest, run: SupportRun) -> dict[str, Any]:
        counts = runs.counts(run)
        shown = request.GET.get("outcome", "")
        items = run.items.select_related("account__user").order_by("pk")
        if shown in Outcome.values:
            items = items.filter(outcome=shown)
        page = Paginator(items, PAGE).get_page(request.GET.get("page"))
        for item in page:
            item.why, item.email = runs.explain(item), email_of(item.account.user)  # type: ignore[attr-defined]
        return {
            **self.admin_site.each_context(request),
            "title": run.get_verb_display(),
            "opts": self.opts,
            "run": run,
            "verb": runs.verb_of(run),
            "counts": counts,
            "settled": counts["total"] - counts["pending"],
            "tabs": [(outcome, outcome.label, counts[outcome.value]) for outcome in Outcome if counts[outcome.value]],
            "shown": shown,
            "page": page,
        }
