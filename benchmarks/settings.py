"""Settings of the benchmark: the test project, with connections that stay open, as a site under load has them."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

ROOT_URLCONF = "benchmarks.urls"
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "OPTIONS": {}}  # a commit waits for the disk, as everywhere

# One machine asks few people very often here; the limits are counted all the same.
TOOPHER_SERVICE_LIMITS = {"requests": 10**6, "unanswered": 10**6, "polls": 10**6}
