"""A site whose service has no prefix."""

from django.urls import include, path

from ..urls import anything

urlpatterns = [
    path("members/", anything),
    path("accounts/", include("django_toopher.urls")),
    path("", include("django_toopher.service.urls")),
]
