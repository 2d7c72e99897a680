"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS

ROOT_URLCONF = "tests.third_party.wagtail_site.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "wagtail.users",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.sites",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
]
_MODELS = ("admin", "core", "docs", "images", "search", "sites", "users")
MIGRATION_MODULES = {f"wagtail{each}": None for each in _MODELS}  # there are hundreds, and the tables are enough
WAGTAIL_SITE_NAME = "Rowing Club"
WAGTAILADMIN_BASE_URL = "http://localhost"
LOGIN_URL = "wagtailadmin_login"


def prepare() -> None:
    """What Wagtail's migrations would have left."""
    from wagtail.models import Locale, Page

    Locale.objects.create(language_code="en")
    Page.add_root(title="Root", slug="root")
