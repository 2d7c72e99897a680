"""A newcomer's way: ``startproject``, and the README's lines as they are printed there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SITE_TESTS = """
from django.contrib.auth import get_user_model
from django.test import Client, TestCase, override_settings

from django_toopher.testing import SecondFactorMixin


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])  # the others are slow by design
class Login(SecondFactorMixin, TestCase):
    def setUp(self):
        self.alice = get_user_model().objects.create_superuser("alice", "alice@example.com", "password")
        self.client.force_login(self.alice)
        self.phone.pair(self.client)
        self.browser = Client()

    def test_the_login_page_asks_for_the_phone(self):
        self.browser.post("/accounts/login/?next=/admin/", {"username": "alice", "password": "password"})
        self.assertRedirects(self.phone.approve(self.browser), "/admin/", fetch_redirect_response=False)
        self.assertContains(self.browser.get("/admin/"), "Toopher accounts")

    def test_the_admins_own_login_asks_for_the_phone(self):
        self.browser.post("/admin/login/?next=/admin/", {"username": "alice", "password": "password"})
        self.assertRedirects(self.browser.get("/admin/"), "/accounts/authenticate/", fetch_redirect_response=False)
        self.phone.approve(self.browser)
        self.assertContains(self.browser.get("/admin/"), "Toopher accounts")

    def test_the_account_page_is_for_who_has_passed_it(self):
        self.verified_login(self.alice)
        self.assertEqual(self.client.get("/accounts/phones/").status_code, 200)
"""


def blocks_of_readme() -> dict[str, str]:
    """The README's code for ``settings.py`` and ``urls.py``."""
    section = (ROOT / "README.rst").read_text().partition("Put it into your project\n")[2]
    found = re.findall(r"``(\w+\.py)``:\n\n\.\. code-block:: python\n\n((?:    .*\n|\n)+)", section)
    return {name: "\n".join(line[4:] for line in code.splitlines()) for name, code in found[:2]}


def additions(code: str, name: str) -> list[str]:
    """What the README puts into the list ``name``, behind its ``...``."""
    inside = re.search(rf"^{name} = \[\n(.*?)^\]", code, re.MULTILINE | re.DOTALL)[1]
    return [line for line in inside.splitlines() if line.strip() != "...,"]


def put_in(source: str, name: str, lines: list[str]) -> str:
    """``source`` with ``lines`` in its list ``name``: behind the one that it has already, else at the end."""
    start = source.index(f"{name} = [\n")
    end = source.index("\n]", start)
    new = [line for line in lines if line.strip() not in source[start:end]]
    for line in lines:
        if line not in new:
            end = source.index(line.strip(), start) + len(line.strip())
    return "\n".join([source[:end], *new]) + source[end:]


@pytest.fixture
def site(tmp_path) -> Path:
    """A project made by ``startproject``, with the README's lines in it."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "site1", str(tmp_path)], check=True, timeout=60)
    code = blocks_of_readme()
    settings, urls = tmp_path / "site1" / "settings.py", tmp_path / "site1" / "urls.py"
    text = put_in(
        settings.read_text().replace("'", '"'), "INSTALLED_APPS", additions(code["settings.py"], "INSTALLED_APPS")
    )
    text = put_in(text, "MIDDLEWARE", additions(code["settings.py"], "MIDDLEWARE"))
    text += "\n".join(re.findall(r"^[A-Z_]+ = [^\[].*$", code["settings.py"], re.MULTILINE)) + "\n"
    settings.write_text(text)
    text = put_in(urls.read_text().replace("'", '"'), "urlpatterns", additions(code["urls.py"], "urlpatterns"))
    imports = re.search(r"^from django.urls import .*\n", code["urls.py"])[0]
    urls.write_text(text.replace("from django.urls import path\n", imports))
    return tmp_path


def manage(site: Path, *arguments: str) -> str:
    left_out = ("DJANGO_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")  # the last: not each process compiles all of Django
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.servers
@pytest.mark.slow
def test_a_new_project_has_login_by_phone_with_the_readmes_lines(site):
    assert "no issues" in manage(site, "check", "--fail-level", "WARNING")
    manage(site, "migrate")
    (site / "site1" / "tests.py").write_text(SITE_TESTS)
    assert re.search(r"Ran 3 tests.*OK", manage(site, "test", "site1"), re.DOTALL)
