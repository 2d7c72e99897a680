"""Sites: registered, given new secrets, shut out; by command and in the admin."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_toopher import embedded
from django_toopher.client import RequestRefusedError, ToopherApi
from django_toopher.in_process import InProcessAdapter
from django_toopher.service.models import Requester
from django_toopher.service.people import requesters
from tests.tables import table


def api(key, secret):
    client = ToopherApi(key, secret, "https://testserver/toopher/v1")
    client.session.mount("https://testserver", InProcessAdapter())
    return client


def run(*words):
    out = io.StringIO()
    call_command("toopher_requester", "--format", "json", *words, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def site(db):
    return requesters.create("Club", ["https://club.example"])


def test_a_registered_site_can_call(site):
    assert api(site.consumer_key, site.consumer_secret).create_user("alice").name == "alice"


def test_two_sites_share_neither_key_nor_secret(db):
    one, other = (requesters.create("Club", []) for _ in range(2))
    assert one.consumer_key != other.consumer_key
    assert one.consumer_secret != other.consumer_secret


@table(
    "origin",
    ["*", "club.example", "https://club.example/path", "https://*.example", "https://a.example; script-src *", "null"],
)
def test_what_is_no_origin_is_refused(db, origin):
    with pytest.raises(ValidationError, match="origin"):
        requesters.create("Club", [origin])
    assert not Requester.objects.exists()


@table("origin", ["https://club.example", "http://localhost:8000", "https://[2001:db8::1]:8443"])
def test_an_origin_is_kept(db, origin):
    assert requesters.create("Club", [origin]).origin_list() == [origin]


def test_after_a_rotation_both_secrets_work_for_a_while(site):
    old = site.consumer_secret
    new = requesters.rotate(site)
    assert new != old
    for secret in (old, new):
        assert api(site.consumer_key, secret).create_user("alice")


def test_the_old_secret_ends(site):
    old = site.consumer_secret
    requesters.rotate(site)
    Requester.objects.update(previous_secret_expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(RequestRefusedError, match="OAuth"):
        api(site.consumer_key, old).create_user("alice")


def test_the_newest_secret_signs_postbacks(site):
    new = requesters.rotate(site)
    assert site.consumer_secrets()[0] == new


def test_the_embedded_secret_is_not_rotated_here(embedded_api):
    embedded_api.create_user("alice")
    with pytest.raises(ValidationError, match="SECRET_KEY"):
        requesters.rotate(Requester.objects.get())


def test_a_revoked_site_is_told_403(site):
    requesters.revoke(site)
    with pytest.raises(RequestRefusedError) as refused:
        api(site.consumer_key, site.consumer_secret).create_user("alice")
    assert refused.value.status == 403


def test_the_command_creates_rotates_lists_and_revokes(db):
    made = run("create", "Club", "--origin", "https://club.example")
    key = made["TOOPHER_CONSUMER_KEY"]
    assert api(key, made["TOOPHER_CONSUMER_SECRET"]).create_user("alice")
    rotated = run("rotate", key, "--overlap", "0")
    with pytest.raises(RequestRefusedError):
        api(key, made["TOOPHER_CONSUMER_SECRET"]).create_user("alice")
    assert api(key, rotated["TOOPHER_CONSUMER_SECRET"]).create_user("alice")
    run("revoke", key)
    [shown] = run("list")
    assert (shown["key"], shown["name"], shown["active"]) == (key, "Club", False)
    assert shown["origins"] == ["https://club.example"]
    run("restore", key)
    assert api(key, rotated["TOOPHER_CONSUMER_SECRET"]).create_user("alice")


def test_the_command_sets_limits_and_permissions(db):
    key = run("create", "Club", "--opt-out", "--question-limit", "50")["TOOPHER_CONSUMER_KEY"]
    [shown] = run("list")
    assert (shown["question_limit"], shown["permitted"]) == (
        50,
        ["challenge-required", "sms-authentication", "opt-out"],
    )
    changed = run("change", key, "--no-opt-out", "--no-sms-authentication", "--question-limit", "-1")
    assert (changed["question_limit"], changed["permitted"]) == (None, ["challenge-required"])


def test_the_command_changes_what_is_given_and_nothing_else(site):
    before = run("list")
    assert run("change", site.consumer_key) == before[0]
    changed = run("change", site.consumer_key, "--name", "Rowing", "--origin", "https://a.example")
    assert changed == {**before[0], "name": "Rowing", "origins": ["https://a.example"]}
    assert Requester.objects.get().consumer_secret == site.consumer_secret


def test_a_site_that_was_shut_out_is_told_so(site):
    requesters.revoke(site)
    with pytest.raises(RequestRefusedError) as refused:
        api(site.consumer_key, site.consumer_secret).create_user("alice")
    assert (refused.value.status, refused.value.code) == (403, 403)
    requesters.restore(site)
    assert api(site.consumer_key, site.consumer_secret).create_user("alice")


def test_the_admin_deletes_no_site(admin_client, site):
    assert admin_client.get(f"/admin/toopher_service/requester/{site.pk}/delete/").status_code == 403
    assert Requester.objects.exists()


def test_a_site_that_may_not_demand_an_answer_in_person_is_refused(site):
    requesters.change(site, permitted_challenge_required=False)
    client = api(site.consumer_key, site.consumer_secret)
    with pytest.raises(RequestRefusedError) as refused:
        client.authenticate("alice", "x", "Log In", terminal_name="PC", challenge_required=True)
    assert refused.value.code == 403


def test_a_site_that_may_not_pair_by_text_message_is_refused(site, settings):
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": "django_toopher.service.sms.backends.locmem.SmsBackend"}
    requesters.change(site, permitted_sms_authentication=False)
    with pytest.raises(RequestRefusedError) as refused:
        api(site.consumer_key, site.consumer_secret).pair("alice", "555-555-5555")
    assert refused.value.code == 403


def test_a_user_tells_what_its_site_may(site):
    requesters.change(site, permitted_sms_authentication=False)
    told = api(site.consumer_key, site.consumer_secret).post("users/create", name="alice")["requester"]
    assert (told["permitted_challenge_required"], told["permitted_sms_authentication"]) == (True, False)
    assert told["permitted_critical_actions"] is False


def test_the_list_shows_no_secret(site):
    out = io.StringIO()
    call_command("toopher_requester", "list", stdout=out)
    assert site.consumer_key in out.getvalue()
    assert site.consumer_secret not in out.getvalue()


@table(
    "words",
    [
        ("rotate", "nobody"),
        ("revoke", "nobody"),
        ("change", "nobody"),
        ("create", "Club", "--origin", "*"),
        ("create", ""),
    ],
)
def test_a_wrong_call_of_the_command_is_a_clear_error(db, words):
    with pytest.raises(CommandError):
        run(*words)


def test_the_admin_shows_a_new_sites_secret_once(admin_client):
    fields = {"name": "Club", "origins": "https://club.example", "postback_encoding": "python-php", "is_active": "on"}
    response = admin_client.post("/admin/toopher_service/requester/add/", fields)
    site = Requester.objects.get()
    shown = " ".join(str(message) for message in get_messages(response.wsgi_request))
    assert site.consumer_secret in shown
    page = admin_client.get(f"/admin/toopher_service/requester/{site.pk}/change/").content.decode()
    page = admin_client.get(f"/admin/toopher_service/requester/{site.pk}/change/").content.decode()
    assert site.consumer_key in page
    assert site.consumer_secret not in page


def test_the_admin_rotates_a_secret(admin_client, site):
    selected = {"action": "rotate_secret", "_selected_action": [str(site.pk)]}
    response = admin_client.post("/admin/toopher_service/requester/", selected)
    old, site = site.consumer_secret, Requester.objects.get()
    assert site.consumer_secret != old
    assert any(site.consumer_secret in str(message) for message in get_messages(response.wsgi_request))


def test_the_settings_name_holds_whenever_it_changes(db, settings):
    settings.TOOPHER_SERVICE_NAME = None
    assert requesters.by_key(embedded.CONSUMER_KEY, "club.example:8000").name == "club.example"
    settings.TOOPHER_SERVICE_NAME = "Rowing Club"
    assert requesters.by_key(embedded.CONSUMER_KEY, "club.example").name == "Rowing Club"
    settings.TOOPHER_SERVICE_NAME = None
    Requester.objects.update(name="Said in the admin")
    assert requesters.by_key(embedded.CONSUMER_KEY, "club.example").name == "Said in the admin"


def test_S22_the_number_is_switched_off_for_one_site_with_a_warning(site, capsys):
    assert run("list")[0]["number"] is True
    assert run("change", site.consumer_key, "--no-number")["number"] is False
    assert "one tap on the phone approves" in capsys.readouterr().err
    assert run("change", site.consumer_key, "--name", "Rowing Club")["number"] is False  # what is not given stays
    assert run("change", site.consumer_key, "--number")["number"] is True
    assert capsys.readouterr().err == ""
    run("create", "PAM", "--no-number")
    assert "PAM: no number is shown" in capsys.readouterr().err


def test_S22_the_admin_says_what_that_means(admin_client, site):
    url = f"/admin/toopher_service/requester/{site.pk}/change/"
    form = {"name": "Club", "postback_encoding": "python-php", "is_active": "on"}
    warned = admin_client.post(url, form, follow=True)
    assert "one tap on the phone approves" in warned.content.decode()
    assert not Requester.objects.get(pk=site.pk).shows_number
    again = admin_client.post(url, {**form, "name": "Rowing Club"}, follow=True)
    assert "one tap on the phone approves" not in again.content.decode()
