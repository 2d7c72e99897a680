"""Every text that people see can be translated, and is; each catalog is whole and compiled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf.locale import LANG_INFO
from django.template.base import Lexer, TokenType
from django.test import override_settings
from django.utils import translation
from django.utils.translation import trans_real

from tests.drivers import Computer
from tests.tables import table

from .languages import APPS, LANGUAGES, PACKAGE, languages_of

CATALOGS = [(app, language) for app in APPS for language in LANGUAGES]
TEMPLATES = sorted(PACKAGE.rglob("templates/**/*.*"))
SCRIPTS = sorted(PACKAGE.rglob("static/**/*.js"))
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|</?\w+[^>]*>")


def catalog_of(app: str, language: str) -> Catalog:
    with (APPS[app] / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def messages_of(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def keys_of(catalog: Catalog) -> set[tuple[object, str | None]]:
    """What a catalog has texts for."""
    return {(message.id, message.context) for message in messages_of(catalog)}


def texts_of(message: Message) -> tuple[list[str], list[str]]:
    """The forms of a message, and its translations."""
    ids = [message.id] if isinstance(message.id, str) else [*message.id]
    return ids, [message.string] if isinstance(message.string, str) else [*message.string]


# Catalogs


def test_both_apps_speak_the_languages_that_the_readme_names():
    assert languages_of("app") == languages_of("service")
    *first, last = sorted(LANG_INFO[translation.to_language(language)]["name"] for language in LANGUAGES)
    readme = " ".join((PACKAGE.parent / "README.rst").read_text().split())
    assert f"The texts are in English, {', '.join(first)} and {last}." in readme


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> dict[str, Catalog]:
    """The catalogs that ``make messages`` would begin now."""
    if shutil.which("xgettext") is None:
        pytest.skip("GNU gettext is not installed")
    copy = tmp_path_factory.mktemp("package") / "django_toopher"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "locale"))
    catalogs = {}
    # As `make messages` does: it needs no settings, and ours can't be imported from there.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    for app, folder, options in [("app", copy, ["--ignore", "service/*"]), ("service", copy / "service", [])]:
        (folder / "locale").mkdir()
        command = [sys.executable, "-m", "django", "makemessages", "--locale", "eo", *options]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120, env=environment)
        with (folder / "locale/eo/LC_MESSAGES/django.po").open("rb") as file:
            catalogs[app] = read_po(file)
    return catalogs


@table(("app", "language"), CATALOGS)
def test_a_catalog_has_every_text_and_no_other(app, language, extracted):
    missing = keys_of(extracted[app]) ^ keys_of(catalog_of(app, language))
    assert not missing, f"Run: make messages. {missing}"


@table(("app", "language"), CATALOGS)
def test_a_catalog_is_complete(app, language):
    unfinished = [m.id for m in messages_of(catalog_of(app, language)) if m.fuzzy or not all(texts_of(m)[1])]
    assert not unfinished


@table(("app", "language"), CATALOGS)
def test_a_translation_has_the_placeholders_and_tags_of_its_text(app, language):
    wrong = []
    for message in messages_of(catalog_of(app, language)):
        ids, strings = texts_of(message)
        wanted = [Counter(PLACEHOLDERS.findall(text)) for text in ids]  # the singular may leave the number out
        wrong += [text for text in strings if text and Counter(PLACEHOLDERS.findall(text)) not in wanted]
    assert not wrong


@table(("app", "language"), CATALOGS)
def test_a_compiled_catalog_says_what_its_source_says(app, language):
    with (APPS[app] / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = [texts_of(message) for message in messages_of(read_mo(file))]
    source = [texts_of(m) for m in messages_of(catalog_of(app, language)) if all(texts_of(m)[1]) and not m.fuzzy]
    assert sorted(compiled) == sorted(source), "Run: make compile-messages"


@table("language", LANGUAGES)
def test_a_text_that_both_apps_have_is_translated_once(language):
    """Each needs it, as it can stand alone; where both are installed, Django takes one for both."""
    app, service = ({(m.id, m.context): texts_of(m)[1] for m in messages_of(catalog_of(app, language))} for app in APPS)
    both = app.keys() & service.keys()
    assert both
    assert {key: app[key] for key in both} == {key: service[key] for key in both}


# Templates and scripts


class Words(HTMLParser):
    """What a person reads of a page or is told of it, in its order; attributes between line breaks."""

    SPOKEN = ("alt", "title", "placeholder", "aria-label", "aria-description", "content")

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag, attrs):
        self.silent += tag in {"script", "style"}
        named = dict(attrs)
        spoken = [value for name, value in attrs if value and name in self.SPOKEN]
        if tag == "meta" and named.get("name") not in {"description", "apple-mobile-web-app-title"}:
            spoken = []
        self.words += [f"\n{value}\n" for value in spoken]

    def handle_endtag(self, tag):
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self.silent:
            self.words.append(data)


def words_of(page: str) -> str:
    parser = Words()
    parser.feed(page)
    parser.close()
    return "".join(parser.words)


def untranslated(source: str) -> list[str]:
    """Words that stand in a template as they are; a tag or variable is a token of its own and is none."""
    plain, is_translated = [], False
    source = re.sub(r"{% block bodyclass %}.*?{% endblock %}", "", source)
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            is_translated = is_translated or name in {"blocktranslate", "blocktrans", "comment"}
            if name in {"endblocktranslate", "endblocktrans", "endcomment"}:
                is_translated = False
        elif token.token_type == TokenType.TEXT and not is_translated:
            plain.append(token.contents)
        else:
            plain.append("")
    attributes = re.compile(r'[\w-]+="[^"]*"')  # a block may be within a tag of the template that it overrides
    return re.findall(r"[^\W\d_]{2,}", attributes.sub(" ", words_of("".join(plain))))


@table("path", [each for each in TEMPLATES if each.suffix != ".js"], ids=lambda path: path.name)
def test_no_word_stands_in_a_template_untranslated(path):
    assert not untranslated(path.read_text())


def test_a_word_that_is_not_translated_is_found():
    assert untranslated('<p title="Hello">{% translate "x" %} there</p>') == ["Hello", "there"]
    assert untranslated("{% blocktranslate %}Hello{% endblocktranslate %}<i>{{ name }}</i>") == []


NAMES = {"Samsung Internet", "Mac OS", "Segoe UI", "Public Key"}


@table("path", SCRIPTS, ids=lambda path: path.name)
def test_no_sentence_stands_in_a_script(path):
    code = re.sub(r"^\s*//.*$|\s//\s.*$", "", path.read_text(), flags=re.MULTILINE)
    found = re.findall(r"""["'`]([A-Z][a-z]+ [a-z]\w*[^"'`]*)["'`]|>([A-Z][a-z]+ [a-z]+)""", code)
    assert not [text for pair in found for text in pair if text and text not in NAMES]


# Pages, in a language in which every text of ours stands in brackets

OPEN, CLOSE = "⟦", "⟧"
DATA = re.compile(r"alice@example\.com|alice|testserver|Pixel|Log In|Salutnomo|Pasvorto|\d+")
"""Names, and the labels of Django's own login form."""


@pytest.fixture
def bracketed(tmp_path, settings):
    """Pages speak Esperanto, which has a catalog with each text of ours in brackets."""
    catalog = Catalog(locale="eo")
    for app in APPS:
        for message in messages_of(catalog_of(app, "de")):
            ids, _strings = texts_of(message)
            wrapped = tuple(f"{OPEN}{text}{CLOSE}" for text in ids)
            catalog.add(message.id, wrapped if len(wrapped) > 1 else wrapped[0], context=message.context)
    target = tmp_path / "eo" / "LC_MESSAGES"
    target.mkdir(parents=True)
    with (target / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    settings.LOCALE_PATHS = [str(tmp_path)]
    settings.LANGUAGE_CODE = "eo"
    trans_real._translations.clear()
    translation.activate("eo")
    yield
    translation.deactivate()
    trans_real._translations.clear()


def unbracketed(page: str) -> list[str]:
    """Words outside of brackets that are nobody's name."""
    text = words_of(page)
    while re.search(r"⟦[^⟦⟧]*⟧", text):
        text = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    return re.findall(r"[^\W\d_]{2,}", DATA.sub(" ", text))


@pytest.mark.django_db
def test_every_page_speaks_the_persons_language(bracketed, alice, phone):
    computer = Computer()
    pages = {"login": computer.get("/accounts/login/"), "phone": computer.get("/toopher/phone/")}
    computer.password()
    pages["account"] = computer.get("/accounts/phones/")
    frame = computer.open_iframe("/accounts/phones/")
    phone.pair_link(frame.call("pair")["link"])
    computer.post("/accounts/phones/postback/", frame.poll()["postback"])
    other = Computer()
    other.password()
    pages["authenticate"] = other.get("/accounts/authenticate/")
    with override_settings(TOOPHER_EMBED="native"):
        pages["native"] = other.get("/accounts/authenticate/")
    pages["failed"] = other.post("/accounts/postback/", {"a": "b"})
    for name, response in pages.items():
        page = response.content.decode()
        assert OPEN in page, name
        assert not unbracketed(page), name
