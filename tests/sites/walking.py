"""A person at a browser without a window, and a phone, in front of real servers. They know the pages' contract only."""

from __future__ import annotations

import email
import email.policy
import html
import json
import os
import re
import subprocess
import sys
from copy import copy
from pathlib import Path
from urllib.parse import urljoin

import requests

from django_toopher.service.device.cli_phone import CommandLinePhone

from .serve import KINDS, PEOPLE

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """A site that runs: where, and who of its people has done nothing yet."""

    def __init__(self, urls: dict[str, str], folder: Path, people: list[str]) -> None:
        self.urls, self.url, self.folder = urls, urls["wsgi"], folder
        self.people, self.chiefs = people[:PEOPLE], people[PEOPLE:]

    def under(self, kind: str) -> Site:
        """The same site, people and database under WSGI or ASGI."""
        site = copy(self)
        site.url = self.urls[kind]
        return site

    def person(self) -> str:
        """One who has no phone yet."""
        return self.people.pop()

    def chief(self) -> str:
        """One who has no phone yet, and may do everything."""
        return self.chiefs.pop()

    def mail(self) -> str:
        """The newest mail that the site has sent."""
        newest = max((self.folder / "mail").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        body = email.message_from_bytes(newest.read_bytes(), policy=email.policy.default).get_body(("plain",))
        return str(body.get_content() if body else "")

    def phone(self, service: str = "/toopher/") -> CommandLinePhone:
        """A new phone at the site's service."""
        session = requests.Session()
        session.trust_env = False
        phone = CommandLinePhone(f"{self.url}{service}phone/", session=session)
        phone.register("Pixel")
        return phone


class Sites:
    """Runs sites, each with processes and a database of its own, until it is left."""

    def __init__(self, migrated: str = "", package: str = "tests.sites") -> None:
        """``migrated``: a database that most sites can begin with. ``package``: where they are."""
        self.migrated, self.package = migrated, package

    def __enter__(self) -> Sites:
        command = [sys.executable, "-W", "ignore", "-m", "tests.sites.serve"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # so that not each run compiles all of Django
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *exc: object) -> None:
        with self.process:
            self.process.stdin.close()
            self.process.wait(20)

    def run(self, name: str, folder: Path, **env: str) -> Site:
        """The site of this name, which finds ``env`` in its environment."""
        where = {"DJANGO_SETTINGS_MODULE": f"{self.package}.{name}.settings", "SITE_FOLDER": str(folder)}
        self.process.stdin.write(json.dumps({**where, "SITE_MIGRATED": self.migrated, **env}) + "\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline().split()
        assert told, (folder / "log").read_text()
        urls = {kind: f"http://127.0.0.1:{told.pop(0)}" for kind in KINDS}
        return Site(urls, folder, told)


def attribute(page: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found, f"no attribute {name} in {page[:3000]}"
    return html.unescape(found[1])


class Browser:
    """One person's cookies, and the page that is open."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        self.page: requests.Response

    def open(self, url: str) -> str:
        """Open a page and follow where it leads; the path at which that ends."""
        return self._arrive(self.http.get(urljoin(self.site.url, url)))

    def submit(self, **fields: str) -> str:
        """Send the page's form that has these fields, with what stands in it already."""
        forms = re.findall(r"<form\b.*?</form>", self.page.text, re.S)
        form = [each for each in forms if all(f'name="{name}"' in each for name in fields)][-1]
        action = re.search(r'<form[^>]*\baction="([^"]*)"', form)
        url = urljoin(self.page.url, html.unescape(action[1]) if action else "")
        return self.post(url, {**_filled_in(form), **fields})

    def post(self, url: str, fields: dict[str, str]) -> str:
        headers = {"Referer": self.page.url, "Origin": self.site.url}
        return self._arrive(self.http.post(urljoin(self.site.url, url), fields, headers=headers))

    def _arrive(self, response: requests.Response) -> str:
        assert len(response.history) <= 5, [each.url for each in response.history]
        self.page = response
        return response.url.removeprefix(self.site.url)

    def text(self) -> str:
        return self.page.text

    def give_password(self, name: str, password: str = "password") -> str:
        """On whichever login page is open."""
        assert 'type="password"' in self.text(), (self.page, self.text()[:2000])
        field = "login" if 'name="login"' in self.text() else "username"
        return self.submit(**{field: name, "password": password})

    def answer(self, phone: CommandLinePhone) -> str:
        """On the page that asks for the second factor: pair the phone where there is none, and say yes."""
        page, frame = self.text(), self.frame()
        if frame["state"] == "pairing":
            phone.pair_link(frame["link"])
            frame = self.call("ask")
        phone.approve(phone.pending().requests[0], frame["number"])
        postback = self.call("state", how="GET")["postback"]
        return self.post(
            attribute(page, "toopher_postback"), {**json.loads(attribute(page, "framework_post_args")), **postback}
        )

    def frame(self) -> dict:
        """Open the iframe of the page; its state."""
        source = urljoin(self.page.url, attribute(self.text(), "src"))
        inside = self.http.get(source)
        assert inside.status_code == 200, inside.text
        self.service = source.partition("/web/")[0]
        self.token = ""
        opened = self.call("open", ticket=attribute(inside.text, "data-ticket"), binder="0123456789abcdef" * 2)
        self.token = opened.get("token", "")
        return opened

    def call(self, name: str, how: str = "POST", **fields: str) -> dict:
        headers = {"Authorization": f"Frame {self.token}"} if self.token else {}
        url = f"{self.service}/web/frame/{name}"
        reply: dict = self.http.request(how, url, data=fields, headers=headers).json()
        return reply


def _filled_in(form: str) -> dict[str, str]:
    """What stands in the form as it was opened."""
    kept = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        is_sent = " checked" in tag or not re.search(r'type="(checkbox|radio|submit|file)"', tag)
        if is_sent and 'name="' in tag:
            kept[attribute(tag, "name")] = (
                attribute(tag, "value") if 'value="' in tag else "on" if " checked" in tag else ""
            )
    return kept
