"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.third_party.acting_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "hijack", "impersonate"]
MIDDLEWARE = [
    *MIDDLEWARE,
    "hijack.middleware.HijackUserMiddleware",
    "impersonate.middleware.ImpersonateMiddleware",
]
LOGOUT_REDIRECT_URL = "/members/"
