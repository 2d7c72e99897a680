"""What templates can be given on every page."""

from __future__ import annotations

from django.http import HttpRequest

from .session.status import SecondFactor


def second_factor(request: HttpRequest) -> dict[str, SecondFactor]:
    """``second_factor`` with ``verified``, ``paired`` and ``account_url``. Costs nothing until it is used."""
    return {"second_factor": SecondFactor(request)}
