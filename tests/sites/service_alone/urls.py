"""URLs of this site."""

from django.urls import include, path

urlpatterns = [path("toopher/", include("django_toopher.service.urls"))]
