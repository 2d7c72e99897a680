"""Every template can be changed by its blocks: a site that wants one sentence otherwise need not copy a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.base import Lexer, Token, TokenType

from tests.tables import table

PACKAGE = Path(__file__).resolve().parent.parent / "django_toopher"
FOLDERS = [PACKAGE / "templates/django_toopher", PACKAGE / "service/templates/toopher_service"]
TEMPLATES = sorted(path for folder in FOLDERS for path in folder.rglob("*.*") if path.suffix != ".js")
SILENT = re.compile(r"(?s)\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<[!/a-z][^<>]*>")
"""Comments, and tags with what their attributes say."""


def is_read(token: Token) -> bool:
    """Whether this puts words on the page."""
    if token.token_type == TokenType.TEXT:
        return re.search(r"\w{2}", token.contents) is not None
    is_translated = token.contents.startswith(("translate ", "blocktranslate")) and " as " not in token.contents
    return token.token_type == TokenType.VAR or (token.token_type == TokenType.BLOCK and is_translated)


def loose(source: str) -> Iterator[str]:
    """What a person reads of a template that no block holds, or none smaller than the page's whole content."""
    blocks: list[str] = []
    for token in Lexer(SILENT.sub(" ", source)).tokenize():
        word = token.contents.split(" ")[0] if token.token_type == TokenType.BLOCK else ""
        if word == "block":
            blocks.append(token.split_contents()[1])
        elif word == "endblock":
            blocks.pop()
        elif is_read(token) and not {*blocks} - {"content"}:
            yield token.contents


@table("path", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_text_stands_in_a_block(path):
    assert not [*loose(path.read_text())]


@pytest.mark.parametrize(
    "source", ["Words", "{% block content %}<p>Words</p>{% endblock %}", '{% translate "Words" %}']
)
def test_a_text_that_stands_in_none_is_found(source):
    assert [*loose(source)]
