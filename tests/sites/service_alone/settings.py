"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.sites.service_alone.urls"
INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("django_toopher")] + ["django_toopher.service"]


MIDDLEWARE = [each for each in MIDDLEWARE if "toopher" not in each]


def prepare():
    """Register the two sites."""
    from django_toopher.service.models import Requester

    for key in ("north", "south"):
        Requester.objects.create(
            consumer_key=key,
            consumer_secret=f"secret of {key}",
            name=f"Club {key}",
            origins="http://127.0.0.1 http://localhost",
        )
