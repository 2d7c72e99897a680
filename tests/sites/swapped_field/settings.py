"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS

ROOT_URLCONF = "tests.sites.swapped_field.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.sites.swapped_field"]
AUTH_USER_MODEL = "swapped_field.Member"
SITE_NAMES = "{}4711"
