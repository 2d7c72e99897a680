"""What the static files of the app and of the service share, though neither can load the other's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from django_toopher.service.device import webapp


def palette(file, prefix):
    """The custom properties of ``:root`` by name, in light and in dark."""
    css = Path(finders.find(file)).read_text()
    rules = re.findall(r":root \{(.+?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(rf"{prefix}([\w-]+): ([^;]+);", rule)) for rule in rules)
    return {"light": light, "dark": {**light, **dark}}


@pytest.fixture
def service():
    return palette("toopher_service/palette.css", "--")


def test_the_app_has_the_colours_of_the_service(service):
    app = palette("django_toopher/toopher.css", "--toopher-")
    assert "accent" in app["dark"]
    for scheme, colours in app.items():
        assert colours.items() <= service[scheme].items()


def test_what_surrounds_the_phone_s_page_has_its_colours(service):
    assert service["light"]["accent"] == webapp.ACCENT
    assert service["light"]["background"] == webapp.BACKGROUND
    page = render_to_string("toopher_service/phone/page.html", {"background": webapp.BACKGROUND})
    themes = re.findall(r'name="theme-color" media="\(prefers-color-scheme: (\w+)\)" content="(\S+)"', page)
    assert dict(themes) == {scheme: colours["background"] for scheme, colours in service.items()}
