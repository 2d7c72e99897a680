"""URLs of this site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("sign-in/", LoginView.as_view(template_name="admin/login.html"), name="sign-in"),
    path("second-factor/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
    path("admin/", admin.site.urls),
]
