"""Lists that answer a query nobody can answer with Django's own page for it, and not with an error of the server."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.http import HttpRequest


class TolerantChangeList(ChangeList):
    """Years that no calendar has and text that no database stores are wrong parameters too, as a wrong filter is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except (OverflowError, ValueError, DataError) as exc:
            raise IncorrectLookupParameters(*exc.args) from exc


class TolerantListMixin:
    """For a model admin."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TolerantChangeList
