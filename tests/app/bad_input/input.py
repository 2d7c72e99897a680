"""What is made up to be sent, and all that it must not change."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from django_toopher.models import Attempt, RecoveryCode, SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import Pairing, Terminal

from ..acts import logged_in
from ..rest_urls import DONE
from ..step_up_urls import SEEN

fuzzed = settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

nasty = st.sampled_from(
    [
        "",
        "\0",
        "a\0b",
        "-1",
        "9" * 30,
        "x" * 5000,
        "../x",
        "%00",
        "\ud7ff",
        "\U0001f511",
        "1e999",
        "None",
        "'",
        "\r\nX: y",
    ]
)

texts = st.one_of(nasty, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
values = st.one_of(texts, st.lists(texts, min_size=1, max_size=3))


def forms(*names: str):
    """Fields with these names, or others; single, doubled or missing."""
    others = st.text("abcäß%&=;\0 ", min_size=1, max_size=20)
    return st.dictionaries(st.one_of(st.sampled_from(names), others), values, max_size=len(names) + 1)


headers = st.dictionaries(
    st.sampled_from(["User-Agent", "Referer", "Accept", "Sec-Fetch-Dest", "X-Toopher-Step-Up", "Authorization"]),
    st.one_of(
        st.sampled_from(["application/json", "Bearer x", "Basic !", "\0", "*/*;q=x"]),
        st.text(st.characters(max_codepoint=255), max_size=30),
    ),
    max_size=2,
)

FIELDS = ["session_token", "granted", "pending", "timestamp", "toopher_sig", "error_code", "resource_type", "user_name"]


def everything() -> list:
    """What bad input must not change."""
    return [
        sorted(logged_in()),
        [*ToopherAccount.objects.order_by("pk").values("enabled", "paired", "name", "generation", "pairing_id")],
        [*Attempt.objects.exclude(outcome="pending").order_by("created").values("pk", "outcome", "spent")],
        [*RecoveryCode.objects.order_by("pk").values()],
        [*Pairing.objects.filter(state=Pairing.State.ENABLED).order_by("pk").values("pk")],
        [*Terminal.objects.order_by("pk").values("pk", "name", "extra")],
        [*SupportRun.objects.order_by("pk").values()],
        [*SupportItem.objects.order_by("pk").values()],
        len(SEEN) + len(DONE),
    ]
