"""A page that is to be confirmed is shown once, to who confirmed it; what the confirmation leaves behind."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from django_toopher.session import state as session_keys
from tests.app.acts import outcomes, reason_of
from tests.drivers import attribute
from tests.tables import table

from .pages import STEP_UP, Page, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_nobody_is_asked_before_logging_in(db, computer, seen):
    assert computer.get("/transfer/?a=1")["Location"] == "/accounts/login/?next=/transfer/%3Fa%3D1"
    assert computer.post("/transfer/").status_code == 302
    assert (seen, outcomes("step_up")) == ([], [])


def test_who_says_yes_is_verified_from_then_on(account, phone, make_computer, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    computer = make_computer()
    computer.client.force_login(account.user)
    key = computer.client.cookies["sessionid"].value
    asked(computer, "/transfer/", {"a": "1"}).confirm(phone)
    assert session_keys.VERIFIED in computer.client.session
    assert computer.client.cookies["sessionid"].value != key


def test_a_phone_that_is_paired_on_the_way_confirms(make_user, make_computer, phone, settings, seen):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    settings.TOOPHER_POLICY = "required"
    computer = make_computer()
    computer.client.force_login(make_user("bob"))
    page = asked(computer, "/transfer/", {"a": "1"})
    frame = page.frame()
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    response = computer.post(page.target, {**frame.poll()["postback"], **page.arguments})
    assert (response.status_code, len(seen)) == (302, 1)


def test_the_admin_shows_what_was_confirmed(alices, phone, staff, make_computer):
    asked(alices, "/pay/Bob/", {"amount": "300"}).confirm(phone)
    admin = make_computer()
    admin.client.force_login(staff)
    text = admin.get("/admin/django_toopher/attempt/?kind__exact=step_up").content.decode()
    assert "Pay 300 € to Bob" in text
    detail = admin.get(f"/admin/django_toopher/attempt/{Attempt.objects.get(kind='step_up').pk}/change/")
    assert "step-up" in detail.content.decode()
    assert Attempt.objects.get(kind="step_up").request_digest not in detail.content.decode()


def test_a_page_is_shown_once_it_was_confirmed(alices, phone, seen):
    page = asked(alices, "/transfer/?to=bob&to=ines")
    assert (page.way, page.action, page.target) == ("iframe", "Transfer money", STEP_UP)
    assert seen == []
    response = page.confirm(phone)
    assert (response.status_code, response["Location"]) == (302, "/transfer/?to=bob&to=ines")
    assert alices.get("/transfer/?to=bob&to=ines").content == b"transferred"
    assert [(each["method"], each["path"]) for each in seen] == [("GET", "/transfer/?to=bob&to=ines")]


def test_S13_an_approval_shows_the_page_once(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert alices.get("/transfer/").content == b"transferred"
    assert Page(alices, alices.get("/transfer/")).way == "iframe"
    assert len(seen) == 1


@pytest.fixture
def confirmed(alices, phone):
    """Alice has confirmed a page, which is not shown yet."""
    asked(alices, "/transfer/?to=bob").confirm(phone)


@table("path", ["/transfer/?to=eve", "/transfer/large/", "/secret/", "/transfer/?to=bob&x"])
def test_S13_the_approval_of_one_page_shows_no_other(path, alices, confirmed, seen):
    seen.clear()
    assert Page(alices, alices.get(path)).way == "iframe"
    assert seen == []
    assert alices.get("/transfer/?to=bob").content == b"transferred"  # which is not spoiled by it


def test_S13_the_approval_of_a_page_carries_out_no_form(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert Page(alices, alices.post("/transfer/", {"amount": "1"})).way == "iframe"
    assert seen == []


def test_S13_an_approval_is_spent_in_the_database_and_not_in_the_session(alices, phone, seen, settings):
    """A session that is brought back, as one that lives in a cookie can be, spends it no second time."""
    asked(alices, "/transfer/").confirm(phone)
    granted = alices.client.session[session_keys.STEP_UP_GRANT]
    assert alices.get("/transfer/").content == b"transferred"
    session = alices.client.session
    session[session_keys.STEP_UP_GRANT] = granted
    session.save()
    response = alices.get("/transfer/")
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_a_view_that_takes_no_post_can_be_confirmed(alices, phone, seen):
    assert asked(alices, "/secret/").confirm(phone)["Location"] == "/secret/"
    assert alices.get("/secret/").content == b"secret"


def test_a_no_on_the_phone_carries_nothing_out(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    response = alices.post(page.target, page.denied(phone))
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert "Nothing was carried out." in response.content.decode()
    assert attribute(response.content.decode().partition("toopher-primary")[2], "href") == "https://testserver/members/"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_S10_a_path_that_names_another_site_stays_on_this_one(alices, phone, seen):
    path = "//evil.example/transfer/"  # a view for any path
    page = Page(alices, alices.client.get("/x", secure=True, PATH_INFO=path))
    assert page.confirm(phone)["Location"] == "/%2Fevil.example/transfer/"
    assert alices.client.get("/x", secure=True, PATH_INFO=path).content == b"transferred"
    form = Page(alices, alices.client.post("/x", {"a": "1"}, secure=True, PATH_INFO=path))
    assert attribute(form.text, "toopher_postback") == "/%2Fevil.example/transfer/"
