"""What must hold at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import jwt
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db.models import Q

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import AuthenticationRequest, Pairing
from django_toopher.session.state import STEP_UP_SECRET, VERIFIED


def violations(since: datetime) -> Iterator[str]:
    """Every state in the database that must not be, of what was begun or changed since then."""
    changed = Q(created__gte=since) | Q(answered__gte=since)
    for request in AuthenticationRequest.objects.filter(changed).select_related("user", "pairing__authenticator"):
        yield from wrong_request(request)
    for pairing in Pairing.objects.filter(modified__gte=since):
        yield from wrong_pairing(pairing)
    yield from wrong_attempts(since)
    yield from wrong_sessions()


def wrong_request(request: AuthenticationRequest) -> Iterator[str]:
    """An answered request knows who answered, and how."""
    state, pairing = request.state, request.pairing
    if (request.answered is None) != (state == "pending"):
        yield f"{state} request, answered {request.answered}"
    if request.reason_code in {0, 100} and state in {"granted", "denied"}:
        if (
            not pairing
            or pairing.user_id != request.user_id
            or pairing.state not in {"agreed", "enabled", "deactivated"}
        ):
            yield f"{state} request without the user's pairing"
        elif not proves(request, pairing):
            yield f"{state} request without a signed answer that says so"
    elif state == "granted" and request.reason_code != 110:
        yield f"request granted for reason {request.reason_code}"
    elif state == "denied" and (request.reason_code != 103 or request.failures < 3):
        yield f"request denied for reason {request.reason_code} after {request.failures} failures"


def proves(request: AuthenticationRequest, pairing: Pairing) -> bool:
    """Whether the evidence is this phone's signature over this request, decision and number."""
    assert pairing.authenticator
    key = jwt.PyJWK.from_dict(pairing.authenticator.public_key, algorithm="ES256")
    said = jwt.decode(request.evidence, key, algorithms=["ES256"], options={"verify_aud": False, "verify_iat": False})
    if said["request"] != str(request.pk):
        return False
    granted = said["decision"] == "allow" and said["number"] == request.number
    return granted if request.state == "granted" else said["decision"] == "deny"


def wrong_pairing(pairing: Pairing) -> Iterator[str]:
    """Enabled, or agreed, is all of a pairing, or nothing of it."""
    has = (bool(pairing.authenticator_id), bool(pairing.otp_seed), pairing.answered is not None)
    is_whole = pairing.state in {"enabled", "agreed"}
    if is_whole and has != (True, True, True):
        yield f"{pairing.state} pairing with (authenticator, seed, answered) {has}"
    if not is_whole and pairing.otp_seed:
        yield f"{pairing.state} pairing with a seed"
    if pairing.state == "pending" and pairing.answered:
        yield "answered pairing that is pending"


def wrong_attempts(since: datetime) -> Iterator[str]:
    """A granted attempt goes with one granted request of the same user, and no request with two attempts."""
    granted = Attempt.objects.filter(outcome="granted")
    logins = granted.filter(kind="login")
    for attempt in logins.filter(created__gte=since):
        request = AuthenticationRequest.objects.filter(pk=attempt.request_id, state="granted").first()
        if request is None or request.user.name != attempt.toopher_name:
            yield "login without a granted request of this user"
    if (most := Counter(logins.values_list("request_id", flat=True)).most_common(1)) and most[0][1] > 1:
        yield "two logins by one granted request"
    if Attempt.objects.filter(finished__isnull=True).exclude(outcome="pending").exists():
        yield "spent attempt that is not finished"
    codes = AuthenticationRequest.objects.filter(state="granted", reason_code=110)
    if (most := Counter(codes.values_list("user", flat=True)).most_common(1)) and most[0][1] > 1:
        yield "two requests granted by one code"  # each person here has but one
    for attempt in granted.filter(kind="pairing", created__gte=since):
        if Pairing.objects.enabled().filter(pk=attempt.request_id).exists() and not is_paired(attempt):
            yield "pairing accepted by the site, which then does not ask for the phone"


def is_paired(attempt: Attempt) -> bool:
    return ToopherAccount.objects.filter(user=attempt.user_id, paired=True).exists()


def wrong_sessions() -> Iterator[str]:
    """Everybody who is logged in passed the second factor, each by an attempt of their own; but for newcomers.

    What a session earned may be void by now, as after a change that it did not hear of: then it opens nothing.
    """
    opened = Counter[str]()
    for session in Session.objects.all():
        kept = session.get_decoded()
        user = kept.get(SESSION_KEY)
        if user is None or (VERIFIED not in kept and (is_newcomer(user) or STEP_UP_SECRET in kept)):
            continue
        opened[user] += 1
        if user != kept.get(VERIFIED):
            yield "logged in without the second factor"
    granted = Counter(str(user) for user in Attempt.objects.filter(outcome="granted").values_list("user", flat=True))
    if opened - granted:
        yield f"more sessions than granted attempts: {opened - granted}"


def is_newcomer(user: str) -> bool:
    return get_user_model().objects.get(pk=user).get_username().startswith("newcomer")
