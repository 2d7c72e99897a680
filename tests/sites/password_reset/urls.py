"""URLs of this site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages

urlpatterns = [
    path("admin/", admin.site.urls),  # whose templates these pages have
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
    path("reset/", auth_views.PasswordResetView.as_view(success_url="/health/"), name="password_reset"),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(post_reset_login=True, success_url="/members/"),
        name="password_reset_confirm",
    ),
]
