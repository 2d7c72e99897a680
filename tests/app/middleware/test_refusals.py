"""What is said in place of the view: a page that asks, or 403 with a reason; and the way back."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from tests.tables import table

from ..acts import AUTHENTICATE, POSTBACK, approve

pytestmark = pytest.mark.urls("tests.app.urls")

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


def test_S11_the_head_of_a_page_is_not_shown_either(unmarked):
    assert unmarked.client.head("/members/", secure=True)["Location"] == AUTHENTICATE


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


def test_what_the_person_wanted_is_kept_as_it_was(unmarked, phone):
    path = "/anything/?q=%C3%A9&next=//evil.example/&q=2"
    unmarked.get(path)
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == path


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
