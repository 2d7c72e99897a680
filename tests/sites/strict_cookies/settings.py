"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403

ROOT_URLCONF = "tests.sites.strict_cookies.urls"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
