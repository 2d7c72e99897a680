"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS

ROOT_URLCONF = "tests.sites.email_names.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.sites.email_names"]
AUTH_USER_MODEL = "email_names.Member"
SITE_NAMES = "Person.{}+Club@example.com"
