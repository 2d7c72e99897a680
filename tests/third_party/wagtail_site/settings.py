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
WAGTAIL_SITE_NAME = "Rowing Club"
WAGTAILADMIN_BASE_URL = "http://localhost"
LOGIN_URL = "wagtailadmin_login"
