"""What anybody may read, unsigned and without a query: what stands here, and how it is spoken to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View

from ...errors import NotFoundError
from ...http.calls import CallView
from .. import description


@method_decorator(login_not_required, name="dispatch")
class RootView(View):
    """The name and version of the protocol, for people and health checks."""

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"service": "toopher", "version": 1})


class NoSlashView(CallView):
    """A client that puts paths behind its base address as they are, and was given one without a slash at the end."""

    def get(self, request: HttpRequest) -> Any:
        raise NotFoundError("The base URL needs a slash at its end: .../v1/")

    post = put = patch = delete = get


@method_decorator(login_not_required, name="dispatch")
class OpenApiView(View):
    """This API, described in OpenAPI 3.1."""

    def get(self, request: HttpRequest) -> JsonResponse:
        root = request.build_absolute_uri(reverse("toopher_service:root")).rstrip("/")
        return JsonResponse(description.document(root))
