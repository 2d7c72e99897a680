"""What class-based views inherit from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views import View

from .step_up.atomic import atomic_inside, without_transaction
from .step_up.gate import intercept
from .step_up.requirement import Requirement

if TYPE_CHECKING:
    _View = View
else:
    _View = object


class SecondFactorRequiredMixin(_View):
    """``decorators.second_factor_required`` for a class-based view; it stands where the class is in the bases.

    Behind ``LoginRequiredMixin`` and ``PermissionRequiredMixin``, then, people confirm only what they may do.
    ``second_factor_action`` is a text, or a method that gets what ``dispatch`` gets and makes the text of it;
    ``second_factor_unless`` is such a method, too.
    """

    second_factor_action: Any = None
    second_factor_max_age: int | None = None
    second_factor_safe_methods = True
    second_factor_unless: Any = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        """The view, around which Django opens no transaction; ``dispatch`` opens it, behind the approval."""
        view = super().as_view(**initkwargs)
        # around a coroutine Django opens none: with ATOMIC_REQUESTS it refuses to run it
        return view if cls.view_is_async else without_transaction(view)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Stop the request, or carry it out when it was confirmed."""
        if self.second_factor_action is None:
            raise ImproperlyConfigured(f"{type(self).__name__} needs second_factor_action.")
        requirement = Requirement(
            self.second_factor_action,
            self.second_factor_max_age,
            self.second_factor_safe_methods,
            self.second_factor_unless,
        )
        if self.view_is_async:
            return self._dispatch_async(requirement, request, *args, **kwargs)
        run = atomic_inside(super().dispatch, like=type(self).dispatch)
        return intercept(request, requirement, *args, **kwargs) or run(request, *args, **kwargs)

    async def _dispatch_async(self, requirement: Requirement, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        stopped = await sync_to_async(intercept)(request, requirement, *args, **kwargs)
        if stopped:
            return stopped
        response: Any = super().dispatch(request, *args, **kwargs)
        return await response if hasattr(response, "__await__") else response  # not so when the method isn't allowed
