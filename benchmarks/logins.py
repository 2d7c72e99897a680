"""A whole login beside plain Django, django-otp, django-two-factor-auth and django-allauth's MFA.

``python -m benchmarks.logins`` runs each in a process of its own, with Django's test client and SQLite in memory, and
prints requests, queries, CPU time as a ratio to plain Django's login in the same run, and the queries that a protected
page costs. See README.rst beside this file for what has to be installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from statistics import median
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

LOGINS = 30
PASSWORD = {"username": "alice", "password": "password"}
BASE_APPS = ["auth", "contenttypes", "sessions", "messages", "staticfiles"]
BASE_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]


def main() -> None:
    """Each contender in a process of its own; plain Django first and last, so that a drift shows."""
    rows = []
    for name in [*CONTENDERS, "plain Django"]:
        command = [sys.executable, "-m", "benchmarks.logins", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr}")
        rows.append((name, json.loads(done.stdout)))
    plain = rows[0][1]["milliseconds"]
    say(f"{'':42} requests  queries  CPU ms  ratio  queries of a protected page")
    for name, row in rows:
        ratio = row["milliseconds"] / plain
        say(
            f"{name:42} {row['requests']:8} {row['queries']:8} {row['milliseconds']:7.1f} {ratio:6.2f} {row['page']:3}"
            f"  (added: {row['page'] - rows[0][1]['page']})"
        )
        if "inside" in row:
            say(f"{'  of these the iframe and the phone':42} {row['inside'][0]:8} {row['inside'][1]:8}")


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Meter:
    """Counts what browsers (``django.test.Client``) and phones do; below /toopher/ once more apart."""

    def __init__(self) -> None:
        from django.test import Client

        from django_toopher.in_process import InProcessAdapter

        self.is_on = False
        self.totals: list[tuple[int, int, float]] = []
        self.inside: list[tuple[int, int]] = []
        request, send = Client.request, InProcessAdapter.send

        def requested(client: Any, **environ: Any) -> Any:
            return self._metered(lambda: request(client, **environ), environ.get("PATH_INFO", ""))

        def sent(adapter: Any, prepared: Any, *args: Any, **kwargs: Any) -> Any:
            return self._metered(lambda: send(adapter, prepared, *args, **kwargs), urlsplit(prepared.url).path)

        Client.request = requested  # type: ignore[method-assign]
        InProcessAdapter.send = sent  # type: ignore[method-assign]

    def _metered(self, call: Callable[[], Any], path: str) -> Any:
        """What a site asks the service within a request is part of that."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        if not self.is_on:
            return call()
        self.is_on = False
        with CaptureQueriesContext(connection) as captured:
            began = time.process_time()
            response = call()
            self.took += time.process_time() - began
        self.is_on = True
        queries = len([q for q in captured.captured_queries if not q["sql"].startswith(CONTROL)])
        self.count += 1
        self.queries += queries
        if path.startswith("/toopher/"):
            self.inner += 1
            self.inner_queries += queries
        return response

    @contextmanager
    def login(self) -> Any:
        """What happens within counts as one login."""
        self.took, self.count, self.queries, self.inner, self.inner_queries = 0.0, 0, 0, 0, 0
        self.is_on = True
        yield
        self.is_on = False
        self.totals.append((self.count, self.queries, self.took))
        self.inside.append((self.inner, self.inner_queries))


CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def run(name: str) -> None:
    """One contender: set it up, log in again and again, print what it cost."""
    contender = CONTENDERS[name]()
    set_up(contender)
    meter = Meter()
    from django.contrib.auth import get_user_model
    from django.test import Client

    user = get_user_model().objects.create_user("alice", "alice@example.com", "password")
    log_in = contender["prepare"](user)
    for _ in range(LOGINS):
        client = Client()
        contender.get("before", lambda user: None)(user)
        with meter.login():
            log_in(client)
        check_protected(client)
    with meter.login():
        page = client.get("/protected/", secure=True)
    requests, queries, _took = meter.totals[-2]
    found = {
        "requests": requests,
        "queries": queries,
        "milliseconds": 1000 * median(took for _, _, took in meter.totals[:-1]),
        "page": meter.totals[-1][1],
    }
    if page.status_code != 200:
        raise SystemExit("the protected page was not served")
    if meter.inside[-2][0]:
        found["inside"] = meter.inside[-2]
    say(json.dumps(found))


def check_protected(client: Any) -> None:
    """The login has worked, or the figures say nothing."""
    if client.get("/protected/", secure=True).status_code != 200:
        raise SystemExit("nobody was logged in")


def set_up(contender: dict[str, Any]) -> None:
    """A project in this process, with the contender in it."""
    import django
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    settings.configure(
        SECRET_KEY="a benchmark is no secret, and this one is long enough",  # noqa: S106
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[f"django.contrib.{app}" for app in BASE_APPS] + contender.get("apps", []),
        MIDDLEWARE=BASE_MIDDLEWARE + contender.get("middleware", []),
        ROOT_URLCONF="benchmark_urls",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"context_processors": PROCESSORS, "loaders": LOADERS},
            }
        ],
        STATIC_URL="/static/",
        USE_TZ=True,
        LOGIN_REDIRECT_URL="/protected/",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # hashing is not the matter
        **contender.get("settings", {}),
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)

    def protected(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"welcome {request.user}")

    urls = ModuleType("benchmark_urls")
    urls.urlpatterns = [*contender["urls"](), path("protected/", contender["protect"]()(protected))]  # type: ignore[attr-defined]
    sys.modules["benchmark_urls"] = urls


PLAIN_LOGIN = """<form method="post">{% csrf_token %}{{ form }}<button>Log in</button></form>"""
LOADERS = [
    ("django.template.loaders.locmem.Loader", {"registration/login.html": PLAIN_LOGIN}),
    "django.template.loaders.app_directories.Loader",
]


def expect(response: Any, status: int) -> Any:
    """``response``, if it is what a login gives at this step."""
    if response.status_code != status:
        raise SystemExit(f"{response.status_code} in place of {status}: {response.content[:2000]!r}")
    return response


def login_required() -> Callable[..., Any]:
    """Django's decorator."""
    from django.contrib.auth.decorators import login_required as decorator

    return decorator


def token_of(user: Any) -> str:
    """The code that django-otp's device takes now."""
    from django_otp.oath import totp
    from django_otp.plugins.otp_totp.models import TOTPDevice

    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key):06d}"


def fresh_device(user: Any) -> None:
    """Let the code of these thirty seconds be used once more, as it is in the next login half a minute later."""
    from django_otp.plugins.otp_totp.models import TOTPDevice

    TOTPDevice.objects.filter(user=user).update(last_t=-1)


def plain() -> dict[str, Any]:
    """Password, and in."""

    def urls() -> list[Any]:
        from django.contrib.auth.views import LoginView
        from django.urls import path

        return [path("accounts/login/", LoginView.as_view())]

    def prepare(user: Any) -> Callable[[Any], None]:
        def log_in(client: Any) -> None:
            expect(client.get("/accounts/login/"), 200)
            expect(client.post("/accounts/login/", PASSWORD), 302)

        return log_in

    return {"urls": urls, "prepare": prepare, "protect": login_required}


def otp() -> dict[str, Any]:
    """django-otp: password and code in one form."""

    def urls() -> list[Any]:
        from django.urls import path
        from django_otp.views import LoginView

        return [path("accounts/login/", LoginView.as_view(template_name="registration/login.html"))]

    def prepare(user: Any) -> Callable[[Any], None]:
        from django_otp.plugins.otp_totp.models import TOTPDevice

        device = TOTPDevice.objects.create(user=user, name="default", confirmed=True)

        def log_in(client: Any) -> None:
            expect(client.get("/accounts/login/"), 200)
            code = {"otp_device": device.persistent_id, "otp_token": CODE[0]}
            expect(client.post("/accounts/login/", {**PASSWORD, **code}), 302)

        return log_in

    def protect() -> Callable[..., Any]:
        from django_otp.decorators import otp_required

        return otp_required

    return {
        "apps": ["django_otp", "django_otp.plugins.otp_totp"],
        "middleware": ["django_otp.middleware.OTPMiddleware"],
        "urls": urls,
        "prepare": prepare,
        "before": before_with_code,
        "protect": protect,
    }


CODE = [""]


def before_with_code(user: Any) -> None:
    """The person reads the code."""
    fresh_device(user)
    CODE[0] = token_of(user)


def two_factor() -> dict[str, Any]:
    """django-two-factor-auth: a wizard of two pages, on django-otp."""
    known = otp()

    def urls() -> list[Any]:
        from django.urls import include, path
        from two_factor.urls import urlpatterns

        return [path("", include(urlpatterns))]

    def prepare(user: Any) -> Callable[[Any], None]:
        known["prepare"](user)

        def log_in(client: Any) -> None:
            expect(client.get("/account/login/"), 200)
            fields = {f"auth-{name}": value for name, value in PASSWORD.items()}
            expect(client.post("/account/login/", {"login_view-current_step": "auth", **fields}), 200)
            code = {"login_view-current_step": "token", "token-otp_token": CODE[0]}
            expect(client.post("/account/login/", code), 302)

        return log_in

    return {
        **known,
        "apps": [*known["apps"], "django_otp.plugins.otp_static", "two_factor"],
        "settings": {"LOGIN_URL": "two_factor:login"},
        "urls": urls,
        "prepare": prepare,
    }


def allauth() -> dict[str, Any]:
    """django-allauth's MFA: a page for the password, one for the code."""

    def urls() -> list[Any]:
        from django.urls import include, path

        return [path("accounts/", include("allauth.urls"))]

    def prepare(user: Any) -> Callable[[Any], None]:
        from allauth.account.models import EmailAddress
        from allauth.mfa.totp.internal import auth

        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        secret = auth.generate_totp_secret()
        auth.TOTP.activate(user, secret)

        def log_in(client: Any) -> None:
            expect(client.get("/accounts/login/"), 200)
            fields = {"login": "alice", "password": "password"}
            page = expect(client.post("/accounts/login/", fields), 302)["Location"]
            expect(client.get(page), 200)
            counter = next(iter(auth.yield_hotp_counters_from_time()))
            code = auth.format_hotp_value(auth.hotp_value(secret, counter))
            expect(client.post(page, {"code": code}), 302)

        return log_in

    def before(user: Any) -> None:
        from django.core.cache import cache

        cache.clear()  # of used codes and of limits, as half a minute does

    return {
        "apps": ["allauth", "allauth.account", "allauth.mfa"],
        "middleware": ["allauth.account.middleware.AccountMiddleware"],
        "settings": {
            "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
            "ACCOUNT_RATE_LIMITS": False,
        },
        "urls": urls,
        "prepare": prepare,
        "before": before,
        "protect": login_required,
    }


def toopher() -> dict[str, Any]:
    """This package, with its service in the same process: the person's requests, the iframe's and the phone's."""

    def urls() -> list[Any]:
        from django.urls import include, path

        return [
            path("accounts/", include("django_toopher.urls")),
            path("toopher/", include("django_toopher.service.urls")),
        ]

    def prepare(user: Any) -> Callable[[Any], None]:
        from django.test import Client

        from django_toopher.testing import make_phone

        phone = make_phone()
        computer = Client()
        computer.force_login(user)
        expect(phone.pair(computer), 302)

        def log_in(client: Any) -> None:
            expect(client.get("/accounts/login/", secure=True), 200)
            expect(client.post("/accounts/login/", PASSWORD, secure=True), 302)
            expect(phone.approve(client), 302)

        return log_in

    return {
        "apps": ["django_toopher", "django_toopher.service"],
        "middleware": ["django_toopher.middleware.ToopherMiddleware"],
        "settings": {"LOGIN_URL": "django_toopher:login", "TOOPHER_SERVICE_LIMITS": {"requests": 10**6}},
        "urls": urls,
        "prepare": prepare,
        "protect": login_required,
    }


CONTENDERS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain Django": plain,
    "django-otp": otp,
    "django-two-factor-auth": two_factor,
    "django-allauth MFA": allauth,
    "django-toopher": toopher,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1])
    else:
        main()
