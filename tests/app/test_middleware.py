"""Every other way in is held to the same rule (SECURITY.md S11)."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.contrib.staticfiles.views import serve as serve_static
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from django_toopher import connection, policy
from django_toopher.decorators import second_factor_exempt
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session.state import LET_IN, PENDING_LOGIN, VERIFIED
from django_toopher.support import verbs
from tests.factories import account_with, verified
from tests.tables import table

from .acts import ACCOUNT, AUTHENTICATE, LOGIN, POSTBACK, Statements, approve, outcomes, reason_of

pytestmark = pytest.mark.urls("tests.app.urls")

OURS = "django_toopher.middleware.ToopherMiddleware"


@pytest.fixture
def chief(staff, make_phone):
    """Somebody with a phone who may do everything in the admin."""
    staff.phone = make_phone("Chief's")
    account_with(staff.phone, staff)
    return staff


@pytest.fixture
def unmarked(account, computer):
    """Alice's computer, logged in by other code; her phone was not asked."""
    computer.client.force_login(account.user)
    return computer


def test_S11_the_login_of_the_admin_is_not_enough(chief, computer):
    credentials = {"username": "staff", "password": "password", "next": "/admin/auth/user/"}
    assert computer.post("/admin/login/", credentials)["Location"] == "/admin/auth/user/"
    assert computer.get("/admin/auth/user/")["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, chief.phone))["Location"] == "/admin/auth/user/"
    assert computer.get("/admin/auth/user/").status_code == 200


def test_S11_a_session_made_by_other_code_is_not_enough(unmarked, phone):
    assert unmarked.get("/members/?a=1&b=2")["Location"] == AUTHENTICATE
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == "/members/?a=1&b=2"
    assert unmarked.client.session[VERIFIED]
    assert unmarked.get("/members/").content == b"welcome alice"
    assert outcomes() == [("granted", "")]


def test_S11_a_session_of_another_backend_is_not_enough(account, computer, settings, phone):
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.AllowAllUsersModelBackend",
    ]
    backend = settings.AUTHENTICATION_BACKENDS[1]
    computer.client.force_login(account.user, backend=backend)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    computer.post(POSTBACK, approve(computer, phone))
    assert computer.client.session["_auth_user_backend"] == backend
    assert computer.is_logged_in()


def test_S11_a_password_reset_that_logs_in_is_not_enough(account, computer):
    uid = urlsafe_base64_encode(force_bytes(account.user.pk))
    page = computer.get(f"/reset/{uid}/{default_token_generator.make_token(account.user)}/")["Location"]
    new = {"new_password1": "a long new one", "new_password2": "a long new one"}
    assert computer.post(page, new)["Location"] == "/members/"
    assert computer.get("/members/")["Location"] == AUTHENTICATE


def test_S11_a_login_page_at_a_second_prefix_asks_too(account, computer, phone):
    response = computer.post("/second/login/", {"username": "alice", "password": "password"})
    assert response["Location"] == AUTHENTICATE
    assert not computer.is_logged_in()
    computer.post("/second/postback/", approve(computer, phone))
    assert computer.is_logged_in()


REFUSAL = {"reason": "second_factor_required", "authenticate_url": AUTHENTICATE}


@table("method", ["put", "patch", "delete", "options"])
def test_S11_what_is_no_page_is_refused_with_a_reason(method, unmarked):
    response = getattr(unmarked.client, method)("/anything/", secure=True)
    assert (response.status_code, response.json()) == (403, REFUSAL)
    assert not Attempt.objects.filter(kind="login").exists()


SCRIPTS = [
    {"accept": "application/json"},
    {"accept": "image/png"},
    {"sec-fetch-dest": "empty"},
    {"sec-fetch-dest": "image", "accept": "*/*"},
    {"x-requested-with": "XMLHttpRequest"},
    {"authorization": "Bearer x"},
]


@table("headers", SCRIPTS, ids=str)
@table("method", ["get", "head", "post"])
def test_S11_a_script_is_refused_with_a_reason(method, headers, unmarked):
    response = getattr(unmarked.client, method)("/anything/", secure=True, headers=headers)
    assert response.status_code == 403
    assert "no-store" in response["Cache-Control"]
    assert method == "head" or response.json() == REFUSAL
    assert not Attempt.objects.filter(kind="login").exists()


def test_S11_json_that_is_posted_is_refused_with_a_reason(unmarked):
    response = unmarked.client.post("/anything/", {"a": 1}, content_type="application/json", secure=True)
    assert (response.status_code, response.json()) == (403, REFUSAL)


def test_behind_a_password_of_the_web_server_pages_are_pages(unmarked):
    response = unmarked.get("/members/", headers={"authorization": "Basic x", "sec-fetch-dest": "document"})
    assert response["Location"] == AUTHENTICATE


def test_S11_a_form_is_not_carried_out_and_its_page_comes_back(unmarked, phone):
    page = "https://testserver/anything/?form=1"
    response = unmarked.post("/anything/", {"amount": "300"}, headers={"referer": page})
    assert (response.status_code, response["Location"]) == (303, AUTHENTICATE)
    assert "no-store" in response["Cache-Control"]
    told = unmarked.get(AUTHENTICATE).content.decode()
    assert "What you have sent was not carried out." in told
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == page


@table("referer", ["https://evil.example/", "javascript:1", "", "//evil.example"])
def test_S10_a_form_sent_from_elsewhere_leads_to_no_other_site(referer, account, make_computer, phone):
    unmarked = make_computer()
    unmarked.client.force_login(account.user)
    unmarked.post("/anything/", headers={"referer": referer})
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == "/"


def test_a_script_is_told_which_page_asks_and_comes_back_to_its_own(unmarked, phone):
    page = "https://testserver/members/?a=1"
    url = unmarked.get("/anything/", headers={"sec-fetch-dest": "empty", "referer": page}).json()["authenticate_url"]
    assert unmarked.get(url)["Location"] == AUTHENTICATE
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == page
    assert unmarked.get(url)["Location"] == page  # once more, verified
    assert unmarked.get(f"{AUTHENTICATE}?next=//evil.example/")["Location"] == "/"


def test_htmx_is_sent_to_the_page_that_asks(unmarked):
    headers = {"hx-request": "true", "hx-current-url": "https://testserver/members/", "sec-fetch-dest": "empty"}
    response = unmarked.get("/anything/", headers=headers)
    assert response.status_code == 403
    assert response["HX-Redirect"] == f"{AUTHENTICATE}?next=https%3A%2F%2Ftestserver%2Fmembers%2F"


def test_a_preflight_comes_without_a_session_and_is_the_sites_own_matter(computer, alice):
    assert computer.client.options("/anything/", secure=True).status_code == 302  # as without this app


def test_S11_the_head_of_a_page_is_not_shown_either(unmarked):
    assert unmarked.client.head("/members/", secure=True)["Location"] == AUTHENTICATE


def test_S11_logging_out_is_allowed(unmarked):
    assert unmarked.post("/logout/")["Location"] == "/"
    assert not dict(unmarked.client.session.items())


def test_S11_there_is_no_loop(unmarked):
    response = unmarked.get("/members/", follow=True)
    assert (response.status_code, len(response.redirect_chain)) == (200, 1)
    assert unmarked.get(LOGIN).status_code == 200
    assert reason_of(unmarked.post(POSTBACK, {})) == "invalid_postback"


def test_S11_giving_up_leaves_the_session_as_useless_as_before(unmarked):
    unmarked.get("/members/")
    assert unmarked.post("/accounts/cancel/")["Location"] == LOGIN
    assert not {PENDING_LOGIN, SESSION_KEY} & set(unmarked.client.session.keys())
    assert not unmarked.is_logged_in()


def test_giving_up_leads_to_the_login_page_of_the_site(unmarked, settings):
    settings.LOGIN_URL = "/admin/login/"
    unmarked.get("/members/")
    assert unmarked.post("/accounts/cancel/")["Location"] == "/admin/login/"


def test_giving_up_what_was_not_asked_leaves_a_verified_session_alone(account, computer):
    verified(computer, account.user)
    computer.post("/accounts/cancel/")
    assert computer.is_logged_in()


def test_S11_a_session_that_the_server_makes_within_the_request_is_not_enough(account, computer, settings):
    """As single sign-on by ``REMOTE_USER`` does it, for a browser without any cookie."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    behind = "django.contrib.auth.middleware.AuthenticationMiddleware"
    remote = "django.contrib.auth.middleware.RemoteUserMiddleware"
    order = [each for each in settings.MIDDLEWARE if each != behind]
    settings.MIDDLEWARE = [*order[:4], behind, remote, *order[4:]]
    assert computer.get("/members/", REMOTE_USER="alice")["Location"] == AUTHENTICATE
    assert computer.client.get("/members/", REMOTE_USER="alice", secure=True)["Location"] == AUTHENTICATE


def test_S11_somebody_verified_who_logs_in_by_other_code_is_asked_again(account, computer):
    verified(computer, account.user)
    assert computer.is_logged_in()
    computer.client.force_login(account.user)
    assert not computer.is_logged_in()


def test_S11_the_mark_of_one_user_serves_no_other(account, make_user, computer):
    computer.client.force_login(account.user)
    for mark in (VERIFIED, LET_IN):
        session = computer.client.session
        session[mark] = str(make_user(f"other {mark}").pk)
        session.save()
        assert not computer.is_logged_in()


@table("value", [True, 1, "", None, ["1"]], ids=repr)
def test_S11_a_mark_is_the_primary_key_and_nothing_else(value, unmarked):
    session = unmarked.client.session
    session[VERIFIED] = value
    session.save()
    assert not unmarked.is_logged_in()


def test_optional_lets_in_who_has_no_phone_and_asks_once_in_a_session(alice, computer):
    computer.client.force_login(alice)
    with Statements() as first:
        assert computer.is_logged_in()
    assert computer.client.session[LET_IN] == str(alice.pk)
    assert VERIFIED not in computer.client.session
    with Statements() as second:
        assert computer.is_logged_in()
    asked = [query for query in first.queries if "django_toopher" in query]
    assert (len(asked), [query for query in second.queries if "django_toopher" in query]) == (1, [])


def test_required_asks_who_has_no_phone_to_pair_one(alice, computer, phone, settings):
    settings.TOOPHER_POLICY = "required"
    computer.client.force_login(alice)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    frame = computer.open_iframe()
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"])["Location"] == "/members/"


def test_a_callable_is_asked(alice, staff, make_computer, settings):
    settings.TOOPHER_POLICY = "tests.app.policies.staff_only"
    for user, is_asked in [(alice, False), (staff, True)]:
        computer = make_computer()
        computer.client.force_login(user)
        assert computer.is_logged_in() is not is_asked


def test_somebody_who_opted_out_is_let_in(account, computer):
    ToopherAccount.objects.update(enabled=False)
    computer.client.force_login(account.user)
    assert computer.is_logged_in()
    assert VERIFIED not in computer.client.session


def test_somebody_let_in_before_the_phone_was_paired_does_not_reach_the_phones(alice, phone, computer):
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    account_with(phone, alice)
    assert computer.get("/accounts/phones/")["Location"] == AUTHENTICATE


def test_strangers_are_not_looked_at(db, computer):
    with Statements() as statements:
        assert computer.get("/").status_code == 200
        assert computer.get("/members/")["Location"] == f"{LOGIN}?next=/members/"
    assert not statements.queries + statements.controls


def test_the_embedded_service_works_in_an_unmarked_session(unmarked, phone):
    """Its pages are in an iframe of the same site, so the browser sends the session along."""
    unmarked.get("/members/")
    frame = unmarked.open_iframe()
    assert frame.state["state"] == "waiting"
    assert unmarked.get("/toopher/phone/").status_code == 200
    frame.approve(phone)
    assert frame.poll()["state"] == "finished"


def test_the_marks_stay_when_the_password_is_changed_by_its_owner(account, computer):
    account.user.is_staff = True
    account.user.save()
    verified(computer, account.user)
    new = {"old_password": "password", "new_password1": "a long new one", "new_password2": "a long new one"}
    assert computer.post("/admin/password_change/", new).status_code == 302
    assert computer.is_logged_in()


def test_a_view_may_be_exempt(unmarked, monkeypatch):
    from .urls import anything

    monkeypatch.setattr(anything, "second_factor_exempt", True, raising=False)
    assert unmarked.get("/anything/").content == b"GET /anything/"


def test_a_class_based_view_may_be_exempt(unmarked, monkeypatch):
    from .urls import Status

    assert unmarked.get("/status/")["Location"] == AUTHENTICATE
    second_factor_exempt(Status)
    try:
        assert unmarked.get("/status/").content == b"fine"
    finally:
        del Status.second_factor_exempt


@table("exempt", ["/anything/", "/anyth", "/members/", "/anything"])
def test_paths_may_be_exempt(exempt, unmarked, settings):
    settings.TOOPHER_EXEMPT_PATHS = [exempt]
    assert (unmarked.get("/anything/").status_code == 200) is (exempt == "/anything/")
    assert (unmarked.get("/anything/below/").status_code == 200) is (exempt == "/anything/")


def test_a_path_without_a_slash_at_the_end_is_that_one_alone(unmarked, settings):
    settings.TOOPHER_EXEMPT_PATHS = ["/healthz"]
    assert unmarked.get("/healthz").content == b"GET /healthz"
    assert unmarked.get("/healthz/more")["Location"] == AUTHENTICATE
    assert unmarked.get("/healthz/../anything/")["Location"] == AUTHENTICATE


def test_static_files_are_served_to_the_page_that_asks(unmarked, settings):
    settings.DEBUG = True
    response = unmarked.get("/static/django_toopher/toopher.css")
    response.close()
    assert response.resolver_match.func is serve_static
    assert response.status_code == 200


def later(seconds, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)


@pytest.mark.parametrize("setting", ["staff", "superusers", "group:Treasurers", ["superusers", "group:Treasurers"]])
def test_S11_who_comes_under_the_policy_during_a_session_is_asked_within_a_minute(
    setting, alice, computer, settings, monkeypatch
):
    settings.TOOPHER_POLICY = setting
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    type(alice).objects.update(is_staff=True, is_superuser=True)
    alice.groups.add(Group.objects.create(name="Treasurers"))
    assert computer.is_logged_in()
    later(61, monkeypatch)
    assert computer.get("/members/")["Location"] == AUTHENTICATE


def test_S11_another_policy_reaches_sessions_within_a_minute(alice, computer, settings, monkeypatch):
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    settings.TOOPHER_POLICY = "required"
    later(61, monkeypatch)
    assert not computer.is_logged_in()


def test_a_grace_period_lets_in_says_until_when_and_ends(alice, computer, settings, monkeypatch):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    computer.password()
    page = computer.get(ACCOUNT).content.decode()
    assert page.count("Pair a phone until") == 2  # the message, and what the page always says
    assert computer.get(ACCOUNT).content.decode().count("Pair a phone until") == 1
    assert VERIFIED not in computer.client.session
    ToopherAccount.objects.update(created=timezone.now() - timedelta(days=14))
    assert computer.is_logged_in()  # whoever joined later than that
    type(alice).objects.update(date_joined=timezone.now() - timedelta(days=14))
    later(61, monkeypatch)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    other = type(computer)()
    assert other.password()["Location"] == AUTHENTICATE
    assert other.open_iframe().state["state"] == "pairing"


def test_in_a_grace_period_who_has_a_phone_is_asked(account, computer, settings):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    assert computer.password()["Location"] == AUTHENTICATE


def test_S11_a_policy_that_raises_lets_nobody_in(account, alice, computer, phone, settings):
    ToopherAccount.objects.update(paired=False)
    settings.TOOPHER_POLICY = "tests.app.policies.broken"
    for way_in in (computer.password, lambda: (computer.client.force_login(alice), computer.get("/members/"))):
        with pytest.raises(policy.PolicyError, match="broken of TOOPHER_POLICY raised ZeroDivisionError"):
            way_in()
    assert LET_IN not in computer.client.session


def test_S08_a_verified_session_follows_what_support_does(account, computer, settings, monkeypatch):
    verified(computer, account.user)
    for seconds, act, is_in in [
        (61, verbs.disable, True),  # let in, not verified
        (122, verbs.enable, False),
    ]:
        act(account, connection.api())
        later(seconds, monkeypatch)
        assert computer.is_logged_in() is is_in
        assert VERIFIED not in computer.client.session
    settings.TOOPHER_POLICY = "required"
    verbs.reset(account, connection.api())
    later(61, monkeypatch)
    assert not computer.is_logged_in()


def test_S08_another_password_ends_a_verified_session(account, computer):
    verified(computer, account.user)
    account.user.set_password("another")
    account.user.save()
    assert computer.get("/members/")["Location"].startswith(LOGIN)


def test_what_the_person_wanted_is_kept_as_it_was(unmarked, phone):
    path = "/anything/?q=%C3%A9&next=//evil.example/&q=2"
    unmarked.get(path)
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == path


def test_standing_before_authentication_it_says_where_to_stand(settings, db):
    settings.MIDDLEWARE = [OURS, "django.contrib.sessions.middleware.SessionMiddleware"]
    with pytest.raises(ImproperlyConfigured, match="behind AuthenticationMiddleware"):
        Client().get("/")


def test_the_session_holds_nothing_but_marks_and_pending_in_plain_texts(unmarked):
    unmarked.get("/members/")
    kept = json.loads(json.dumps(unmarked.client.session[PENDING_LOGIN]))
    assert set(kept) == {"attempt", "token", "next_url", "backend"}
    assert (kept["next_url"], kept["backend"]) == ("/members/", "django.contrib.auth.backends.ModelBackend")
