"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import MIDDLEWARE

ROOT_URLCONF = "tests.sites.languages.urls"
MIDDLEWARE = [*MIDDLEWARE[:2], "django.middleware.locale.LocaleMiddleware", *MIDDLEWARE[2:]]
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = "en"
