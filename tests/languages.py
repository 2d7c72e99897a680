"""The languages that both apps' texts come in beside English: the folders of the first app's catalogs say it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "django_toopher"
APPS = {"app": PACKAGE, "service": PACKAGE / "service"}


def languages_of(app: str) -> list[str]:
    """The languages that an app has catalogs for."""
    return sorted(path.name for path in (APPS[app] / "locale").iterdir())


LANGUAGES = languages_of("app")
