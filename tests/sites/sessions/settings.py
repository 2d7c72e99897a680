"""Settings of this site."""

import os

from tests.sites.startproject import *  # noqa: F403

ROOT_URLCONF = "tests.sites.sessions.urls"
SESSION_ENGINE = os.environ["SITE_SESSIONS"]
