"""Whatever is sent to the postback and to every form: a clear answer, never a fault of ours, and nothing changed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, RecoveryCode, SupportItem, SupportRun, ToopherAccount
from django_toopher.service.models import Pairing, Terminal
from django_toopher.session.computer import COOKIE
from django_toopher.support import runs, verbs
from tests.factories import verified

from .acts import ACCOUNT_POSTBACK, AUTHENTICATE, LOGIN, POSTBACK, approve, logged_in, pairing, undone
from .rest_urls import DONE
from .step_up_urls import SEEN
from .ways import HELD, PATH, RECOVER, STEP_UP, confirmed_form, form_by_password

RETURN = "/accounts/return/"
PHONES = "/accounts/phones/change/"
ACCOUNTS = "/admin/django_toopher/toopheraccount/"
ATTEMPTS = "/admin/django_toopher/attempt/"
RUNS = "/admin/django_toopher/supportrun/"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]

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


@pytest.fixture(autouse=True)
def carried_out():
    """What confirmed views were given in this test."""
    SEEN.clear()
    DONE.clear()
    return lambda: len(SEEN) + len(DONE)


@pytest.fixture
def alices(account, browser):
    """Alice's browser, logged in and verified; the service knows it by its cookie."""
    browser.client.cookies[COOKIE] = "x" * 43
    Terminal.objects.create(user=Pairing.objects.get().user, name="Browser", extra="x" * 43)
    return verified(browser, account.user)


@pytest.fixture
def half(account, browser):
    """Alice's browser, after the password."""
    browser.password()
    return browser


@pytest.fixture
def support_desk(account, staff, browser):
    browser.client.force_login(staff)
    return browser


@pytest.fixture
def approved(half, phone):
    """The genuine postback of an approved login."""
    return approve(half, phone)


@pytest.fixture
def changed(alices, phone):
    """The genuine postback of a new phone."""
    return pairing(alices, phone)


@pytest.fixture
def confirmed(alices, phone):
    """The genuine fields of a confirmed form."""
    _path, fields = confirmed_form(alices, phone)
    return fields


@pytest.fixture
def held(alices, phone, settings):
    """Carries out a form that waits for the password."""
    return form_by_password(alices, phone, settings)


@pytest.fixture
def codes_on_paper(account):
    return recovery_codes.make(account.user)


@pytest.fixture
def run(account):
    """A support run that nobody has confirmed."""
    return runs.create(verbs.VERBS["disable"], [account])


@pytest.fixture
def before():
    """How everything stands after the fixtures named before this one: name it last. Examples are ``undone``."""
    return everything()


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


FIELDS = ["session_token", "granted", "pending", "timestamp", "toopher_sig", "error_code", "resource_type", "user_name"]


@fuzzed
@given(fields=forms(*FIELDS), mix=st.booleans(), path=st.sampled_from([POSTBACK, AUTHENTICATE]))
def test_S01_whatever_is_posted_in_place_of_an_approval(fields, mix, path, half, approved, before):
    if mix:
        fields = {**approved, **fields, "toopher_sig": fields.get("toopher_sig", "x")}
    with undone(half):
        response = half.post(path, fields)
        assert response.status_code == (403 if path == POSTBACK else 405)
        assert everything() == before


@fuzzed
@given(fields=forms(*FIELDS), mix=st.booleans())
def test_S01_whatever_is_posted_in_place_of_a_change_of_phones(fields, mix, alices, changed, before):
    if mix:
        fields = {**changed, **fields, "toopher_sig": fields.get("toopher_sig", "x")}
    with undone(alices):
        assert alices.post(ACCOUNT_POSTBACK, fields).status_code == 403
        assert everything() == before


@fuzzed
@given(query=forms("to"), sent=headers)
def test_S10_whatever_the_way_back_is_told(query, sent, db, browser):
    response = browser.get(RETURN, data=query, headers=sent)
    assert response.status_code == 200
    assert "evil" not in response.content.decode()


@fuzzed
@given(fields=forms("code"))
def test_S03_whatever_is_typed_in_place_of_a_recovery_code(fields, half, codes_on_paper, before):
    with undone(half):
        response = half.post(RECOVER, fields)
        assert (response.status_code, b"not right" in response.content) == (200, True)
        assert everything() == before


@fuzzed
@given(fields=forms("step", "code", "phrase"), step=st.sampled_from(["code", "phrase", "ask", "pair", ""]))
def test_S03_whatever_is_posted_to_our_own_page(fields, step, half, settings, before):
    settings.TOOPHER_EMBED = "native"
    settings.TOOPHER_SERVICE_NUMBER_FAILURES = 10_000
    with undone(half):
        response = half.post(AUTHENTICATE, {**fields, "step": step})
        assert response.status_code in {200, 302, 403, 503}
        assert not half.is_logged_in()
        denied = [row for row in everything()[2] if row not in before[2]]
        assert {row["outcome"] for row in denied} <= {"denied", "failed"}


@fuzzed
@given(fields=forms("phrase", "phone"), step=st.sampled_from(["phrase", "remove", "pair", "", "x"]))
def test_S17_whatever_is_posted_to_change_phones(fields, step, alices, settings, before):
    settings.TOOPHER_EMBED = "native"
    with undone(alices):
        assert alices.post(PHONES, {**fields, "step": step}).status_code in {302, 403}
        assert everything() == before


@fuzzed
@given(fields=forms("computer", "name", "forget"))
def test_S17_whatever_is_posted_about_computers(fields, alices, before):
    with undone(alices):
        assert alices.post("/accounts/phones/computer/", fields).status_code == 302
        assert everything() == before


@fuzzed
@given(name=texts)
def test_a_computer_takes_any_name_or_keeps_its_own(name, alices):
    terminal = Terminal.objects.filter(user__name="alice").first()
    response = alices.post("/accounts/phones/computer/", {"computer": str(terminal.pk), "name": name})
    assert response.status_code == 302
    kept = Terminal.objects.get(pk=terminal.pk).name
    assert kept
    assert kept.isprintable()
    assert len(kept) <= 100
    assert alices.get("/accounts/phones/").status_code == 200


@fuzzed
@given(fields=forms("username", "password", "next"), sent=headers)
def test_whatever_is_typed_to_log_in(fields, sent, account, browser, before):
    with undone(browser):
        assert browser.post(LOGIN, fields, headers=sent).status_code in {200, 302}
        assert everything() == before


@fuzzed
@example(sent={"User-Agent": "\0"}, terminal="\0")
@given(sent=headers, terminal=st.text(st.characters(max_codepoint=255), max_size=60))
def test_whatever_a_browser_says_of_itself(sent, terminal, account, browser):
    browser.client.cookies["toopher_terminal"] = terminal
    browser.client.cookies["toopher_silent"] = "1"
    response = browser.client.post(LOGIN, {"username": "alice", "password": "password"}, secure=True, headers=sent)
    assert response.status_code == 302
    assert browser.get(AUTHENTICATE, headers=sent).status_code == 200
    assert browser.get("/members/", headers=sent).status_code in {302, 403}


@fuzzed
@given(fields=forms("toopher_password", "session_token", "toopher_sig"), held=values, kind=st.integers(0, 2))
def test_S13_whatever_is_posted_in_place_of_a_confirmation(fields, held, kind, alices, confirmed, before):
    genuine = confirmed[HELD]
    sent = [{HELD: held}, {HELD: genuine}, {**confirmed, HELD: genuine[:-1] + "\0"}][kind]
    with undone(alices):
        for path in (PATH, STEP_UP):
            response = alices.post(path, {**fields, **sent})
            assert response.status_code in {200, 403}
        after = everything()
    assert {row["outcome"] for row in after[2] if row not in before[2]} <= {"failed"}
    assert after[:2] + after[3:] == before[:2] + before[3:]


@fuzzed
@given(password=values)
def test_S13_whatever_is_typed_in_place_of_the_password(password, alices, held):
    post = alices.post
    alices.post = lambda path, fields, **extra: post(path, {**fields, "toopher_password": password}, **extra)
    with undone(alices):
        response = held()
    del alices.post
    assert response.status_code == 200
    assert b"That password is wrong" in response.content
    assert not SEEN


@fuzzed
@given(sent=headers, fields=forms("amount"), ticket=st.text(st.characters(max_codepoint=255), max_size=80))
def test_S13_whatever_a_client_sends(sent, fields, ticket, alices, before):
    with undone(alices):
        for path in (PATH, "/rest/pay/"):
            extra = {"Accept": "application/json", **sent, "X-Toopher-Step-Up": ticket}
            response = alices.post(path, fields, headers=extra)
            assert response.status_code in {200, 400, 401, 403, 404, 406}
        assert everything() == before


@fuzzed
@given(fields=forms("press", "verb", "action", "_selected_action"), query=forms("page", "outcome"))
def test_S16_whatever_is_pressed(fields, query, support_desk, account, run, before):
    page = f"{RUNS}{run.pk}/change/"
    with undone(support_desk):
        assert support_desk.post(page, fields).status_code == 400
        assert support_desk.post(f"{ACCOUNTS}{account.pk}/support/", fields).status_code == 404
        assert support_desk.get(page, data=query).status_code == 200
        assert everything() == before


FILTERS = [
    "q",
    "p",
    "o",
    "all",
    "outcome__exact",
    "kind__exact",
    "method__exact",
    "created__gte",
    "created__year",
    "used",
]
FILTERS += ["verb__exact", "enabled__exact", "user__isempty", "deleted", "created__day", "e", "nonsense", "outcome__in"]


@settings(fuzzed, max_examples=30)
@given(query=st.dictionaries(st.sampled_from(FILTERS), values, max_size=3))
@example(query={"created__year": "9" * 30})
@example(query={"created__year": "0", "created__day": "9" * 30})
@example(query={"outcome__exact": "\0"})
def test_S16_whatever_a_list_is_filtered_by(query, support_desk):
    for page in (ATTEMPTS, f"{ATTEMPTS}export/", ACCOUNTS, RUNS):
        response = support_desk.get(page, data=query)
        assert response.status_code in {200, 302, 400, 404}
        if response.streaming and not response.is_async:
            assert b"".join(response.streaming_content)


@settings(fuzzed, max_examples=15)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/json",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "",
        ]
    ),
)
def test_S35_whatever_bytes_are_posted(body, kind, alices, before):
    with undone(alices):
        for path in (POSTBACK, ACCOUNT_POSTBACK, RECOVER, PHONES, "/accounts/phones/computer/", STEP_UP, LOGIN, PATH):
            response = alices.client.post(path, body, content_type=kind, secure=True)
            assert response.status_code in {200, 302, 400, 403}, path
        assert everything() == before
