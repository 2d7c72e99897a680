"""Settings read with their types: what the ``conf`` of both apps is made of, and the checks of it.

A value that can't be meant raises ``ImproperlyConfigured`` naming the setting. Nothing is kept between two reads, so
``override_settings`` just works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

Limits = TypeVar("Limits")

_HINT = "See the table of settings in the README."


def text(name: str) -> str | None:
    """A text; ``None`` where it is not set, or blank. The value is not shown: it may be a secret."""
    value = getattr(settings, name, None)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.strip():
        raise ImproperlyConfigured(f"{name} must be a text or None.")
    return value


def text_that_begins(name: str, *starts: str) -> str | None:
    """A text that begins with one of these, such as an address."""
    value = text(name)
    if value is not None and not value.startswith(starts):
        raise ImproperlyConfigured(f"{name} must begin with {' or '.join(starts)}, not {value!r}.")
    return value


def flag(name: str, default: bool) -> bool:
    """``True`` or ``False``, and nothing that is only taken for one."""
    value = getattr(settings, name, default)
    if not isinstance(value, bool):
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    return value


def natural(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number from ``least`` to ``most``."""
    return checked_natural(name, getattr(settings, name, default), least=least, most=most)


def checked_natural(what: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """``value`` when it is a whole number within these bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ImproperlyConfigured(f"{what} must be a whole number, {least} or more, not {value!r}.")
    if most is not None and value > most:
        raise ImproperlyConfigured(f"{what} must be {most} or less, not {value!r}.")
    return value


def limits(name: str, kind: type[Limits], least: Mapping[str, int] | None = None) -> Limits:
    """The dataclass of an app's limits: a dict in the settings overrides those that it names.

    Each is 1 or more, or what ``least`` says of it.
    """
    given = getattr(settings, name, {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"{name} must be a dict, not {given!r}.")
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # which is a dataclass
    for key, value in given.items():
        if key not in known:
            raise ImproperlyConfigured(f"{name} has {key!r}, which is no limit. There are: {', '.join(known)}.")
        checked_natural(f"{name}[{key!r}]", value, least=(least or {}).get(key, 1))
    return kind(**given)


class Settings:
    """The settings of an app: one property each, named as the setting. Those here are of both apps."""

    @property
    def TOOPHER_TRUSTED_PROXIES(self) -> int:
        """How many proxies in front append to ``X-Forwarded-For``; 0 believes the socket only."""
        return natural("TOOPHER_TRUSTED_PROXIES", 0)

    @classmethod
    def names(cls) -> list[str]:
        """All of them."""
        return [name for name in dir(cls) if isinstance(getattr(cls, name), property)]

    def faults(self) -> Iterator[str]:
        """What is wrong with the values."""
        for name in self.names():
            try:
                getattr(self, name)
            except ImproperlyConfigured as error:
                yield str(error)


def check_values(conf: Settings, permanent_id: str) -> list[CheckMessage]:
    """An error for each value that can't be used."""
    return [checks.Error(fault, hint=_HINT, id=permanent_id) for fault in conf.faults()]


def check_names(conf: Settings, is_ours: Callable[[str], bool], permanent_id: str) -> list[CheckMessage]:
    """A warning for each name that is no setting, with the one that may be meant."""
    known = {_own_part(name): name for name in conf.names()}
    found: list[CheckMessage] = []
    for name in sorted(name for name in dir(settings) if is_ours(name) and name not in known.values()):
        nearest: list[Any] = get_close_matches(_own_part(name), known, n=1)
        hint = f"Did you mean {known[nearest[0]]}?" if nearest else _HINT
        found.append(checks.Warning(f"{name} is no setting of django_toopher.", hint=hint, id=permanent_id))
    return found


def _own_part(name: str) -> str:
    """Without what all names begin with, which would make any two of them alike."""
    return name.removeprefix("TOOPHER_").removeprefix("SERVICE_")
