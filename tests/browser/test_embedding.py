"""The iframe in a page of the site: each attribute that published clients give it is heeded (PROTOCOL.md §3.2)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

RESULT = {"session_token": "", "granted": "true", "toopher_sig": "a+b/c="}

SERVICE = """<!doctype html><title>Service</title><link rel="icon" href="data:,"><script>
  const payload = { session_token: "", granted: "true", toopher_sig: "a+b/c=" };
  setInterval(() => parent.postMessage(JSON.stringify({ status: "toopher-api-complete", payload }), "*"), 20);
</script>"""
"""Hands over a result, again and again, as the service's own page does."""

ADDRESS = "https://service.example/web/authenticate?v=2"

HOST = """<!doctype html><title>Host</title><link rel="icon" href="data:,"><output></output>
<script>
  const output = document.querySelector("output");
  addEventListener("toopher-postback", async ({ target, detail }) => {
    output.textContent += target.id + await detail.text();
  });
</script>
<iframe %s></iframe><script type="module" src="/static/django_toopher/toopher-web.js"></script>"""


class Host:
    """A site with the iframe on each of its pages. What is posted to it, it keeps."""

    def __init__(self, page):
        self.page = page
        self.posted = []
        self._html = ""
        page.route("**/host/**", self._answer)
        page.route(ADDRESS, lambda route: route.fulfill(content_type="text/html", body=SERVICE))

    def opens(self, attributes):
        """Somebody opens a page whose iframe has these ``attributes``."""
        self._html = HOST % attributes
        self.page.goto("/host/")

    def _answer(self, route):
        request = route.request
        if request.method == "POST":
            self.posted.append((urlsplit(request.url).path, dict(parse_qsl(request.post_data, keep_blank_values=True))))
        route.fulfill(content_type="text/html", body=self._html if request.method == "GET" else "taken")


@pytest.fixture
def host(make_context):
    return Host(make_context().pages[0])


def test_the_result_is_posted_to_toopher_postback_with_framework_post_args_beside_it(host):
    host.opens(f"""id="toopher_iframe" src="{ADDRESS}" toopher_postback="/host/postback/"
        framework_post_args='{{"csrfmiddlewaretoken": "token"}}'""")
    expect(host.page.locator("body")).to_have_text("taken")
    assert host.posted == [("/host/postback/", {**RESULT, "csrfmiddlewaretoken": "token"})]


def test_the_result_is_posted_to_the_page_itself_without_these_attributes(host):
    host.opens(f'id="toopher_iframe" src="{ADDRESS}"')
    expect(host.page.locator("body")).to_have_text("taken")
    assert host.posted == [("/host/", RESULT)]


def test_with_use_ajax_postback_the_page_stays_and_an_event_has_the_response(host):
    host.opens(f"""id="toopher_iframe" src="{ADDRESS}" toopher_postback="/host/postback/" use_ajax_postback
        framework_post_args='{{"csrfmiddlewaretoken": "token"}}'""")
    expect(host.page.locator("output")).to_have_text("toopher_iframetaken")
    assert host.posted == [("/host/postback/", {**RESULT, "csrfmiddlewaretoken": "token"})]
    assert urlsplit(host.page.url).path == "/host/"


def test_toopher_req_is_opened_by_toopher_init(host):
    host.opens(f'id="approval" toopher_req="{ADDRESS}" toopher_postback="/host/postback/"')
    assert host.page.locator("#approval").get_attribute("src") is None
    host.page.evaluate("toopher.init('#approval')")
    expect(host.page.locator("body")).to_have_text("taken")
    assert host.posted == [("/host/postback/", RESULT)]


def test_toopher_init_for_the_iframe_that_is_found_without_it_posts_once(host):
    host.opens('id="toopher_iframe" use_ajax_postback')
    host.page.locator("iframe").evaluate("(iframe, address) => iframe.setAttribute('toopher_req', address)", ADDRESS)
    host.page.evaluate("toopher.init()")
    expect(host.page.locator("output")).to_have_text("toopher_iframetaken")
    host.page.evaluate("fetch('/host/').then(() => null)")  # a second postback would have come before this
    assert host.posted == [("/host/", RESULT)]
