"""Settings of this site."""

import os

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS

ROOT_URLCONF = "tests.sites.without_service.urls"
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_toopher.service"]
TOOPHER_BASE_URL = os.environ["SITE_SERVICE"]
TOOPHER_CONSUMER_KEY = os.environ["SITE_KEY"]
TOOPHER_CONSUMER_SECRET = f"secret of {TOOPHER_CONSUMER_KEY}"
