"""What views are decorated with."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async

from .exempt import second_factor_exempt
from .step_up.atomic import atomic_inside, without_transaction
from .step_up.gate import intercept
from .step_up.requirement import Requirement

__all__ = ["second_factor_exempt", "second_factor_required"]

View = TypeVar("View", bound=Callable[..., Any])


def second_factor_required(
    *,
    action: Any,
    max_age: int | None = None,
    safe_methods: bool = True,
    unless: Callable[..., bool] | None = None,
) -> Callable[[View], View]:
    """Stop each request to the view until the logged-in person has confirmed it on the phone (SECURITY.md S13).

    ``action`` is what the phone shows: a text, or a callable that gets what the view gets and makes the text of it, as
    ``lambda request: f"Pay {request.POST['amount']} € to Bob"``. It must make the same text of the same request. With
    ``max_age``, a second factor that was passed in this session at most so many seconds ago is enough; with
    ``safe_methods=False``, GET passes; ``unless``, a callable as ``action`` is, lets further requests pass.
    ``step_up.requirement.Requirement`` says exactly how.

    The view runs once for each approval, after that is spent and, where ``ATOMIC_REQUESTS`` is on, in a transaction of
    its own: when it fails, the person has to confirm anew.
    """
    requirement = Requirement(action, max_age, safe_methods, unless)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def stop_async(request: Any, *args: Any, **kwargs: Any) -> Any:
                stopped = await sync_to_async(intercept)(request, requirement, *args, **kwargs)
                return stopped or await view(request, *args, **kwargs)

            return stop_async  # type: ignore[return-value]

        inside = atomic_inside(view)

        @wraps(view)
        def stop(request: Any, *args: Any, **kwargs: Any) -> Any:
            return intercept(request, requirement, *args, **kwargs) or inside(request, *args, **kwargs)

        return without_transaction(stop)  # type: ignore[return-value]

    return decorate
