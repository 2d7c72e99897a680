"""The texts that a phone shows and signs are the same in the service and in the web app (SECURITY.md S26)."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from django_toopher.service.shown import PairingTexts, RequestTexts

TEXTS = [("PAIRING_TEXTS", "pair", PairingTexts), ("REQUEST_TEXTS", "request", RequestTexts)]


def names_in_the_web_app(constant):
    """What ``shown.js`` lists, with what it takes over from another list."""
    script = Path(finders.find("toopher_service/phone/shown.js")).read_text()
    (listed,) = re.findall(rf"^export const {constant} = \[(.+)\];$", script, re.MULTILINE)
    names = []
    for taken, name in re.findall(r'\.\.\.(\w+)|"(\w+)"', listed):
        names += names_in_the_web_app(taken) if taken else [name]
    return names


@pytest.mark.parametrize(("constant", "screen", "texts"), TEXTS)
def test_the_web_app_has_the_texts_of_the_service_in_their_order(constant, screen, texts):
    assert names_in_the_web_app(constant) == [field.name for field in fields(texts)]


@pytest.mark.parametrize(("constant", "screen", "texts"), TEXTS)
def test_the_page_has_a_place_for_each_text_with_its_label(constant, screen, texts):
    page = render_to_string("toopher_service/phone/page.html")
    labelled = re.findall(rf'<div[^>]*><dt>[^<]+</dt><dd><bdi id="{screen}-(\w+)"></bdi></dd></div>', page)
    assert sorted(labelled) == sorted(field.name for field in fields(texts))
