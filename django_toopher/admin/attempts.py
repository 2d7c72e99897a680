"""Every second factor that somebody was asked for: to read, to filter, to take away as CSV."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Attempt
from ..support.reasons import reason_of
from .lists import TolerantListMixin

if TYPE_CHECKING:
    _AttemptAdmin = admin.ModelAdmin[Attempt]
else:
    _AttemptAdmin = admin.ModelAdmin

logger = logging.getLogger(__name__)

COLUMNS = (
    "created",
    "username",
    "kind",
    "action",
    "outcome",
    "reason",
    "method",
    "address",
    "browser",
    "finished",
    "request_id",
)
"""Of the export. No digest is among them (SECURITY.md S18)."""

CHUNK = 1000
"""Rows that are fetched, and sent, at once."""


class AttemptAdmin(TolerantListMixin, _AttemptAdmin):
    """To read only. Old ones are deleted by ``manage.py toopher_purge``."""

    list_display = ("created", "username", "outcome", "why", "action", "address")
    list_filter = ("outcome", "kind", "method", "created")
    search_fields = ("username", "toopher_name", "address", "action")
    date_hierarchy = "created"
    ordering = ("-created",)
    show_full_result_count = False
    fields = (
        "username",
        "toopher_name",
        "kind",
        "action",
        "outcome",
        "why",
        "method",
        "created",
        "finished",
        "expires",
        "spent",
        "terminal_name",
        "browser",
        "address",
        "request_id",
        "terminal_id",
    )
    actions = ("export_selected",)

    class Media:
        css: ClassVar = {"all": ("django_toopher/admin/support.css",)}

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, attempt: Attempt) -> str:
        return reason_of(attempt) or self.get_empty_value_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Written by the flows only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        """What happened stays."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        """What happened stays."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """And the export of all that the list shows."""
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="django_toopher_attempt_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list shows with the same query, all pages of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters as exc:
            raise Http404 from exc
        return exported(request, shown.get_queryset(request))

    @admin.action(description=_("Export the selected attempts as CSV"), permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> StreamingHttpResponse:
        return exported(request, queryset)


def exported(request: HttpRequest, attempts: QuerySet[Attempt]) -> StreamingHttpResponse:
    """The attempts as a CSV file, sent while they are read. UTF-8 with a mark, by which spreadsheets know it."""
    logger.info("attempts exported", extra={"by": request.user.pk})
    pieces = _pieces(attempts.values_list(*COLUMNS).iterator(chunk_size=CHUNK))
    headers = {"Content-Disposition": f'attachment; filename="attempts-{timezone.now():%Y-%m-%d}.csv"'}
    # under ASGI Django reads a plain iterator to its end before it sends anything
    content: Any = _asynchronous(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _pieces(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)  # some spreadsheets part cells at semicolons
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_cell(value) for value in row])
        if number % CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


async def _asynchronous(pieces: Iterator[str]) -> AsyncIterator[str]:
    while piece := await sync_to_async(_next)(pieces):
        yield piece


def _next(pieces: Iterator[str]) -> str:
    return next(pieces, "")  # a StopIteration can't pass into a coroutine


def _cell(value: Any) -> str:
    """As text that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    text = value.isoformat() if hasattr(value, "isoformat") else str("" if value is None else value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text
