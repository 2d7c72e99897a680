"""Requests per second of the service, as a ratio to an empty view under the same server in the same run.

``python -m benchmarks.service`` makes a database of its own on PostgreSQL, starts gunicorn on 127.0.0.1, asks each of
three things in turn, round after round, and prints the medians; then it takes one process apart with a clock. It stops
by itself and removes the database. ``DATABASE_URL`` says where PostgreSQL is. See README.rst beside this file.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import platform
import pstats
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

HERE = Path(__file__).resolve().parent
DEADLINE = 60
"""Seconds that one measurement may take; one that needs longer ends the run with an error."""

USERS = 50


def main() -> None:
    """Measure, print, clean up."""
    arguments = parsed_arguments()
    with own_database(arguments.database_url) as url:
        os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="benchmarks.settings")
        import django

        django.setup()
        requests = prepared(arguments.requests)
        with gunicorn(arguments.workers) as (port, master):
            say(machine())
            measure(requests, arguments, port, master)
        take_apart(requests, arguments.requests)


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parsed_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Requests per second, as a ratio to an empty view.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=300, help="of each kind, in each round")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4, help="connections at the same time")
    default = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--database-url", default=default, help="a database from which others can be made")
    return parser.parse_args()


def machine() -> str:
    """What this ran on."""
    import django
    import gunicorn as server
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgresql = cursor.fetchone()[0].split()[0]
    connection.close()
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}; load average before: "
        f"{os.getloadavg()[0]:.1f}\nPython {platform.python_version()}, Django {django.__version__}, "
        f"gunicorn {server.__version__}, PostgreSQL {postgresql}"
    )


# What is measured


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """The URL of a new database beside the one at ``url``, dropped at the end."""
    import psycopg

    name = f"toopher_benchmark_{os.getpid()}"
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def prepared(number: int) -> dict[str, Callable[[str], Iterator[bytes]]]:
    """By name, what makes the bytes of signed requests to a root; the database is filled for them."""
    from django.core.management import call_command
    from django.utils import timezone

    from django_toopher.service.models import Authenticator, Pairing, User
    from django_toopher.service.people import requesters
    from django_toopher.service.requests import asking

    call_command("migrate", verbosity=0)
    requester = requesters.create("Site", ["https://site.example"])
    phone = Authenticator.objects.create(name="Phone", public_key={}, thumbprint="0" * 64)
    users = [User.objects.create(requester=requester, name=f"user {one}") for one in range(USERS)]
    for user in users:
        now = timezone.now()
        Pairing.objects.create(
            user=user, authenticator=phone, state="enabled", answered=now, otp_seed="A" * 32, expires=now
        )
    later = timezone.now() + timedelta(days=1)
    waiting = [asking.initiate(user, "Log In", terminal_name="Laptop") for user in users]
    for one in waiting:
        one.expires = later
        one.save()
    sign = signer(requester.consumer_key, requester.consumer_secret)

    def empty(root: str) -> Iterator[bytes]:
        return (plain(f"{root}/empty/") for _ in count())

    def poll(root: str) -> Iterator[bytes]:
        path = f"{root}/toopher/v1/authentication_requests"
        return (sign("GET", f"{path}/{waiting[one % USERS].pk}", None) for one in count())

    def initiate(root: str) -> Iterator[bytes]:
        path = f"{root}/toopher/v1/authentication_requests/initiate"
        return (sign("POST", path, fields_of(users[one % USERS].name)) for one in count())

    return {"empty view": empty, "poll": poll, "initiate": initiate}


def fields_of(name: str) -> dict[str, str]:
    """What a site sends to ask for a login."""
    return {
        "user_name": name,
        "terminal_name": "Laptop",
        "terminal_name_extra": f"secret id of the computer of {name}",
        "action_name": "Log In",
    }


def signer(key: str, secret: str) -> Callable[[str, str, dict[str, str] | None], bytes]:
    """Signs a request, each with a nonce of its own, and gives it as it goes over the wire."""
    from oauthlib.oauth1 import Client

    client = Client(key, secret)

    def sign(method: str, url: str, fields: dict[str, str] | None) -> bytes:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        body = urlencode(fields) if fields else None
        _, headers, _ = client.sign(url, method, body, form)
        return plain(url, method, headers, body or "")

    return sign


def plain(url: str, method: str = "GET", headers: dict[str, str] | None = None, body: str = "") -> bytes:
    """An HTTP request."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", body]).encode()


# Under gunicorn


@contextmanager
def gunicorn(workers: int, *options: str) -> Iterator[tuple[int, int]]:
    """The port and the process id of a server that has booted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--workers", str(workers), "--bind", f"127.0.0.1:{port}"]
    command += [*options, "--log-level", "error", "django.core.wsgi:get_wsgi_application()"]
    with subprocess.Popen(command, cwd=HERE.parent) as process:  # noqa: S603
        try:
            until = time.monotonic() + DEADLINE
            while len(children(process.pid)) < workers or not answers(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("gunicorn does not start.")
                time.sleep(0.2)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def answers(port: int) -> bool:
    """Whether somebody listens and answers."""
    try:
        return fetched(port, plain(f"http://127.0.0.1:{port}/empty/")).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def fetched(port: int, request: bytes) -> bytes:
    """The whole response."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def measure(requests: dict[str, Any], arguments: argparse.Namespace, port: int, master: int) -> None:
    """All kinds in turn, round after round; then the table."""
    root = f"http://127.0.0.1:{port}"
    for make in requests.values():  # every worker has seen everything once, likely
        run(port, list(islice(make(root), 20)), arguments.clients)
    before = memory(master)
    rates: dict[str, list[float]] = {name: [] for name in requests}
    used: dict[str, list[list[float]]] = {name: [] for name in requests}
    names = list(requests)
    for number in range(arguments.rounds):
        for name in names[number % 3 :] + names[: number % 3]:
            signed = list(islice(requests[name](root), arguments.requests))
            processes = children(master), backends()
            cpu = [seconds_of(pids) for pids in processes]
            rates[name].append(run(port, signed, arguments.clients))
            spent = [seconds_of(pids) - before for pids, before in zip(processes, cpu, strict=True)]
            used[name].append([1000 * seconds / arguments.requests for seconds in spent])
    after = memory(master)
    say(f"{arguments.workers} workers, {arguments.clients} clients, {arguments.rounds} rounds of {arguments.requests}")
    say("\nPer second, and as a ratio to the empty view (median of the rounds); CPU ms of one request (medians)")
    say(f"{'':12}{'median':>8}{'least':>8}{'most':>8}{'ratio':>8}{'worker':>9}{'ratio':>8}{'PostgreSQL':>12}")
    for name, each in rates.items():
        ratio = median(one / other for one, other in zip(each, rates["empty view"], strict=True))
        worker, postgresql = (median(cpu) for cpu in zip(*used[name], strict=True))
        empty = median(cpu for cpu, _ in used["empty view"])
        say(
            f"{name:12}{median(each):>8.0f}{min(each):>8.0f}{max(each):>8.0f}{ratio:>8.3f}"
            f"{worker:>9.2f}{empty / worker:>8.3f}{postgresql:>12.2f}"
        )
    say("\nMemory of each worker, MB, RSS/PSS: after 20 requests of each kind, then at the end")
    for pid, sizes in before.items():
        say(f"  {sizes}  ->  {after.get(pid, 'gone')}")
    say(f"Load average after: {os.getloadavg()[0]:.1f}")


def run(port: int, requests: list[bytes], clients: int) -> float:
    """Requests per second. Any answer that is no 200 ends the run."""
    started = time.perf_counter()

    def fetch(request: bytes) -> None:
        response = fetched(port, request)
        if not response.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"Not a 200: {response[:500]!r}")
        if time.perf_counter() - started > DEADLINE:
            raise SystemExit(f"One measurement took longer than {DEADLINE} s.")

    with ThreadPoolExecutor(clients) as pool:
        for _ in pool.map(fetch, requests):
            pass
    return len(requests) / (time.perf_counter() - started)


def children(master: int) -> list[int]:
    """The worker processes (Linux)."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def backends() -> list[int]:
    """PostgreSQL's processes for this database, when it runs on this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'cl%'"
        )
        return [pid for (pid,) in cursor.fetchall() if Path(f"/proc/{pid}/stat").exists()]


def seconds_of(pids: list[int]) -> float:
    """CPU time that these processes have used (Linux)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(master: int) -> dict[int, str]:
    """RSS and PSS of each worker, in MB (Linux)."""
    sizes = {}
    for pid in children(master):
        rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        sizes[pid] = "/".join(f"{int(rows[name].split()[0]) / 1024:.1f}" for name in ("Rss", "Pss"))
    return sizes


# Taken apart, in this process


class Clock:
    """Adds up the seconds of each part, less what other parts inside it took: on the wall, and of this CPU."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = {}
        self.inside: list[list[float]] = []
        self.statements = 0

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its time counted as ``part``."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self.inside.append([0.0, 0.0])
            started = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - started[0], time.thread_time() - started[1]
                inside = self.inside.pop()
                for which, sums in enumerate(zip(took, inside, strict=True)):
                    self.parts.setdefault(part, [0.0, 0.0])[which] += sums[0] - sums[1]
                    if self.inside:
                        self.inside[-1][which] += sums[0]

        return call

    def query(self, execute: Callable[..., Any], *args: Any) -> Any:
        """An ``execute_wrapper``."""
        self.statements += 1
        return self.timed("database: statements", execute)(*args)


def take_apart(requests: dict[str, Any], number: int) -> None:
    """Where the time goes, by a clock around the parts of one request after another in this process."""
    from unittest import mock

    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection
    from oauthlib.oauth1 import SignatureOnlyEndpoint

    from django_toopher.service.api import representations
    from django_toopher.service.http import calls

    handler = WSGIHandler()
    for name in ("empty view", "poll", "initiate"):
        environs = [environ_of(one) for one in islice(requests[name]("http://127.0.0.1"), number + 20)]
        for environ in environs[:20]:
            answer(handler, environ)
        clock = Clock()
        parts = [
            (SignatureOnlyEndpoint, "validate_request", "OAuth: oauthlib"),
            (connection, "_commit", "database: commits"),
            (calls, "json_reply", "JSON"),
            (representations, "authentication_request", "representation"),
        ]
        with connection.execute_wrapper(clock.query):
            patches = [mock.patch.object(o, n, clock.timed(part, getattr(o, n))) for o, n, part in parts[1:]]
            endpoint = mock.patch.object(*parts[0][:2], unbound(clock, *parts[0]))
            with patches[0], patches[1], patches[2], endpoint:
                whole = clock.timed("Django, ORM and the rest", answer)
                for environ in environs[20:]:
                    whole(handler, environ)
        wall, cpu = (sum(each) / number * 1000 for each in zip(*clock.parts.values(), strict=True))
        say(f"\n{name}, in one process: {wall:.2f} ms, CPU {cpu:.2f} ms; {clock.statements / number:.1f} statements")
        for part, sums in sorted(clock.parts.items(), key=lambda pair: -pair[1][1]):
            each = [1000 * seconds / number for seconds in sums]
            say(f"  {each[0]:6.2f} ms {each[0] / wall:4.0%}   CPU {each[1]:6.2f} ms {each[1] / cpu:4.0%}   {part}")
        say(f"  by package, under cProfile: {by_package(handler, name, requests, number)}")


def by_package(handler: Any, name: str, requests: dict[str, Any], number: int) -> str:
    """Shares of the CPU time by the package of the function that used it (built-ins: by their caller's)."""
    profile = cProfile.Profile(time.thread_time)
    environs = [environ_of(one) for one in islice(requests[name]("http://127.0.0.1"), number)]
    profile.enable()
    for environ in environs:
        answer(handler, environ)
    profile.disable()
    shares: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file == "~" and callers:
            for (caller, _, _), (_, _, seconds, _) in callers.items():
                shares[package_of(caller)] += seconds
        else:
            shares[package_of(file)] += own
    total = sum(shares.values())
    return ", ".join(f"{package} {seconds / total:.0%}" for package, seconds in shares.most_common(8))


def package_of(file: str) -> str:
    """``django.db`` and its like for Django, else the package's first name."""
    parts = Path(file).with_suffix("").parts
    if "django" in parts:
        return ".".join(parts[parts.index("django") :][:2])
    for folder in ("site-packages", HERE.parent.name):
        if folder in parts:
            return parts[parts.index(folder) + 1]
    return "Python itself"


def unbound(clock: Clock, owner: Any, name: str, part: str) -> Callable[..., Any]:
    """A method of a class, timed; a plain function, so that it binds."""
    timed = clock.timed(part, getattr(owner, name))
    return lambda self, *args, **kwargs: timed(self, *args, **kwargs)


def environ_of(request: bytes) -> dict[str, Any]:
    """What a WSGI server makes of a request's bytes."""
    from io import BytesIO

    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": headers.get("Content-Length", ""),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    return environ | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def answer(handler: Any, environ: dict[str, Any]) -> None:
    """One request, to its end."""
    response = handler(environ, lambda *_: None)
    if response.status_code != 200:
        raise SystemExit(f"Not a 200: {response.content[:500]!r}")
    response.close()


if __name__ == "__main__":
    main()
