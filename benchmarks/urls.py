"""URLs of the benchmark: the test project's, and a view that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.urls import urlpatterns as served


def empty(request: HttpRequest) -> HttpResponse:
    """What Django costs by itself, with the same middleware."""
    return HttpResponse("{}", content_type="application/json")


def user(request: HttpRequest) -> HttpResponse:
    """Asks who is logged in, as nearly every page does."""
    return HttpResponse(str(request.user.pk), content_type="application/json")


urlpatterns = [path("empty/", empty), path("benchmark/user/", user), *served]
