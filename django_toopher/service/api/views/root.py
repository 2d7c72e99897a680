"""What anybody may read, unsigned and without a query: what stands here, and how it is spoken to."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View

from .. import description


@method_decorator(login_not_required, name="dispatch")
class RootView(View):
    """The name and version of the protocol, for people and health checks."""

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"service": "toopher", "version": 1})


@method_decorator(login_not_required, name="dispatch")
class OpenApiView(View):
    """This API, described in OpenAPI 3.1."""

    def get(self, request: HttpRequest) -> JsonResponse:
        root = request.build_absolute_uri(reverse("toopher_service:root")).rstrip("/")
        return JsonResponse(description.document(root))
