"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS

ROOT_URLCONF = "tests.third_party.rest_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "rest_framework.authtoken", "dj_rest_auth"]
TOOPHER_POLICY = "staff"  # chiefs, that is
