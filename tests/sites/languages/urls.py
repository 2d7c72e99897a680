"""URLs of this site."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("toopher/", include("django_toopher.service.urls")),
    *i18n_patterns(
        path("accounts/", include("django_toopher.urls")),
        *pages,
    ),
]
