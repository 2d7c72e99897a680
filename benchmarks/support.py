"""How much faster a run switches 1,000 people off than one after another, over the same HTTP, in the same run.

``python -m benchmarks.support`` makes a database of its own on PostgreSQL, starts gunicorn with the service on
127.0.0.1 and switches people off in four ways: as it was done before there were runs (two calls each, one after
another), with one call each, one after another; by a run that calls for each; and by a run as it is. First straight,
then through a network that takes 20 ms each way. See README.rst beside this file.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from .service import HERE, gunicorn, machine, own_database, say

KEY, SECRET = "benchmark", "benchmark secret"


def main() -> None:
    """Measure, print, clean up."""
    arguments = parsed_arguments()
    with own_database(arguments.database_url) as url:
        os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="benchmarks.settings")
        import django

        django.setup()
        logging.getLogger("django_toopher").setLevel(
            logging.ERROR
        )  # each person is logged, and is not what is measured
        staff = prepared(arguments.people)
        with gunicorn(arguments.workers, "--threads", str(arguments.threads), "--keep-alive", "30") as (port, _):
            say(machine())
            say(f"{arguments.workers} gunicorn workers with {arguments.threads} threads; {arguments.people} people")
            compare("straight", port, staff, arguments)
            with latency(port, arguments.latency) as slow_port:
                compare(f"{arguments.latency:g} ms each way", slow_port, staff, arguments)
    say(f"Load average after: {os.getloadavg()[0]:.1f}")


def parsed_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="A run of support, as a ratio to one person after another.")
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--sample", type=int, help="of them one after another, where 1,000 would take too long")
    parser.add_argument("--latency", type=float, default=20, help="milliseconds each way, the second time")
    parser.add_argument("--workers", type=int, default=2, help="of gunicorn")
    parser.add_argument("--threads", type=int, default=8, help="of each of them")
    parser.add_argument("--at-a-time", type=int, help="calls of the service at the same moment, instead of the usual")
    default = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--database-url", default=default, help="a database from which others can be made")
    return parser.parse_args()


def prepared(number: int) -> Any:
    """People, here and at the service, each known by id; and the support person."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from django_toopher.models import ToopherAccount, digest
    from django_toopher.service.models import Requester, User

    call_command("migrate", verbosity=0)
    requester = Requester.objects.create(consumer_key=KEY, consumer_secret=SECRET, name="Site", origins="")
    names = [f"person {one}" for one in range(number)]
    users = get_user_model().objects.bulk_create([get_user_model()(username=name) for name in names])
    there = User.objects.bulk_create([User(requester=requester, name=name, name_digest=digest(name)) for name in names])
    ToopherAccount.objects.bulk_create(
        ToopherAccount(user=user, name=user.username, name_digest=digest(user.username), toopher_user_id=str(row.pk))
        for user, row in zip(users, there, strict=True)
    )
    return get_user_model().objects.create(username="staff", is_staff=True, is_superuser=True)


@contextmanager
def latency(port: int, milliseconds: float) -> Iterator[int]:
    """The port of a slow way to ``port``."""
    command = [sys.executable, "-m", "benchmarks.latency", str(port), str(milliseconds)]
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            yield int((process.stdout or sys.stdin).readline())
        finally:
            process.terminate()


def compare(title: str, port: int, staff: Any, arguments: argparse.Namespace) -> None:
    """All ways over one network, and the table."""
    from django.test import override_settings

    root = f"http://127.0.0.1:{port}/toopher/v1"
    with override_settings(TOOPHER_BASE_URL=root, TOOPHER_CONSUMER_KEY=KEY, TOOPHER_CONSUMER_SECRET=SECRET):
        sample = arguments.sample or arguments.people
        before = timed(lambda: as_before(staff, sample), sample)
        each = timed(lambda: one_by_one(staff, sample), sample)
        alone = timed(lambda: by_a_run(staff, arguments.people, arguments.at_a_time, together=False), arguments.people)
        run = timed(lambda: by_a_run(staff, arguments.people, arguments.at_a_time), arguments.people)
    say(f"\n{title:24}{'people':>8}{'ms each':>10}{'ratio':>8}{'ratio':>8}")
    for name, number, took in (
        ("two calls, as before", sample, before),
        ("one call", sample, each),
        ("a run, each alone", arguments.people, alone),
        ("a run", arguments.people, run),
    ):
        say(f"{name:24}{number:>8}{1000 * took:>10.1f}{before / took:>8.1f}{each / took:>8.1f}")


def timed(act: Callable[[], None], number: int) -> float:
    """Seconds for each of ``number`` people, who are all switched on beforehand and off afterwards."""
    from django_toopher.models import ToopherAccount
    from django_toopher.service.models import User

    ToopherAccount.objects.update(enabled=True)
    User.objects.update(toopher_authentication_enabled=True)
    started = time.perf_counter()
    act()
    took = time.perf_counter() - started
    for rows in (
        ToopherAccount.objects.filter(enabled=False),
        User.objects.filter(toopher_authentication_enabled=False),
    ):
        if rows.count() != number:
            raise SystemExit(f"{rows.count()} of {number} are switched off.")
    return took / number


def as_before(staff: Any, number: int) -> None:
    """Make sure that the service knows the person, then switch: what the admin's action did before there were runs."""
    from django_toopher import connection
    from django_toopher.support import verbs

    api = connection.api()
    for account in accounts(number):
        user = api.create_user(account.name)
        user.disable(api)
        told = verbs.Told({"enabled": False, "toopher_user_id": user.id})
        verbs.write_down(verbs.VERBS["disable"], [(account, told)], staff)


def one_by_one(staff: Any, number: int) -> None:
    """The verb of today, for one person after another."""
    from django_toopher import connection
    from django_toopher.support import verbs

    api = connection.api()
    for account in accounts(number):
        verbs.carry_out(verbs.VERBS["disable"], account, api, staff)


def by_a_run(staff: Any, number: int, at_a_time: int | None, *, together: bool = True) -> None:
    """As the admin's page does it: step after step, each with a client of its own. Choosing the people is included.

    Not ``together`` is what a service gets that has no call for many people at once.
    """
    from django.utils import timezone

    from django_toopher import connection
    from django_toopher.support import runs, verbs

    verb = verbs.VERBS["disable"]
    verb = verb if together else replace(verb, ask_together=None)
    run = runs.create(verb, accounts(number), staff)
    run.confirm(timezone.now())
    workers = at_a_time or runs.WORKERS
    with patch.object(runs, "VERBS", {verb.name: verb}):
        while runs.step(run, connection.api(connections=workers), staff, workers=workers):
            pass


def accounts(number: int) -> Any:
    """So many people, with their users."""
    from django_toopher.models import ToopherAccount

    return ToopherAccount.objects.select_related("user").order_by("pk")[:number]


if __name__ == "__main__":
    main()
