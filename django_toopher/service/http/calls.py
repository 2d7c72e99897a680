"""What every call of the service has in common: JSON out, errors of the service as replies, no session and no CSRF."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from ..errors import BadParameterError, MethodError, NotSignedError, ServiceError, TooManyError
from .signatures import FORM

Json = dict[str, Any]

JSON_TYPE = "application/json; charset=utf-8"
"""With a charset, as some clients need it (PROTOCOL.md §1.5)."""


def json_reply(body: Any, status: int = 200) -> JsonResponse:
    """Any object or list, as ASCII: not every client decodes UTF-8."""
    return JsonResponse(body, safe=False, status=status, content_type=JSON_TYPE)


def error_body(error: ServiceError) -> Json:
    """``error_code`` (always an integer) and ``error_message``."""
    return {"error_code": error.error_code or error.status, "error_message": error.message}


def leaves_stray_bytes(request: HttpRequest) -> bool:
    """Whether this is a form without any length: Python clients send ``0`` and two line ends after an empty one.

    The server takes them for the next request on the connection (PROTOCOL.md §1.3-5).
    """
    lengths = request.headers.get("Content-Length") or request.headers.get("Transfer-Encoding")
    return request.method == "POST" and request.content_type == FORM and not lengths


def closing_reply(response: HttpResponse, request: HttpRequest) -> HttpResponseBase:
    """``response`` in a form that ends the connection, as far as an application can ask for that.

    PEP 3333 keeps the header to the server: under WSGI a reply of unknown length makes runserver and waitress close.
    Gunicorn closes unless it has threads; with threads it needs ``keepalive = 0``.
    """
    if isinstance(request, ASGIRequest):
        response["Connection"] = "close"
        return response
    return StreamingHttpResponse([response.content], status=response.status_code, headers=response.headers)


# non-atomic: inside a transaction around the view no deadlock is tried again (`retry`)
@method_decorator([csrf_exempt, login_not_required, never_cache, transaction.non_atomic_requests], name="dispatch")
class CallView(View):
    """A call that proves by a signature or token who makes it. A ``ServiceError`` anywhere in it becomes its reply.

    What a handler returns, if it is no response, is sent as JSON.
    """

    def authorize(self, request: HttpRequest) -> None:
        """Find out who calls, before anything else; for kinds of calls where every handler needs that."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Carry out; whatever is wrong is answered in the form of this kind of call."""
        response = self.reply(request, *args, **kwargs)
        return closing_reply(response, request) if leaves_stray_bytes(request) else response

    def reply(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The response to a call, whether it was carried out or refused."""
        try:
            self.authorize(request)
            reply: Any = super().dispatch(request, *args, **kwargs)
        except ServiceError as error:
            return self.refuse(error)
        except SuspiciousOperation:  # too large, too many fields, a host that is not allowed
            return self.refuse(BadParameterError("The request could not be read."))
        return reply if isinstance(reply, HttpResponseBase) else json_reply(reply)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """405 in the form of every other error."""
        response = self.refuse(MethodError(f"{request.method} is not possible here."))
        response["Allow"] = ", ".join(name.upper() for name in self.http_method_names if hasattr(self, name))
        return response

    def refuse(self, error: ServiceError) -> HttpResponse:
        """The reply that an error becomes."""
        response = json_reply(self.error_body(error), error.status)
        if isinstance(error, TooManyError):
            response["Retry-After"] = str(error.retry_after)
        if isinstance(error, NotSignedError):
            response["WWW-Authenticate"] = 'OAuth realm="toopher"'  # py105 needs the realm (PROTOCOL.md §1.5)
        return response

    def error_body(self, error: ServiceError) -> Json:
        """What the reply says: for a program the slug, for a person the text."""
        return {**error_body(error), "reason": error.reason, **error.details()}
