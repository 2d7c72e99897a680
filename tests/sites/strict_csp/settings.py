"""Settings of this site."""

from django.utils.csp import CSP

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import MIDDLEWARE

ROOT_URLCONF = "tests.sites.strict_csp.urls"
MIDDLEWARE = ["django.middleware.csp.ContentSecurityPolicyMiddleware", *MIDDLEWARE]
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "frame-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
}
