"""Views that a session may use while its second factor is due: marked by a site, or known by what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.views import serve as serve_static
from django.http import HttpRequest
from django.urls import ResolverMatch
from django.views.static import serve as serve_files

from .conf import conf

View = TypeVar("View", bound=Callable[..., Any])


def second_factor_exempt(view: View) -> View:
    """Let a logged-in session use ``view`` while a second factor is still due; the middleware passes it.

    For a function, a class-based view, or, in a URLconf, what ``as_view()`` returns.
    """
    view.second_factor_exempt = True  # type: ignore[attr-defined]
    return view


_OPEN = {
    ("allauth.account.views", "LogoutView"),
    ("hijack.views", "ReleaseUserView"),  # the way back from acting as somebody else
    ("impersonate.views", "stop_impersonate"),
}
"""Views of other packages, by module and name, that a session without its second factor may use."""


def is_open(request: HttpRequest, view: Any, kwargs: dict[str, Any], match: ResolverMatch | None) -> bool:
    """Whether a half-authenticated session may use this view."""
    return (
        bool(getattr(view, "second_factor_exempt", False))
        or bool(getattr(getattr(view, "view_class", None), "second_factor_exempt", False))
        or _is_logout(view)
        or is_one_of(view, _OPEN)
        or is_service(match)
        or _is_static(view, kwargs)
        or any(_lies_below(request.path_info, path) for path in conf.TOOPHER_EXEMPT_PATHS)
    )


def _is_logout(view: Any) -> bool:
    """Known by what it is, not by what a URLconf calls it: Django's view, or an admin site's."""
    view_class, site = getattr(view, "view_class", None), getattr(view, "admin_site", None)
    if site is not None and getattr(view, "__wrapped__", None) == site.logout:
        return True
    return isinstance(view_class, type) and issubclass(view_class, LogoutView)


def is_one_of(view: Any, names: set[tuple[str, str]]) -> bool:
    """Whether the view is one of these, or derived from one."""
    view_class = getattr(view, "view_class", None)
    which = view_class.__mro__ if isinstance(view_class, type) else [view]
    return any(_is_named(each, module, name) for each in which for module, name in names)


def _is_named(view: Any, module: str, name: str) -> bool:
    """A package may keep it in a module below the one that it is imported from."""
    return getattr(view, "__name__", "") == name and f"{getattr(view, '__module__', '')}.".startswith(f"{module}.")


def is_service(match: ResolverMatch | None) -> bool:
    """Whether the embedded service is asked: it believes signatures and no session, and asks for the second factor."""
    return match is not None and "toopher_service" in match.app_names


def _is_static(view: Any, kwargs: dict[str, Any]) -> bool:
    """Whether Django itself serves static files here, which our own pages need as well; uploaded ones are not."""
    root = settings.STATIC_ROOT
    return view is serve_static or (view is serve_files and bool(root) and kwargs.get("document_root") == root)


def _lies_below(path: str, exempt: str) -> bool:
    return path.startswith(exempt) if exempt.endswith("/") else path == exempt
