"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403

ROOT_URLCONF = "tests.sites.own_login.urls"
LOGIN_URL = "sign-in"
