"""Settings of this site."""

from tests.sites.startproject import *  # noqa: F403
from tests.sites.startproject import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.sites.allauth_site.urls"
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.dummy",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
SOCIALACCOUNT_LOGIN_ON_GET = True
LOGIN_URL = "account_login"
