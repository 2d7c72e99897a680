"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403

ROOT_URLCONF = "tests.sites.prefix.urls"
FORCE_SCRIPT_NAME = "/club"
STATIC_URL = "static/"
LOGIN_REDIRECT_URL = "/club/members/"
