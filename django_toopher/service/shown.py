"""The texts that a phone shows and signs with its answer, described once (docs/authenticator.rst, SECURITY.md S26).

Their names are the members of the JSON that a phone gets, and the claims of the message that it sends back. Whoever
shows, signs or compares them goes by the fields here; the web app has them in ``phone/shown.js``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar

Texts = TypeVar("Texts", bound="PairingTexts")


@dataclass(frozen=True)
class PairingTexts:
    """What a phone shows before it is paired: the site, and who the person is there."""

    requester: str
    user: str

    @classmethod
    def read(cls: type[Texts], text: Callable[[str], str]) -> Texts:
        """These texts, each as ``text`` gives it by its name."""
        return cls(**{field.name: text(field.name) for field in fields(cls)})


@dataclass(frozen=True)
class RequestTexts(PairingTexts):
    """What a phone shows of an authentication request: also what is approved, and where whoever asks sits."""

    action: str
    terminal: str
    address: str
