"""Encrypts what is stored anew, so that an old ``SECRET_KEY`` can go (SECURITY.md S34)."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from ...encryption import EncryptedJSONField, EncryptedTextField, encrypt_anew

CHUNK = 500
"""Rows that are read at once."""


def rekey() -> Iterator[tuple[str, int]]:
    """Field by field: its name, and how many values were encrypted with another key than the current one.

    Safe while the service runs, and when it is stopped half way: each value is replaced by itself, and only where it is
    still the one that was read. A value that no key opens is an ``ImproperlyConfigured``, and stays.
    """
    for model in apps.get_app_config("toopher_service").get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField | EncryptedJSONField):
                yield f"{model._meta.label}.{field.name}", _rekey(model, field.name)


def _rekey(model: type[models.Model], name: str) -> int:
    stored = models.ExpressionWrapper(models.F(name), output_field=models.TextField())  # as it is, not decrypted
    rows = model._default_manager.annotate(_stored=stored).order_by("pk").values_list("pk", "_stored")
    count, last = 0, None
    while chunk := list((rows.filter(pk__gt=last) if last is not None else rows)[:CHUNK]):
        for pk, token in chunk:
            if token and (news := encrypt_anew(token)) != token:
                same = model._default_manager.filter(pk=pk, **{name: _raw(token)})
                count += same.update(**{name: _raw(news)})
        last = chunk[-1][0]
    return count


def _raw(token: str) -> models.Value:
    return models.Value(token, output_field=models.TextField())
