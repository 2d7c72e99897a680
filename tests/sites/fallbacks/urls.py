"""URLs of this site."""

from django.contrib import admin
from django.contrib.flatpages.models import FlatPage
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages


def lay(request: HttpRequest) -> HttpResponse:
    """Write the page for members."""
    page = FlatPage.objects.create(
        url="/minutes/", title="Minutes", content="what was decided", registration_required=True
    )
    page.sites.set([1])
    return HttpResponse("there")


urlpatterns = [
    path("lay/", lay),
    path("admin/", admin.site.urls),
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
]
