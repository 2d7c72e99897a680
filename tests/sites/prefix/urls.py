"""URLs of this site."""

from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
]
