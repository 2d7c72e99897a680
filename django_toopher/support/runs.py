"""Runs: one of support's verbs for many people, in steps that can stop anywhere and be taken up again.

All state is in the database. A step claims some people by a conditional UPDATE, asks the service for several of them
at once over one pool of connections, and writes down what came of each as it comes. What a killed process leaves behind
is its claim, and that ends by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from ..client import ServiceUnavailableError, ToopherApi, ToopherApiError
from ..models import SupportItem, SupportRun, ToopherAccount
from ..service_link import endpoint
from .reasons import REASONS
from .verbs import VERBS, Asked, SkippedError, Verb, out_of_reach, write_down

logger = logging.getLogger(__name__)

Outcome = SupportItem.Outcome

WORKERS = 8
"""Calls of the service at the same moment."""

BATCH = 100
"""People whom one step claims at once."""

STEP = 2.0
"""Seconds of one step: short enough that a page shows progress, and no server's limit for a request is near."""

CLAIM = timedelta(seconds=120)
"""How long people stay claimed by a process that says nothing more."""

AT_ONCE = 10
"""So few people are done in the request that chose them, where nothing has to be confirmed."""


@dataclass(frozen=True)
class Result:
    """What came of one person."""

    outcome: Outcome
    told: Asked = field(default_factory=Asked)
    reason: str = ""


Results = list[tuple[SupportItem, Result]]


def create(verb: Verb, accounts: Iterable[ToopherAccount], by: Any = None, by_name: str = "") -> SupportRun:
    """Write down what is to be done, and to whom. A verb with a question waits for ``SupportRun.confirm``."""
    name = by_name or (str(by.get_username()) if by else "")
    with transaction.atomic():
        run = SupportRun.objects.create(
            verb=verb.name, by=by, by_name=name[:255], confirmed=None if verb.question else timezone.now()
        )
        items = [SupportItem(run=run, account=account) for account in accounts]
        SupportItem.objects.bulk_create(items, batch_size=500)
    return run


def verb_of(run: SupportRun) -> Verb:
    return VERBS[run.verb]


def counts(run: SupportRun) -> dict[str, int]:
    """How many people have which outcome; and ``total``. One query."""
    each = {str(outcome): Count("pk", filter=Q(outcome=outcome)) for outcome in Outcome.values}
    return run.items.aggregate(**each, total=Count("pk"))


def retry(run: SupportRun) -> int:
    """Line those up again for whom it failed; how many they are."""
    return run.items.filter(outcome=Outcome.FAILED).update(
        outcome=Outcome.PENDING, reason="", detail="", claim=None, claimed_until=None, finished=None
    )


def step(
    run: SupportRun, api: ToopherApi, by: Any = None, *, seconds: float | None = None, workers: int = WORKERS
) -> int:
    """Carry out a part, for ``seconds`` (else ``STEP``) but of one person at least; how many people that were.

    Nobody else is begun after the time; a call that is under way then may take as long as ``TOOPHER_TIMEOUT`` more.
    """
    deadline = time.monotonic() + (STEP if seconds is None else seconds)
    settled = 0
    while run.confirmed and (not settled or time.monotonic() < deadline):
        token = uuid4()
        items = _claim(run, token)
        if not items:
            break
        try:
            for results in _results(run, items, api, by, deadline, workers):
                settled += _settle(run, token, results, by)
        finally:
            # whom the deadline left out need not wait for the claim to end
            SupportItem.objects.filter(claim=token, outcome=Outcome.PENDING).update(claim=None, claimed_until=None)
    return settled


def _claim(run: SupportRun, token: UUID) -> list[SupportItem]:
    """Some people whom nobody else is at."""
    now = timezone.now()
    free = SupportItem.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lte=now), run=run, outcome=Outcome.PENDING
    )
    chosen = list(free.order_by("pk").values_list("pk", flat=True)[:BATCH])
    # the UPDATE asks once more whether they are free: another tab may have chosen the same people
    free.filter(pk__in=chosen).update(claim=token, claimed_until=now + CLAIM)
    return list(run.items.filter(claim=token).select_related("account__user"))


def _results(
    run: SupportRun, items: list[SupportItem], api: ToopherApi, by: Any, deadline: float, workers: int
) -> Iterator[Results]:
    """What comes of each, as it comes, several at once where they came together; after the deadline of the first only.

    Whom one call can settle comes first. The others are asked for alone, several at the same time.

    The embedded service would share this process's interpreter and its connection to the database: there one at a time
    is as fast, and safe.
    """
    # here and in no thread: who may do what is read from the database, and threads have no connection
    reasons = _out_of_reach(run, [item.account for item in items], by)
    skipped = [(i, Result(Outcome.SKIPPED, reason=why)) for i in items if (why := reasons.get(i.account_id))]
    if skipped:
        yield skipped
    items = _without(items, skipped)
    together = _asked_together(run, items, api)
    if together:
        yield together
    items = _without(items, together)

    def ask(item: SupportItem) -> Result | None:
        is_first = item is items[0] and not together
        return _asked(run, item.account, api) if is_first or time.monotonic() < deadline else None

    if endpoint.is_embedded():
        answers = ((item, ask(item)) for item in items)
        yield from ([(item, result)] for item, result in answers if result)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="toopher-support") as pool:
        futures = {pool.submit(ask, item): item for item in items}
        left = set(futures)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            yield [(futures[future], result) for future in done if (result := future.result())]


def _without(items: list[SupportItem], results: Results) -> list[SupportItem]:
    settled = {item for item, _result in results}
    return [item for item in items if item not in settled]


def _out_of_reach(run: SupportRun, accounts: list[ToopherAccount], by: Any) -> dict[int, str]:
    """Why not, for who carries the run on, and for who began it: neither lends the other a power (SECURITY.md S16)."""
    people = () if by is None and run.by_id is None else (by and by.pk, run.by_id)
    return out_of_reach(verb_of(run), accounts, *people)


def _asked_together(run: SupportRun, items: list[SupportItem], api: ToopherApi) -> Results:
    """What one call can settle for many. Where it fails, or the service has no such call, each is asked for alone."""
    verb = verb_of(run)
    if verb.ask_together is None:
        return []
    try:
        told = verb.ask_together([item.account for item in items], api)
    except ToopherApiError as error:
        logger.debug("support: %s not possible together: %s", verb.name.value, error)
        return []
    except Exception:  # as below; alone, it is one person's fault and not everybody's
        logger.exception("support: %s failed together", verb.name.value)
        return []
    return [(item, Result(Outcome.DONE, told[item.account_id])) for item in items if item.account_id in told]


def _asked(run: SupportRun, account: ToopherAccount, api: ToopherApi) -> Result:
    """The network's half, for one person. Whatever goes wrong, it is this person's result and stops nobody else."""
    verb = verb_of(run)
    try:
        return Result(Outcome.DONE, verb.ask(account, api))
    except SkippedError as skipped:
        return Result(Outcome.SKIPPED, reason=skipped.reason)
    except ServiceUnavailableError as error:
        return Result(Outcome.FAILED, Asked(detail=str(error)), "unavailable")
    except ToopherApiError as error:
        return Result(Outcome.FAILED, Asked(detail=str(error)), getattr(error, "reason", "refused"))
    except Exception:  # a fault of ours must not stop the run for everybody behind this person
        logger.exception("support: %s failed", verb.name.value, extra={"account": account.pk})
        return Result(Outcome.FAILED, reason="broken")


def _settle(run: SupportRun, token: UUID, results: Results, by: Any) -> int:
    """Write results down, with what they change, except for people whom somebody else has taken over meanwhile."""
    groups: dict[tuple[Outcome, str, str], list[int]] = {}
    with transaction.atomic():
        kept = _kept(token, [item.pk for item, _result in results])
        for item, result in results:
            if item.pk in kept:
                groups.setdefault((result.outcome, result.reason, result.told.detail[:255]), []).append(item.pk)
        for (outcome, reason, detail), pks in groups.items():
            news = {"outcome": outcome, "reason": reason, "detail": detail, "finished": timezone.now()}
            SupportItem.objects.filter(pk__in=pks).update(**news)
        done = [(i.account, r.told) for i, r in results if i.pk in kept and r.outcome == Outcome.DONE]
        if done:
            write_down(verb_of(run), done, by)
    return len(kept)


def _kept(token: UUID, pks: list[int]) -> set[int]:
    """Which of these are still ours. The UPDATE locks them: nobody else claims them before the transaction ends."""
    ours = SupportItem.objects.filter(pk__in=pks, claim=token, outcome=Outcome.PENDING)
    ours.update(claimed_until=timezone.now() + CLAIM)
    return set(ours.values_list("pk", flat=True))


def explain(item: SupportItem) -> str:
    """Why somebody was skipped or failed, or what is worth knowing, in words."""
    reason = str(REASONS.get(item.reason, item.reason))
    return ": ".join(filter(None, [reason, item.detail]))
