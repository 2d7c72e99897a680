"""URLs of this site."""

from allauth.account.views import LogoutView
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("leave/", LogoutView.as_view(), name="leave"),  # allauth's own, called otherwise
    path("_allauth/", include("allauth.headless.urls")),
    path("second-factor/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
]
