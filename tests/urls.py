"""URLs of the test project."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


@login_required
def members(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"welcome {request.user.get_username()}")


urlpatterns = [
    path("", home, name="home"),
    path("members/", members, name="members"),
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    path("admin/", admin.site.urls),
]
