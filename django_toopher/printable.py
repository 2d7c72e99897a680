"""Text that somebody else has chosen, such as a computer's name or a browser's ``User-Agent``."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` on one line, without invisible characters.

    They could make a mail or a page read as something else, and PostgreSQL keeps no NUL.
    """
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
