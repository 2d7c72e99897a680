"""The club's pages, the login flow, the service, the admin."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from .views import HomeView, MembersView, PaymentView

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("members/", MembersView.as_view(), name="members"),
    path("members/pay/", PaymentView.as_view(), name="payment"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    path("admin/", admin.site.urls),
]
