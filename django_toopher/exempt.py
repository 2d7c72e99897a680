"""Marks on views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def second_factor_exempt(view: View) -> View:
    """Let a logged-in session use ``view`` while a second factor is still due; the middleware passes it.

    For a function, a class-based view, or, in a URLconf, what ``as_view()`` returns.
    """
    view.second_factor_exempt = True  # type: ignore[attr-defined]
    return view
