"""The login pages: what the browser gets, and what its session holds."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.service.models import Requester
from django_toopher.session.state import LET_IN, PENDING_LOGIN, PENDING_PAIRING, VERIFIED
from tests.drivers import attribute
from tests.factories import account_with, verified
from tests.tables import table

from ..acts import (
    ACCOUNT,
    ACCOUNT_POSTBACK,
    AUTHENTICATE,
    LOGIN,
    POSTBACK,
    Statements,
    approval,
    approve,
    logged_in,
    outcomes,
    pairing,
    reason_of,
    remove,
    signed,
    signed_parameters,
    yes,
)

pytestmark = pytest.mark.urls("tests.app.urls")

COOKIE = "sessionid"


def session_key(computer) -> str:
    return computer.client.cookies[COOKIE].value


# S08: half logged in


@pytest.fixture
def half(account, staff, computer):
    """Alice, who may use the admin, behind the login page: her password was right, her phone was not asked yet."""
    account.user.is_staff = account.user.is_superuser = True
    account.user.save()
    computer.password()
    return computer


@pytest.fixture
def half_elsewhere(half, make_computer):
    """The same, logged in by other code than the login page."""
    computer = make_computer()
    computer.client.force_login(ToopherAccount.objects.get().user)
    return computer


PAGES = ["/members/", ACCOUNT, "/admin/", "/admin/password_change/", "/admin/auth/user/", "/anything/"]


@table("path", PAGES)
def test_S08_a_half_logged_in_session_opens_no_view(path, half, half_elsewhere):
    for computer in (half.twin(), half_elsewhere.twin()):
        response = computer.get(path)
        assert response.status_code == 302
        assert response["Location"].partition("?")[0] in {LOGIN, "/admin/login/", AUTHENTICATE}
        assert computer.post(path).status_code in {302, 303, 403}
    assert outcomes("pairing") == [("granted", "")]  # no page asked for another change of phones


def test_S08_a_half_logged_in_session_hands_in_no_change_of_phones(half, half_elsewhere, account, make_computer):
    fields = remove(verified(make_computer(), account.user))
    assert half.post(ACCOUNT_POSTBACK, fields)["Location"].startswith(LOGIN)
    assert half_elsewhere.post(ACCOUNT_POSTBACK, fields)["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().paired


def test_S08_a_half_logged_in_session_names_no_user(half):
    assert SESSION_KEY not in half.client.session
    assert set(half.client.session.keys()) == {PENDING_LOGIN}


def test_S08_no_password_and_no_hash_of_one_is_in_the_session(half, account):
    kept = json.dumps(dict(half.client.session.items()))
    user, attempt = account.user, Attempt.objects.get(kind="login")
    hashes = [user.password, *user.password.split("$")[1:], user.get_session_auth_hash(), attempt.auth_digest]
    for secret in ["password", *hashes]:
        assert secret not in kept


def test_S08_logging_out_removes_all_of_it(half, phone):
    fields = approve(half, phone)
    assert half.post("/logout/").status_code == 302
    assert PENDING_LOGIN not in half.client.session
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert not half.is_logged_in()


def test_S08_logging_in_again_removes_all_of_it(half, phone):
    fields, before = approve(half, phone), half.client.session[PENDING_LOGIN]
    half.password()
    after = half.client.session[PENDING_LOGIN]
    assert before["attempt"] != after["attempt"]
    assert before["token"] != after["token"]
    assert reason_of(half.post(POSTBACK, fields)) == "invalid_postback"
    assert not half.is_logged_in()


def test_S08_a_whole_login_as_another_removes_all_of_it(half, phone, make_user):
    fields = approve(half, phone)
    make_user("bob")
    assert half.password("bob")["Location"] == "/"  # who has no phone
    assert PENDING_LOGIN not in half.client.session
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert half.get("/members/").content == b"welcome bob"


def test_S08_cancelling_removes_all_of_it(half, phone):
    fields = approve(half, phone)
    assert half.post("/accounts/cancel/")["Location"] == LOGIN
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert outcomes() == [("failed", "abandoned")]
    assert half.get(AUTHENTICATE)["Location"] == LOGIN


def test_cancelling_takes_the_question_back_at_the_phone(half, phone):
    half.open_iframe()
    assert len(phone.pending().requests) == 1
    half.post("/accounts/cancel/")
    assert phone.pending().requests == ()


def test_a_second_login_takes_the_first_question_back_at_the_phone(half, phone):
    half.open_iframe()
    (first,) = phone.pending().requests
    half.password()
    assert phone.pending().requests == ()
    frame = half.open_iframe()
    (second,) = phone.pending().requests
    assert second.id != first.id
    assert outcomes() == [("failed", "abandoned"), ("pending", "")]
    frame.approve(phone)
    assert half.post(POSTBACK, frame.poll()["postback"]).status_code == 302


@pytest.mark.parametrize("username", ["alice", "bob"])
def test_a_login_as_another_takes_the_question_back_too(username, half, phone, make_user):
    make_user("bob")  # who has no phone
    half.open_iframe()
    half.password(username)
    assert phone.pending().requests == ()
    assert outcomes()[0] == ("failed", "abandoned")


def test_a_wrong_password_leaves_the_question_where_it_is(half, phone):
    half.open_iframe()
    half.password(password="wrong")
    assert len(phone.pending().requests) == 1


def test_S04_a_yes_to_the_first_question_logs_nobody_in_after_a_second_login(half, phone):
    fields = approve(half, phone)
    half.password()
    assert reason_of(half.post(POSTBACK, fields)) == "invalid_postback"
    assert not half.is_logged_in()


def test_another_browser_keeps_its_question(half, phone, make_computer):
    half.open_iframe()
    make_computer().password()
    assert len(phone.pending().requests) == 1


def test_S08_a_wrong_password_begins_nothing(account, computer):
    assert computer.password(password="wrong").status_code == 200
    assert not Attempt.objects.filter(kind="login").exists()
    assert COOKIE not in computer.client.cookies


def test_S08_a_login_forgets_the_marks_of_the_one_before(account, computer, phone):
    computer.log_in(phone)
    assert computer.client.session[VERIFIED] == str(account.user.pk)
    computer.client.force_login(account.user)
    assert not {VERIFIED, LET_IN, PENDING_LOGIN, PENDING_PAIRING} & set(computer.client.session.keys())
    assert not computer.is_logged_in()


# S09: the session's key


def test_S09_the_key_changes_with_the_password_and_with_the_login(account, computer, phone):
    planted = SessionStore()
    planted["basket"] = "oars"
    planted.create()
    computer.client.cookies[COOKIE] = planted.session_key
    fields = approval(computer, phone, next_url="/members/")
    after_password = session_key(computer)
    response = computer.post(POSTBACK, fields)
    after_login = session_key(computer)
    assert len({planted.session_key, after_password, after_login}) == 3
    assert not Session.objects.filter(pk__in=[planted.session_key, after_password]).exists()
    assert response["Location"] == "/members/"
    assert computer.client.session["basket"] == "oars"


def test_S09_a_planted_key_is_worthless(account, computer, phone, make_computer):
    planted = SessionStore()
    planted.create()
    computer.client.cookies[COOKIE] = planted.session_key
    thief = make_computer()
    fields = approval(computer, phone)
    for moment in ("after the password", "after the login"):
        thief.client.cookies[COOKIE] = planted.session_key
        assert thief.get(AUTHENTICATE)["Location"] == LOGIN, moment
        assert not thief.is_logged_in(), moment
        thief.client.cookies[COOKIE] = planted.session_key
        assert reason_of(thief.post(POSTBACK, fields)) == "nothing_pending", moment
        if moment == "after the password":
            assert computer.post(POSTBACK, fields).status_code == 302


def test_S09_a_key_that_nobody_made_is_not_taken_over(account, computer):
    computer.client.cookies[COOKIE] = "a" * 32
    computer.password()
    assert session_key(computer) != "a" * 32


def test_S09_the_key_changes_where_other_code_logged_in(account, computer, phone):
    computer.client.force_login(account.user)
    before = session_key(computer)
    computer.get("/members/")
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == "/members/"
    assert session_key(computer) != before
    assert not Session.objects.filter(pk=before).exists()


def test_S09_a_key_that_a_thief_with_the_password_planted_gains_nothing(account, computer, phone, make_computer):
    thief = make_computer()
    thief.client.force_login(account.user)  # by whatever page that asks for the password only
    computer.client.cookies[COOKIE] = session_key(thief)
    computer.get("/members/")
    computer.post(POSTBACK, approve(computer, phone))
    assert computer.is_logged_in()
    assert not thief.is_logged_in()


def test_S09_the_key_changes_with_the_pairing_that_verifies(alice, computer, phone, make_computer):
    thief = make_computer()
    thief.password()
    thief.get("/members/")
    computer.client.cookies[COOKIE] = session_key(thief)
    computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))
    assert computer.get(ACCOUNT).status_code == 200
    assert thief.get(ACCOUNT).status_code == 302


# S10: next

FOREIGN = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\x01//evil.example",
    " //evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "https://testserver:8443/",
    "http://testserver/members/",
    "https://[::1",
    "ftp://testserver/",
]


@table("field", ["query", "body"])
@table("target", FOREIGN, ids=ascii)
def test_S10_next_does_not_lead_away(target, field, account, make_computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], make_computer()
    credentials = {"username": "alice", "password": "password"}
    if field == "query":
        computer.client.post(LOGIN, credentials, secure=True, query_params={"next": target})
    else:
        computer.post(LOGIN, {**credentials, "next": target})
    assert computer.post(POSTBACK, yes(computer, account))["Location"] == "/"


@pytest.fixture
def approved(account, computer, phone):
    """Alice's approval, which is not handed in yet and leads to a page of this site."""
    return approval(computer, phone, next_url="/members/")


@table("target", FOREIGN, ids=ascii)
def test_S10_next_is_checked_again_after_it_was_kept(target, approved, computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], computer.twin()
    session = computer.client.session
    session[PENDING_LOGIN] = {**session[PENDING_LOGIN], "next_url": target}
    session.save()
    assert computer.post(POSTBACK, approved)["Location"] == "/"


@table("target", ["https://evil.example/", "/admin/", '{"next": "https://evil.example/"}'])
def test_S10_metadata_of_the_postback_leads_nowhere(target, approved, computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], computer.twin()
    both = signed(approved, requester_metadata=target, next=target, redirect_to=target)
    assert computer.post(POSTBACK, both)["Location"] == "/members/"


def test_S10_a_path_that_looks_like_a_host_leads_to_this_one(account, computer, phone, settings):
    settings.ALLOWED_HOSTS = ["*"]
    computer.client.force_login(account.user)
    response = computer.get("/", PATH_INFO="//evil.example/members/")
    assert response["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] in {"/", "/%2Fevil.example/members/"}


@table("target", ["/members/?a=1&b=%20x#y", "https://testserver/members/", "?a=1"], ids=str)
def test_next_survives_the_second_factor(target, account, make_computer, phone):
    computer = make_computer()
    computer.client.post(
        LOGIN, {"username": "alice", "password": "password"}, secure=True, query_params={"next": target}
    )
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == target


def test_without_next_a_login_leads_to_the_redirect_url(account, computer, phone, settings):
    settings.LOGIN_REDIRECT_URL = "members"
    assert computer.log_in(phone)["Location"] == "/members/"


# S14: robots


@table("method", ["get", "head"])
@table("path", [LOGIN, f"{LOGIN}?next=/members/", AUTHENTICATE])
def test_S14_a_page_that_a_robot_sees_writes_nothing(method, path, db, computer):
    with Statements() as statements:
        response = getattr(computer.client, method)(path, secure=True)
    assert response.status_code == (302 if path == AUTHENTICATE else 200)
    assert not statements.queries + statements.controls
    assert COOKIE not in response.cookies
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()


def test_S14_a_robot_with_an_old_session_writes_nothing(db, computer):
    computer.client.cookies[COOKIE] = "a" * 32
    with Statements() as statements:
        computer.get(LOGIN)
    assert not [query for query in statements.queries if not query.startswith("SELECT")]
    assert not Session.objects.exists()


# The page that asks


def test_the_page_asks_for_what_the_settings_say(account, computer, settings):
    settings.TOOPHER_AUTOMATION_ALLOWED = False
    settings.TOOPHER_CHALLENGE_REQUIRED = True
    settings.TOOPHER_IFRAME_TTL = 20
    settings.TOOPHER_ACTION_NAME = "Enter"
    computer.password()
    asked = signed_parameters(computer)
    assert (asked["username"], asked["reset_email"], asked["action_name"]) == ("alice", "alice@example.com", "Enter")
    assert (asked["automation_allowed"], asked["challenge_required"]) == ("False", "True")
    assert 18 <= int(asked["expires"]) - int(asked["oauth_timestamp"]) <= 20
    assert asked["allow_inline_pairing"] == "False"
    assert asked["requester_specified_terminal_id"] == computer.client.cookies["toopher_terminal"].value


def test_a_phone_is_paired_on_the_way_where_one_is_demanded(alice, computer, settings):
    settings.TOOPHER_POLICY = "required"
    computer.password()
    assert signed_parameters(computer)["allow_inline_pairing"] == "True"


@pytest.mark.parametrize("has_codes", [True, False], ids=["codes", "no codes"])
def test_who_has_no_phone_yet_is_told_to_pair_one(has_codes, alice, computer, settings):
    settings.TOOPHER_POLICY = "required"
    if has_codes:
        recovery_codes.make(alice)
    computer.password()
    page = computer.get(AUTHENTICATE).content.decode()
    assert "This site asks for a phone, too: pair yours now." in page
    assert "Now confirm with your phone." not in page
    assert ("My phone is gone, or not here" in page) == has_codes


def test_who_has_a_phone_is_told_to_confirm_with_it(account, computer, settings):
    settings.TOOPHER_POLICY = "required"
    computer.password()
    page = computer.get(AUTHENTICATE).content.decode()
    assert "Now confirm with your phone." in page
    assert "My phone is gone, or not here" in page


def test_the_page_is_kept_by_no_cache_and_framed_by_nobody(account, computer):
    computer.password()
    response = computer.get(AUTHENTICATE)
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"


def test_the_page_can_be_loaded_again(account, computer, phone):
    computer.password()
    first, second = computer.open_iframe(), computer.open_iframe()
    assert first.token != second.token
    second.approve(phone)
    assert computer.post(POSTBACK, second.poll()["postback"]).status_code == 302


@pytest.mark.parametrize("is_member", [False, True])
def test_the_page_without_anything_pending_leads_on(is_member, alice, computer):
    if is_member:
        computer.password()
        computer.get("/members/")
    assert computer.get(AUTHENTICATE)["Location"] == ("/" if is_member else LOGIN)


def test_the_page_tells_that_the_time_is_over(account, computer):
    computer.password()
    Attempt.objects.update(expires="2020-01-01T00:00Z")
    response = computer.get(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert PENDING_LOGIN not in computer.client.session


def test_a_failure_says_what_to_do_next(account, computer):
    computer.password()
    response = computer.post(POSTBACK, {"error_code": "704"})
    page = response.content.decode()
    assert attribute(page, "href").endswith(".css")
    assert f'href="{LOGIN}"' in page
    assert 'role="alert"' in page


@table("path", [POSTBACK, "/accounts/cancel/", ACCOUNT_POSTBACK])
def test_only_posts_are_taken_with_a_csrf_token(path, alice, make_computer):
    computer = make_computer()
    computer.password()
    assert computer.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = computer.client.cookies
    assert strict.post(path, secure=True).status_code == 403
    assert Attempt.objects.count() == 0


def test_the_csrf_token_of_the_page_is_what_the_script_posts_along(account, computer, phone):
    strict = type(computer)()
    strict.client = Client(enforce_csrf_checks=True)
    token = attribute(strict.get(LOGIN).content.decode().partition("csrfmiddlewaretoken")[2], "value")
    referer = {"Referer": f"https://testserver{LOGIN}"}
    credentials = {"username": "alice", "password": "password", "csrfmiddlewaretoken": token}
    strict.post(LOGIN, credentials, headers=referer)
    post_args = json.loads(attribute(strict.get(AUTHENTICATE).content.decode(), "framework_post_args"))
    response = strict.post(POSTBACK, {**approve(strict, phone), **post_args}, headers=referer)
    assert response.status_code == 302


def test_login_pages_open_to_everybody_where_all_pages_need_a_login(account, computer, phone, settings):
    needed = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, needed]
    assert computer.get(LOGIN).status_code == 200
    assert computer.get("/")["Location"].startswith(LOGIN)
    assert computer.log_in(phone).status_code == 302
    assert computer.get("/").status_code == 200


def test_a_user_without_a_phone_logs_in_with_the_password(alice, computer):
    assert computer.password(next_url="/members/")["Location"] == "/members/"
    assert computer.is_logged_in()
    assert not Attempt.objects.exists()
    assert VERIFIED not in computer.client.session


def test_somebody_logged_in_can_log_in_as_another(account, make_user, phone, computer):
    make_user("bob")
    computer.password("bob")
    fields = approval(computer, phone)
    assert computer.get("/members/").content == b"welcome bob"
    computer.post(POSTBACK, fields)
    assert computer.get("/members/").content == b"welcome alice"


# The account page


def test_the_account_page_pairs(alice, phone, computer):
    computer.password()
    response = computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))
    assert response["Location"] == ACCOUNT
    assert ToopherAccount.objects.get(user=alice).paired
    assert computer.client.session[VERIFIED] == str(alice.pk)
    assert PENDING_PAIRING not in computer.client.session
    assert b"The phone is paired." in computer.get(ACCOUNT).content


def test_the_account_page_needs_the_second_factor_once_a_phone_is_paired(alice, phone, computer):
    computer.password()  # let in before there was a phone
    computer.get("/members/")
    account_with(phone, alice)
    assert computer.get(ACCOUNT)["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == ACCOUNT
    assert computer.get(ACCOUNT).status_code == 200


def test_the_account_page_removes_all_phones_at_once(account, reset, computer):
    assert computer.post(ACCOUNT_POSTBACK, reset)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.pairing_id, account.enabled) == (False, "", True)
    assert b"The change was made." in computer.get(ACCOUNT).content


def test_who_may_opt_out_on_the_account_page_gets_in_with_the_password(account, computer, make_computer):
    verified(computer, account.user)
    Requester.objects.update(permitted_opt_out=True)
    postback = computer.open_iframe(ACCOUNT).call("switch", enabled="false")["postback"]
    assert computer.post(ACCOUNT_POSTBACK, postback)["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.enabled) == (True, False)
    other = make_computer()
    other.password()
    assert other.is_logged_in()


@pytest.fixture
def reset(account, computer):
    """What says that Alice has removed all phones; it is not handed in yet."""
    return verified(computer, account.user).open_iframe(ACCOUNT).call("reset")["postback"]


@table("changes", [{"name": "bob"}, {"id": "another"}, {"toopher_sig": "x"}])
def test_S06_a_change_of_another_user_changes_nothing(account, reset, computer, changes):
    changed = {**reset, **changes}
    if "toopher_sig" not in changes:
        changed = signed(changed)
    assert computer.post(ACCOUNT_POSTBACK, changed).status_code == 403
    account.refresh_from_db()
    assert account.paired


def test_the_account_page_removes_the_last_phone_and_the_password_is_enough_again(account, computer, make_computer):
    verified(computer, account.user)
    assert computer.post(ACCOUNT_POSTBACK, remove(computer))["Location"] == ACCOUNT
    account.refresh_from_db()
    assert (account.paired, account.pairing_id) == (False, "")
    assert b"The phone was removed." in computer.get(ACCOUNT).content
    other = make_computer()
    other.password()
    assert other.is_logged_in()


def test_another_phone_that_is_left_stays_due(account, phone, make_phone, computer, make_computer):
    verified(computer, account.user)
    another = make_phone("another")
    assert computer.post(ACCOUNT_POSTBACK, pairing(computer, another)).status_code == 302
    account.refresh_from_db()
    newest = account.pairing_id
    assert computer.post(ACCOUNT_POSTBACK, remove(computer, newest)).status_code == 302
    account.refresh_from_db()
    assert account.paired
    assert account.pairing_id not in {"", newest}
    other = make_computer()
    assert other.log_in(phone).status_code == 302
    assert other.is_logged_in()


def test_a_change_of_phones_is_taken_once(account, computer):
    fields = remove(verified(computer, account.user))
    assert computer.post(ACCOUNT_POSTBACK, fields).status_code == 302
    response = computer.post(ACCOUNT_POSTBACK, fields)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")


@table(
    ("policy", "state", "text"),
    [
        ("optional", {}, "your password alone signs you in"),
        ("required", {}, "You will be asked to pair one at your next sign-in"),
        ("optional", {"paired": True}, "A phone is paired"),
        ("optional", {"enabled": False}, "is switched off for your account"),
    ],
)
def test_the_account_page_says_how_things_stand(policy, state, text, alice, make_computer, settings):
    ToopherAccount.objects.create(user=alice, name="alice", **state)
    settings.TOOPHER_POLICY = policy
    assert text in verified(make_computer(), alice).get(ACCOUNT).content.decode()


def test_the_account_page_is_for_people_who_are_logged_in(db, computer):
    assert computer.get(ACCOUNT)["Location"] == f"{LOGIN}?next={ACCOUNT}"
    assert not logged_in()
