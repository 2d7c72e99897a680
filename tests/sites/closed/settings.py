"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import MIDDLEWARE

ROOT_URLCONF = "tests.sites.closed.urls"
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
