"""What a site's own tests get: a verified client, and a phone that answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, TestCase

from django_toopher.models import ToopherAccount
from django_toopher.testing import SecondFactorMixin, make_phone, verified_login

LOGIN = {"username": "alice", "password": "password"}
ENGINES = ["db", "cache", "cached_db", "signed_cookies"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_verified_client_is_let_in_where_a_second_factor_is_due(engine, alice, settings, client):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.TOOPHER_POLICY = "required"
    client.force_login(alice)
    assert client.get("/members/").status_code == 302
    verified_login(client, alice)
    assert client.get("/members/").content == b"welcome alice"


def test_a_verified_client_costs_what_a_logged_in_one_costs(alice, client, settings, django_assert_num_queries):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    ToopherAccount.objects.create(user=alice, name="alice", paired=True, generation=3)
    verified_login(client, alice)
    with django_assert_num_queries(2):  # the session and the user
        client.get("/members/")


@pytest.mark.parametrize("embed", ["iframe", "redirect", "native"])
def test_a_phone_pairs_and_approves(embed, alice, client, settings):
    settings.TOOPHER_EMBED = embed
    phone = make_phone()
    client.force_login(alice)
    assert phone.pair(client).status_code == 302
    client.logout()
    assert client.post("/accounts/login/?next=/members/", LOGIN).status_code == 302
    assert phone.approve(client)["Location"] == "/members/"
    assert client.get("/members/").content == b"welcome alice"


def test_a_sites_own_look_may_have_an_image_before_the_iframe(alice, client, settings):
    look = '<img src="/logo.svg"><main>{% block content %}{% endblock %}</main>'
    loaders = [
        ("django.template.loaders.locmem.Loader", {"django_toopher/base.html": look}),
        "django.template.loaders.app_directories.Loader",
    ]
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}]
    client.force_login(alice)
    assert make_phone().pair(client).status_code == 302


def test_a_phone_denies(alice, client):
    phone = make_phone()
    client.force_login(alice)
    phone.pair(client)
    client.logout()
    client.post("/accounts/login/", LOGIN)
    assert phone.deny(client).status_code == 403
    assert client.get("/members/").status_code == 302


def test_a_phone_is_paired_on_the_way_where_that_is_asked_for(alice, client, settings):
    settings.TOOPHER_POLICY = "required"
    client.post("/accounts/login/", LOGIN)
    assert make_phone().approve(client).status_code == 302
    assert ToopherAccount.objects.get(user=alice).paired


def test_nothing_waits_is_said_plainly(db, client):
    with pytest.raises(AssertionError, match="asks for nothing"):
        make_phone().approve(client)


class TestMixin(SecondFactorMixin, TestCase):
    """As a site would use it."""

    def test_a_login_with_the_phone(self):
        user = get_user_model().objects.create_user("alice", password="password")
        self.verified_login(user)
        self.phone.pair(self.client)
        other = Client()
        other.post("/accounts/login/", LOGIN)
        self.assertRedirects(self.phone.approve(other), "/", fetch_redirect_response=False)


PROJECT = """
def test_a_page(verified_client, django_user_model):
    alice = django_user_model.objects.create_user("alice", password="password")
    assert verified_client(alice).get("/members/").content == b"welcome alice"

def test_a_login(toopher_phone, client, django_user_model):
    alice = django_user_model.objects.create_user("alice", password="password")
    client.force_login(alice)
    toopher_phone.pair(client)
    client.logout()
    client.post("/accounts/login/", {"username": "alice", "password": "password"})
    assert toopher_phone.approve(client).status_code == 302
"""


@pytest.mark.servers
def test_a_sites_tests_have_the_fixtures(tmp_path):
    (tmp_path / "test_site.py").write_text(PROJECT)
    plugins = ["-p", "no:randomly", "-p", "no:cacheprovider"]
    options = ["-q", "--ds=tests.settings", f"--rootdir={tmp_path}", *plugins]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_readmes_example_works_as_written(client, toopher_phone, django_user_model):
    readme = (Path(__file__).parents[2] / "README.rst").read_text()
    code = re.search(r"^    def test_a_login\(.*?\n(?=\n\S)", readme, re.MULTILINE | re.DOTALL)[0]
    namespace = {}
    exec(dedent(code), namespace)  # noqa: S102 (our own README)
    namespace["test_a_login"](client, toopher_phone, django_user_model)
