"""Support's runs, begun and confirmed, how they ended, and what the service knows of a person."""

from __future__ import annotations

from django.utils import timezone

from django_toopher.service.models import User
from django_toopher.support import runs, verbs


def begun(verb, accounts, by=None):
    run = runs.create(verbs.VERBS[verb], accounts, by)
    run.confirm(timezone.now())
    return run


def outcomes(run) -> list[tuple[str, str]]:
    return [*run.items.order_by("pk").values_list("outcome", "reason")]


def there(name: str) -> User:
    return User.objects.get(name=name)
