"""The club's list of users has support's actions, and says how each user stands."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model

from django_toopher.admin import SupportActionsMixin

User: Any = get_user_model()
admin.site.unregister(User)


@admin.register(User)
class UserAdmin(SupportActionsMixin, auth_admin.UserAdmin):
    """Django's own, and the second factor of each."""

    list_display = (*auth_admin.UserAdmin.list_display, "second_factor")
