"""URLs of a site with an admin of its own, in which its own users stand."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.urls import path

from django_toopher.admin import SupportActionsMixin, register
from tests.urls import urlpatterns as project


class ClubAdminSite(admin.AdminSite):
    """Another name, another place."""


class ClubUserAdmin(SupportActionsMixin, UserAdmin):
    """What the README shows."""

    list_display = (*UserAdmin.list_display, "second_factor")
    actions = ("greet",)

    @admin.action(description="Greet")
    def greet(self, request, queryset):
        """An action of the site's own."""


site = ClubAdminSite("club")
site.register(get_user_model(), ClubUserAdmin)
register(site)

urlpatterns = [path("club/desk/", site.urls), *project]
