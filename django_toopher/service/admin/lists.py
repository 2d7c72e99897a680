"""Lists that grow with the site, to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# only django-stubs' ModelAdmin takes a parameter
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


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
