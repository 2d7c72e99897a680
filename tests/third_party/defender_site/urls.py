"""URLs of this site."""

from django.contrib import admin
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    path("admin/", admin.site.urls),
    *pages,
]
