"""What belongs to another is neither read nor changed."""

from __future__ import annotations

from django.urls import reverse

from django_toopher.models import Attempt, SupportRun, ToopherAccount
from django_toopher.service.models import Pairing, Terminal
from django_toopher.support import runs, verbs
from tests.app.acts import ACCOUNT, ACCOUNT_POSTBACK, POSTBACK, approval, pairing
from tests.app.ways import PATH, STEP_UP, confirmed_form
from tests.factories import verified

from .means import ACCOUNTS, ATTEMPTS, COMPUTER, PAGES, PHONES, RUNS, logged_in_as_alice

pytestmark = PAGES


def _everything() -> list:
    """What alice has: attempts, account, phone, computers, runs."""
    return [
        [*Attempt.objects.filter(username="alice").order_by("created").values("pk", "outcome", "reason", "spent")],
        [*ToopherAccount.objects.filter(user__username="alice").values()],
        [*Pairing.objects.filter(user__name="alice").values("pk", "state")],
        [*Terminal.objects.filter(user__name="alice").values("pk", "name", "extra")],
        [*SupportRun.objects.values()],
    ]


def test_S17_no_id_of_another_reads_or_changes_anything(account, bob, make_browser, phone, settings, carried_out):
    alices, bobs, half = make_browser(), make_browser(), make_browser()
    logged_in_as_alice(alices)
    verified(bobs, bob)
    change = pairing(alices, phone)
    _path, confirmed = confirmed_form(alices, phone)
    login = approval(half, phone)
    ticket = reverse(
        "django_toopher:step-up",
        args=[Attempt.objects.filter(kind="step_up").latest("created").pk.hex + "." + "x" * 43],
    )
    of_login = ticket.replace(
        Attempt.objects.filter(kind="step_up").latest("created").pk.hex,
        Attempt.objects.filter(kind="login", outcome="pending").get().pk.hex,
    )
    run = runs.create(verbs.VERBS["disable"], [account])
    computer = Terminal.objects.filter(user__name="alice").first()
    device = Pairing.objects.filter(user__name="alice").first()
    before = _everything()
    for path, fields in (
        (COMPUTER, {"computer": str(computer.pk), "name": "Mine"}),
        (COMPUTER, {"computer": str(computer.pk), "forget": "1"}),
        (ACCOUNT_POSTBACK, change),
        (POSTBACK, login),
        (PATH, confirmed),
        (STEP_UP, confirmed),
        (ticket, {"toopher_password": "password"}),
        (f"{ticket}status/", {"password": "password"}),
        (f"{ticket}cancel/", {}),
        (f"{of_login}cancel/", {}),
        (f"{RUNS}{run.pk}/change/", {"press": "confirm"}),
        (f"{ACCOUNTS}{account.pk}/support/", {"verb": "disable"}),
    ):
        response = bobs.post(path, fields)
        assert response.status_code in {302, 403, 404}, path
        assert (_everything(), carried_out()) == (before, 0), path
    for path in (
        ticket,
        f"{ticket}status/",
        f"{of_login}status/",
        "/accounts/authenticate/state/",
        "/accounts/authenticate/qr/",
        f"{RUNS}{run.pk}/change/",
        f"{ACCOUNTS}{account.pk}/change/",
        f"{ATTEMPTS}{Attempt.objects.filter(username='alice').first().pk}/change/",
        f"{ATTEMPTS}export/",
    ):
        assert bobs.get(path).status_code in {302, 403, 404}, path
    settings.TOOPHER_EMBED = "native"
    bobs.post(PHONES, {"step": "remove", "phone": str(device.pk)})
    assert "alice" not in bobs.get(ACCOUNT).content.decode()
    assert _everything() == before
