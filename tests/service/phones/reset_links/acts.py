"""The page of a reset link, opened and confirmed."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from django_toopher.service.models import Pairing

QUESTION = {"security_question": "Name of your first pet?", "security_answer": "Rex the Dog"}


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def token_of(url):
    return parse_qs(urlsplit(url).query)["reset_authorization"][0]


def open_page(url):
    return Client().get(path_of(url), secure=True)


def confirm(url, **fields):
    return Client(enforce_csrf_checks=True).post(path_of(url), fields, secure=True)


def is_enabled():
    return Pairing.objects.get().is_enabled


def assert_page_says(response, status, words):
    page = response.content.decode()
    assert response.status_code == status, page
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert re.search(rf'id="error"[^>]*>[^<]*{words}', page), page
