"""Settings of this site."""

import os
import secrets

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.third_party.defender_site.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "defender"]
MIDDLEWARE = [*MIDDLEWARE, "defender.middleware.FailedLoginMiddleware"]
DEFENDER_REDIS_URL = f"{os.environ.get('REDIS_URL', 'redis://127.0.0.1:6379')}/2"
DEFENDER_CACHE_PREFIX = f"defender-{secrets.token_hex(4)}"  # other runs count theirs
DEFENDER_LOGIN_FAILURE_LIMIT = 3
DEFENDER_DISABLE_IP_LOCKOUT = True  # everybody here has the same address
DEFENDER_COOLOFF_TIME = 60
