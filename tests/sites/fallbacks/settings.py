"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.sites.fallbacks.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sites", "django.contrib.flatpages", "tests.sites.fallbacks"]
MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",
    *MIDDLEWARE,
    "django.middleware.cache.FetchFromCacheMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
SITE_ID = 1
LOGIN_URL = "django_toopher:login"
TOOPHER_POLICY = "required"
