"""URLs of this site."""

from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("cms/", include(wagtailadmin_urls)),
    path("second-factor/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
    path("", include(wagtail_urls)),
]
