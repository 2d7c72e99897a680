"""Settings of the example site. Everything comes from the environment or ``.env`` beside this file; nothing has to."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

import django
import environ

HERE = Path(__file__).resolve().parent

env = environ.Env()
env.read_env(HERE / ".env")


def local_secret_key() -> str:
    """A key made once for this checkout, in a file that git ignores and nobody else may read."""
    path = HERE / ".secret-key"
    if not path.exists():
        descriptor, whole = tempfile.mkstemp(dir=HERE, prefix=".secret-key-")  # readable by its owner only
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # another worker was first: its key counts
            os.link(whole, path)
        Path(whole).unlink()
    return path.read_text()


DEBUG = env.bool("DEBUG", True)  # an example on your own machine; .env.example says what a real site sets
SECRET_KEY = env.str("SECRET_KEY", "") or local_secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{HERE / 'db.sqlite3'}")}
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_toopher",
    "django_toopher.service",
    "example_project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_toopher.middleware.ToopherMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],  # before the apps', so that django_toopher/base.html is the club's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", "") or None
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

# Mails (a phone was paired, a reset link) are printed where the server runs, until there is a mail server.
mail = {
    "host": env.str("EMAIL_HOST", ""),
    "port": env.int("EMAIL_PORT", 25),
    "username": env.str("EMAIL_USER", ""),
    "password": env.str("EMAIL_PASSWORD", ""),
    "use_tls": env.bool("EMAIL_USE_TLS", False),
    "timeout": 10,  # seconds: a mail server that hangs must not hold a worker
}
mail_backend = f"django.core.mail.backends.{'smtp' if mail['host'] else 'console'}.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": mail_backend, "OPTIONS": mail if mail["host"] else {}}}
else:
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = mail_backend, mail["host"], mail["port"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS = mail["username"], mail["password"], mail["use_tls"]
    EMAIL_TIMEOUT = mail["timeout"]

LOGIN_URL = "django_toopher:login"
LOGIN_REDIRECT_URL = "members"
LOGOUT_REDIRECT_URL = "home"

# Everybody needs the phone here, so that the first login shows how one is paired. The package's default is "optional".
TOOPHER_POLICY = env.str("TOOPHER_POLICY", "required")
TOOPHER_EMBED = env.str("TOOPHER_EMBED", "iframe")
TOOPHER_SERVICE_NAME = "Harbour Rowing Club"
TOOPHER_TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)

if env.bool("BEHIND_HTTPS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", not DEBUG)
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
