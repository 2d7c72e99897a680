"""Says plainly that the database is not migrated, instead of a traceback about a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection


def is_migrated() -> bool:
    """Whether this app's tables are there."""
    tables = {model._meta.db_table for model in apps.get_app_config("django_toopher").get_models()}
    try:
        return tables <= set(connection.introspection.table_names())
    except DatabaseError:  # in a broken transaction nothing can be asked
        return True


def needs_tables(view: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a view's ``DatabaseError`` into ``ImproperlyConfigured`` with the remedy, where tables are missing."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except DatabaseError as exc:
            if is_migrated():
                raise
            raise ImproperlyConfigured("The tables of django_toopher are missing. Run: manage.py migrate") from exc

    return wrapped
